// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "./Merkle.sol";

/// @title Roots of whole lists of leaves, see Merkle.sol
library MerkleRoot {
  /// @notice Root over leaf hashes; an empty list has one too. Overwrites the list.
  function root(bytes32[] memory level) internal pure returns (bytes32) {
    uint256 count = level.length;
    if (count == 0) return Merkle.emptyRoot();
    bytes32 zero = 0;
    // A missing right sibling is the top of an all-zero tree of that height.
    for (uint256 width = count; width > 1; width = (width + 1) / 2) {
      _up(level, width, zero);
      zero = _node(zero, zero);
    }
    return Merkle.root(count, level[0]);
  }

  /// @dev level[k] = node(level[2k], level[2k + 1]) for all of the first `width`; `zero` after them. The whole loop in
  /// assembly: checked, a node costs three times as much.
  function _up(bytes32[] memory level, uint256 width, bytes32 zero) private pure {
    assembly ("memory-safe") {
      let free := mload(0x40)
      let to := add(level, 32)
      let from := to
      let end := add(from, shl(5, width))
      mstore8(free, 1)
      for { } lt(from, end) { from := add(from, 64) } {
        mstore(add(free, 1), mload(from))
        let right := zero
        if lt(add(from, 32), end) { right := mload(add(from, 32)) }
        mstore(add(free, 33), right)
        mstore(to, keccak256(free, 65))
        to := add(to, 32)
      }
    }
  }

  /// @dev Merkle.node without leaving anything in memory: memory costs by its square.
  function _node(bytes32 left, bytes32 right) private pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 1)
      mstore(add(free, 1), left)
      mstore(add(free, 33), right)
      hash := keccak256(free, 65)
    }
  }
}
