// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LeavesOpening, NodesOpening } from "../interfaces/IGames.sol";
import { Leaves, Stretch } from "./Leaves.sol";
import { Merkle } from "./Merkle.sol";
import { Committed, Openings } from "./Openings.sol";

/// @title Many nodes or leaves of a Merkle tree at once
/// @notice Trees of Merkle.sol. Node k of level L stands above leaves k·2^L to (k+1)·2^L − 1; leaves are level 0. Shown are
/// all descendants of one node, a few levels below it, from left to right; those with no leaf below them are padding and
/// left out.
library Nodes {
  /// @dev In place of a depth: a cut, an assertion about leaves, the file of a claim's answers.
  uint256 internal constant CUT = type(uint8).max;
  uint256 internal constant ASSERTION = 254;
  uint256 internal constant FILE = 253;
  /// @notice Leaves shown, or asserted, at once are those below a node of at most this level: 64 leaves, 64 KiB.
  uint256 internal constant MOST_RANGE = 6;

  /// @notice Whether the hashes are nodes of the tree of the matrix's leaves.
  function proven(NodesOpening calldata shown, Committed memory matrix) internal pure returns (bool) {
    uint256 leaves = Leaves.count(matrix.rows, matrix.columns);
    bytes32 node = _node(shown, leaves);
    return node != 0 && rootWith(node, shown.leaf, shown.level, shown.proof, matrix) == matrix.root;
  }

  /// @notice Whether the hashes are nodes of the tree of `count` leaves under `root`.
  function provenUnder(NodesOpening calldata shown, bytes32 root, uint256 count) internal pure returns (bool) {
    if (shown.depth == CUT) return _cutRoot(shown.hashes, shown.proof, count) == root;
    bytes32 node = _node(shown, count);
    return node != 0 && shown.proof.length == Merkle.depth(count) - shown.level
      && Merkle.root(count, Openings.climb(node, shown.proof, shown.leaf)) == root;
  }

  /// @notice Whether these are the values of all the matrix's leaves below the node.
  function provenLeaves(LeavesOpening calldata shown, Committed memory matrix) internal pure returns (bool) {
    bytes32 node = over(shown, matrix);
    return node != 0 && rootWith(node, shown.leaf, shown.level, shown.proof, matrix) == matrix.root;
  }

  /// @notice The node above these values of leaves, if they are as many as the matrix has there; else 0.
  function over(LeavesOpening calldata shown, Committed memory matrix) internal pure returns (bytes32) {
    uint256 leaves = Leaves.count(matrix.rows, matrix.columns);
    if (!exists(leaves, shown.level, shown.leaf)) return 0;
    uint256 first = uint256(shown.leaf) << shown.level;
    uint256 many = _below(leaves, shown.level, shown.level, shown.leaf);
    // With a word behind them, for folding.
    bytes32[] memory hashes = new bytes32[](many + 1);
    uint256 from = 0;
    for (uint256 k = 0; k < many; k++) {
      Stretch memory part = Leaves.stretch(matrix.rows, matrix.columns, first + k);
      uint256 end = from + 4 * part.rows * part.columns;
      if (end > shown.values.length) return 0;
      hashes[k] = Openings.leafHash(shown.values[from:end]);
      from = end;
    }
    if (from != shown.values.length) return 0;
    return _fold(hashes, shown.level, 0);
  }

  /// @notice Root over all matrices that has this node at its place in the matrix's tree; `proof` are its siblings there, then
  /// those of the matrix. 0 where they are not as many as they should be, or there is no such place.
  function rootWith(bytes32 node, uint256 index, uint256 level, bytes32[] calldata proof, Committed memory matrix)
    internal
    pure
    returns (bytes32)
  {
    uint256 leaves = Leaves.count(matrix.rows, matrix.columns);
    if (!exists(leaves, level, index) || matrix.index >= matrix.count) return 0;
    uint256 within = Merkle.depth(leaves) - level;
    if (proof.length != within + Merkle.depth(matrix.count)) return 0;
    bytes32 root = Merkle.root(leaves, Openings.climb(node, proof[:within], index));
    bytes32 leaf = Merkle.leaf(abi.encodePacked(root, uint32(matrix.rows), uint32(matrix.columns)));
    return Merkle.root(matrix.count, Openings.climb(leaf, proof[within:], matrix.index));
  }

  /// @notice Whether a tree of `count` leaves has a node at this place that is no padding.
  function exists(uint256 count, uint256 level, uint256 index) internal pure returns (bool) {
    return count > 0 && level <= Merkle.depth(count) && index < _width(count, level);
  }

  /// @dev Root of the tree of `count` leaves that is made of a cut's nodes; 0 where they are not as many as they should be. Node
  /// by node the full trees of the leaves gone through are kept, one for each bit of their number, as a counter carries.
  function _cutRoot(bytes32[] calldata hashes, bytes32[] calldata levels, uint256 count) private pure returns (bytes32) {
    uint256 top = Merkle.depth(count);
    bytes32[] memory full = new bytes32[](top + 1);
    uint256 leaf = 0;
    for (uint256 k = 0; k < hashes.length; k++) {
      if (leaf >= count) return 0;
      uint256 level = top;
      bytes32 hash;
      assembly ("memory-safe") {
        if lt(shr(5, k), levels.length) {
          let given := byte(and(k, 31), calldataload(add(levels.offset, and(k, not(31)))))
          if lt(given, level) { level := given }
        }
        for { } and(leaf, sub(shl(level, 1), 1)) { } { level := sub(level, 1) }
        hash := calldataload(add(hashes.offset, shl(5, k)))
      }
      leaf = _carry(full, leaf, level, hash);
    }
    if (leaf < count) return 0;
    bytes32 zero = 0;
    for (uint256 level = 0; level < top; level++) {
      if ((leaf >> level) & 1 == 1) leaf = _carry(full, leaf, level, zero);
      zero = Merkle.node(zero, zero);
    }
    return Merkle.root(count, full[top]);
  }

  /// @dev Puts a node of a level behind the leaves gone through; as many as there are then. There is a place for every level up
  /// to the tree's top, and no node goes beyond that.
  function _carry(bytes32[] memory full, uint256 leaf, uint256 level, bytes32 hash) private pure returns (uint256 next) {
    assembly ("memory-safe") {
      next := add(leaf, shl(level, 1))
      let node := mload(0x40)
      mstore8(node, 0x01)
      let place := add(full, add(0x20, shl(5, level)))
      for { leaf := shr(level, leaf) } and(leaf, 1) { leaf := shr(1, leaf) } {
        mstore(add(node, 0x01), mload(place))
        mstore(add(node, 0x21), hash)
        hash := keccak256(node, 0x41)
        place := add(place, 0x20)
      }
      mstore(place, hash)
    }
  }

  /// @dev Nodes of a level that have a leaf below them.
  function _width(uint256 count, uint256 level) private pure returns (uint256) {
    return ((count - 1) >> level) + 1;
  }

  /// @dev How many descendants `depth` levels below an existing node have a leaf below them. Its index times 2^level is below
  /// the count, so this does not overflow.
  function _below(uint256 count, uint256 level, uint256 depth, uint256 index) private pure returns (uint256) {
    uint256 beside = _width(count, level - depth) - (index << depth);
    return beside < 1 << depth ? beside : 1 << depth;
  }

  /// @dev The node that has the hashes below it, if there is a node at this place; 0 where they are not as many as they should
  /// be.
  function _node(NodesOpening calldata shown, uint256 count) private pure returns (bytes32) {
    (uint256 level, uint256 depth) = (shown.level, shown.depth);
    if (!exists(count, level, shown.leaf) || depth > level) return 0;
    uint256 many = _below(count, level, depth, shown.leaf);
    if (shown.hashes.length != many) return 0;
    bytes32[] memory hashes = new bytes32[](many + 1);
    bytes32[] calldata given = shown.hashes;
    assembly ("memory-safe") {
      calldatacopy(add(hashes, 0x20), given.offset, shl(5, many))
    }
    return _fold(hashes, depth, _padding(level - depth));
  }

  /// @dev Top of a tree of `level` levels that holds nothing but padding.
  function _padding(uint256 level) private pure returns (bytes32 hash) {
    for (uint256 k = 0; k < level; k++) {
      hash = Merkle.node(hash, hash);
    }
  }

  /// @dev The node `depth` levels above all hashes but the last word, which is free; `zero` stands where one is missing. Level
  /// by level in the same place: two thousand hashes cost some 300,000 gas.
  function _fold(bytes32[] memory hashes, uint256 depth, bytes32 zero) private pure returns (bytes32 top) {
    assembly ("memory-safe") {
      // One byte and two words to be hashed.
      let node := mload(0x40)
      mstore8(node, 0x01)
      let first := add(hashes, 0x20)
      let size := shl(5, sub(mload(hashes), 1))
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
