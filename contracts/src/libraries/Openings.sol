// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Opening } from "../interfaces/IReferee.sol";
import { Merkle } from "./Merkle.sol";

/// @notice A matrix under a root of matrices: a trace's, or the constants'.
struct Committed {
  bytes32 root;
  /// Matrices under the root.
  uint256 count;
  uint256 index;
  uint256 rows;
  uint256 columns;
}

/// @title Pieces of rows under a root of matrices
/// @notice A row stands in pieces of 256 values, the last as long as it is. Leaf row · pieces + piece of a matrix is
/// Merkle.leaf(values); leaf k of a trace is Merkle.leaf(root of matrix k ‖ uint32 rows ‖ uint32 columns). So a root fixes the
/// place of every value, and no matrix can pass for one of another shape.
library Openings {
  uint256 internal constant PIECE = 256;

  function isIn(Opening calldata opening, Committed memory matrix) internal pure returns (bool) {
    uint256 pieces = (matrix.columns + PIECE - 1) / PIECE;
    (uint256 row, uint256 piece) = (opening.row, opening.piece);
    if (row >= matrix.rows || piece >= pieces || matrix.index >= matrix.count) return false;
    uint256 length = piece + 1 < pieces ? PIECE : matrix.columns - piece * PIECE;
    if (opening.values.length != 4 * length) return false;

    bytes32[] calldata proof = opening.proof;
    uint256 leaves = matrix.rows * pieces;
    uint256 within = Merkle.depth(leaves);
    if (proof.length != within + Merkle.depth(matrix.count)) return false;
    bytes32 hash = _climb(Merkle.leaf(opening.values), proof[:within], row * pieces + piece);
    hash = Merkle.leaf(abi.encodePacked(Merkle.root(leaves, hash), uint32(matrix.rows), uint32(matrix.columns)));
    return Merkle.root(matrix.count, _climb(hash, proof[within:], matrix.index)) == matrix.root;
  }

  function _climb(bytes32 hash, bytes32[] calldata proof, uint256 index) private pure returns (bytes32) {
    for (uint256 level = 0; level < proof.length; level++) {
      hash = (index >> level) & 1 == 0 ? Merkle.node(hash, proof[level]) : Merkle.node(proof[level], hash);
    }
    return hash;
  }
}
