// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "../../src/libraries/Merkle.sol";

/// @notice Builds whole trees the slow, obvious way: pad to a power of two with zero words, hash level by level.
library MerkleTree {
  function root(bytes32[] memory leaves) internal pure returns (bytes32) {
    bytes32[] memory level = _pad(leaves);
    while (level.length > 1) level = _up(level);
    return Merkle.root(leaves.length, level[0]);
  }

  function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory out) {
    bytes32[] memory level = _pad(leaves);
    out = new bytes32[](Merkle.depth(leaves.length));
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = level[index ^ 1];
      level = _up(level);
      index >>= 1;
    }
  }

  function _pad(bytes32[] memory leaves) private pure returns (bytes32[] memory out) {
    uint256 width = 1;
    while (width < leaves.length) width *= 2;
    out = new bytes32[](width);
    for (uint256 k = 0; k < leaves.length; k++) {
      out[k] = leaves[k];
    }
  }

  function _up(bytes32[] memory level) private pure returns (bytes32[] memory out) {
    out = new bytes32[](level.length / 2);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = Merkle.node(level[2 * k], level[2 * k + 1]);
    }
  }
}
