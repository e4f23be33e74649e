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

  /// @notice Root over `count` leaf hashes of which some are known: `hashes` at the `places`, at least one, ascending.
  /// `siblings` are the other nodes that it takes, level by level from the leaves, from left to right; padding is not among
  /// them. 0 where they are too few or too many. Overwrites both lists.
  function rootOf(uint256 count, uint256[] memory places, bytes32[] memory hashes, bytes32[] calldata siblings)
    internal
    pure
    returns (bytes32)
  {
    uint256 used = 0;
    uint256 known = places.length;
    bytes32 zero = 0;
    for (uint256 last = count - 1; last > 0; last >>= 1) {
      uint256 to = 0;
      for (uint256 k = 0; k < known; to++) {
        uint256 place = places[k];
        bytes32 hash = hashes[k++];
        if (place & 1 == 0 && k < known && places[k] == place + 1) {
          hash = _node(hash, hashes[k++]);
        } else if (place & 1 == 0 && place == last) {
          hash = _node(hash, zero);
        } else {
          if (used == siblings.length) return 0;
          bytes32 beside = siblings[used++];
          hash = place & 1 == 0 ? _node(hash, beside) : _node(beside, hash);
        }
        (places[to], hashes[to]) = (place >> 1, hash);
      }
      known = to;
      zero = _node(zero, zero);
    }
    return used == siblings.length ? Merkle.root(count, hashes[0]) : bytes32(0);
  }

  /// @dev level[k] = node(level[2k], level[2k + 1]) for all of the first `width`; `zero` after them. The whole loop in
  /// assembly: checked, a node costs three times as much, and fewer payouts could be proved false.
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
