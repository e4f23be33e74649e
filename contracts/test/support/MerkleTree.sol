// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "../../src/libraries/Merkle.sol";

/// @notice Builds whole trees the slow, obvious way: pad to a power of two with zero words, hash level by level.
/// @dev The memory that a root or a proof takes on the way is given back: trees of thousands of leaves would fill it.
library MerkleTree {
  function root(bytes32[] memory leaves) internal pure returns (bytes32 hash) {
    uint256 free = _free();
    bytes32[] memory level = padded(leaves);
    while (level.length > 1) level = above(level);
    hash = Merkle.root(leaves.length, level[0]);
    _giveBack(free);
  }

  function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory out) {
    out = new bytes32[](Merkle.depth(leaves.length));
    uint256 free = _free();
    bytes32[] memory level = padded(leaves);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = level[index ^ 1];
      level = above(level);
      index >>= 1;
    }
    _giveBack(free);
  }

  /// @notice The leaves with zero words up to the next power of two.
  function padded(bytes32[] memory leaves) internal pure returns (bytes32[] memory out) {
    uint256 width = 1;
    while (width < leaves.length) width *= 2;
    out = new bytes32[](width);
    for (uint256 k = 0; k < leaves.length; k++) {
      out[k] = leaves[k];
    }
  }

  /// @notice The level above.
  function above(bytes32[] memory level) internal pure returns (bytes32[] memory out) {
    out = new bytes32[](level.length / 2);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = Merkle.node(level[2 * k], level[2 * k + 1]);
    }
  }

  function _free() private pure returns (uint256 free) {
    assembly ("memory-safe") {
      free := mload(0x40)
    }
  }

  /// @dev Nothing above is used any more. New memory is expected to be zero, which solc sees to itself for lists.
  function _giveBack(uint256 free) private pure {
    assembly ("memory-safe") {
      mstore(0x40, free)
    }
  }
}
