// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { NodesOpening } from "../interfaces/IGames.sol";
import { Leaves } from "./Leaves.sol";
import { Merkle } from "./Merkle.sol";
import { Committed } from "./Openings.sol";

/// @title Inner nodes of Merkle trees, many at once
/// @notice Trees of Merkle.sol. Node k of level L stands above leaves k·2^L to (k+1)·2^L − 1; leaves are level 0. Shown are
/// all descendants of one node, a few levels below it, from left to right; those with no leaf below them are padding and
/// left out.
library Nodes {
  /// @notice Whether the hashes are nodes of the tree of the matrix's leaves.
  function proven(NodesOpening calldata shown, Committed memory matrix) internal pure returns (bool) {
    uint256 leaves = Leaves.count(matrix.rows, matrix.columns);
    if (!exists(leaves, shown.level, shown.leaf)) return false;
    uint256 within = Merkle.depth(leaves) - shown.level;
    if (shown.proof.length < within) return false;
    bytes32 root = _root(shown, leaves, shown.proof[:within]);
    if (root == 0) return false;
    bytes32 leaf = Merkle.leaf(abi.encodePacked(root, uint32(matrix.rows), uint32(matrix.columns)));
    return Merkle.verify(matrix.root, matrix.count, matrix.index, leaf, shown.proof[within:]);
  }

  /// @notice Whether the hashes are nodes of the tree of `count` leaves under `root`.
  function provenUnder(NodesOpening calldata shown, bytes32 root, uint256 count) internal pure returns (bool) {
    if (!exists(count, shown.level, shown.leaf)) return false;
    return root != 0 && _root(shown, count, shown.proof) == root;
  }

  /// @notice Whether a tree of `count` leaves has a node at this place that is no padding.
  function exists(uint256 count, uint256 level, uint256 index) internal pure returns (bool) {
    return count > 0 && level <= Merkle.depth(count) && index < _width(count, level);
  }

  /// @dev Nodes of a level that have a leaf below them.
  function _width(uint256 count, uint256 level) private pure returns (uint256) {
    return ((count - 1) >> level) + 1;
  }

  /// @dev Root of the tree that holds the hashes where they are said to be, if the place exists; 0 where they are not as
  /// many as they should be.
  function _root(NodesOpening calldata shown, uint256 count, bytes32[] calldata proof) private pure returns (bytes32) {
    (uint256 level, uint256 depth, uint256 index) = (shown.level, shown.depth, shown.leaf);
    if (depth > level || proof.length != Merkle.depth(count) - level) return 0;
    // An existing node's index times 2^level is below the count, so this does not overflow.
    uint256 beside = _width(count, level - depth) - (index << depth);
    if (shown.hashes.length != (beside < 1 << depth ? beside : 1 << depth)) return 0;
    bytes32 hash = _fold(shown.hashes, depth, _padding(level - depth));
    for (uint256 k = 0; k < proof.length; k++) {
      hash = (index >> k) & 1 == 0 ? Merkle.node(hash, proof[k]) : Merkle.node(proof[k], hash);
    }
    return Merkle.root(count, hash);
  }

  /// @dev Top of a tree of `level` levels that holds nothing but padding.
  function _padding(uint256 level) private pure returns (bytes32 hash) {
    for (uint256 k = 0; k < level; k++) {
      hash = Merkle.node(hash, hash);
    }
  }

  /// @dev The node `depth` levels above the hashes; `zero` stands where one is missing. All in free memory, level by level in
  /// the same place, and nothing stays there: two thousand hashes cost some 300,000 gas.
  function _fold(bytes32[] calldata hashes, uint256 depth, bytes32 zero) private pure returns (bytes32 top) {
    assembly ("memory-safe") {
      // One byte and two words to be hashed, then the hashes.
      let node := mload(0x40)
      mstore8(node, 0x01)
      let first := add(node, 0x60)
      let size := shl(5, hashes.length)
      calldatacopy(first, hashes.offset, size)
      for { } depth { depth := sub(depth, 1) } {
        let to := first
        let end := add(first, size)
        // Beside an odd last one.
        mstore(end, zero)
        for { let from := first } lt(from, end) { from := add(from, 0x40) } {
          mcopy(add(node, 0x01), from, 0x40)
          mstore(to, keccak256(node, 0x41))
          to := add(to, 0x20)
        }
        size := sub(to, first)
        mstore(add(node, 0x01), zero)
        mstore(add(node, 0x21), zero)
        zero := keccak256(node, 0x41)
      }
      top := mload(first)
    }
  }
}
