// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Opening } from "../interfaces/IReferee.sol";
import { Leaves, Stretch } from "./Leaves.sol";
import { Merkle } from "./Merkle.sol";
import { RF32 } from "./RF32.sol";

/// @notice A matrix under a root of matrices: a trace's, or the constants'.
struct Committed {
  bytes32 root;
  /// Matrices under the root.
  uint256 count;
  uint256 index;
  uint256 rows;
  uint256 columns;
}

/// @title Leaves of matrices under one root
/// @notice A leaf of a matrix is Merkle.leaf(its values); leaf k of a trace is Merkle.leaf(root of matrix k ‖ uint32 rows ‖
/// uint32 columns), big-endian. So a root fixes the place of every value, and no matrix can pass for one of another shape.
library Openings {
  /// @notice What the opening holds of the matrix; no rows where it proves nothing.
  function proven(Opening calldata opening, Committed memory matrix) internal pure returns (Stretch memory part) {
    return provenAt(opening.leaf, opening.values, opening.proof, matrix);
  }

  /// @notice The same for leaf `leaf`.
  function provenAt(uint256 leaf, bytes calldata values, bytes32[] calldata proof, Committed memory matrix)
    internal
    pure
    returns (Stretch memory part)
  {
    if (matrix.index >= matrix.count) return part;
    part = Leaves.stretch(matrix.rows, matrix.columns, leaf);
    bool whole = values.length == 4 * part.rows * part.columns;
    if (!whole || !_proves(leaf, values, proof, matrix)) part.rows = 0;
  }

  /// @notice Merkle.verify(root, count, index, Merkle.leaf(data), proof) in less gas.
  function provesLeaf(bytes32 root, uint256 count, uint256 index, bytes calldata data, bytes32[] calldata proof)
    internal
    pure
    returns (bool)
  {
    return proves(root, count, index, leafHash(data), proof);
  }

  /// @notice Merkle.verify(root, count, index, hash, proof) in less gas.
  function proves(bytes32 root, uint256 count, uint256 index, bytes32 hash, bytes32[] calldata proof)
    internal
    pure
    returns (bool)
  {
    return index < count && proof.length == _depth(count) && Merkle.root(count, climb(hash, proof, index)) == root;
  }

  function _proves(uint256 leaf, bytes calldata values, bytes32[] calldata proof, Committed memory matrix)
    private
    pure
    returns (bool)
  {
    uint256 leaves = Leaves.count(matrix.rows, matrix.columns);
    uint256 within = _depth(leaves);
    if (proof.length != within + _depth(matrix.count)) return false;
    bytes32 hash = Merkle.root(leaves, climb(leafHash(values), proof[:within], leaf));
    hash = Merkle.leaf(abi.encodePacked(hash, uint32(matrix.rows), uint32(matrix.columns)));
    return Merkle.root(matrix.count, climb(hash, proof[within:], matrix.index)) == matrix.root;
  }

  /// @dev Merkle.depth in fewer steps.
  function _depth(uint256 count) private pure returns (uint256) {
    return count < 2 ? 0 : RF32.log2(count - 1) + 1;
  }

  /// @dev Merkle.leaf without a copy that stays in memory.
  function leafHash(bytes calldata data) internal pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 0x00)
      calldatacopy(add(free, 1), data.offset, data.length)
      hash := keccak256(free, add(data.length, 1))
    }
  }

  /// @dev Merkle.node of every level in turn: bit k of the index is 1 where the node of level k is the right one.
  function climb(bytes32 hash, bytes32[] calldata proof, uint256 index) internal pure returns (bytes32) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 0x01)
      let next := proof.offset
      for { let end := add(next, shl(5, proof.length)) } lt(next, end) { next := add(next, 0x20) } {
        // The node's own place among the two words, and its sibling's.
        let right := shl(5, and(index, 1))
        mstore(add(add(free, 1), right), hash)
        mstore(add(add(free, 1), xor(right, 0x20)), calldataload(next))
        hash := keccak256(free, 0x41)
        index := shr(1, index)
      }
    }
    return hash;
  }
}
