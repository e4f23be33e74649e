// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Opening } from "../interfaces/IReferee.sol";
import { Leaves, Stretch } from "./Leaves.sol";
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

/// @title Leaves of matrices under one root
/// @notice A leaf of a matrix is Merkle.leaf(its values); leaf k of a trace is Merkle.leaf(root of matrix k ‖ uint32 rows ‖
/// uint32 columns), big-endian. So a root fixes the place of every value, and no matrix can pass for one of another shape.
library Openings {
  function isIn(Opening calldata opening, Committed memory matrix) internal pure returns (bool) {
    if (matrix.index >= matrix.count) return false;
    Stretch memory part = Leaves.stretch(matrix.rows, matrix.columns, opening.leaf);
    if (part.rows == 0 || opening.values.length != 4 * part.rows * part.columns) return false;
    return _proves(opening, matrix, Leaves.count(matrix.rows, matrix.columns));
  }

  function _proves(Opening calldata opening, Committed memory matrix, uint256 leaves) private pure returns (bool) {
    bytes32[] calldata proof = opening.proof;
    uint256 within = Merkle.depth(leaves);
    if (proof.length != within + Merkle.depth(matrix.count)) return false;
    bytes32 hash = Merkle.root(leaves, _climb(Merkle.leaf(opening.values), proof[:within], opening.leaf));
    hash = Merkle.leaf(abi.encodePacked(hash, uint32(matrix.rows), uint32(matrix.columns)));
    return Merkle.root(matrix.count, _climb(hash, proof[within:], matrix.index)) == matrix.root;
  }

  function _climb(bytes32 hash, bytes32[] calldata proof, uint256 index) private pure returns (bytes32) {
    for (uint256 level = 0; level < proof.length; level++) {
      hash = (index >> level) & 1 == 0 ? Merkle.node(hash, proof[level]) : Merkle.node(proof[level], hash);
    }
    return hash;
  }
}
