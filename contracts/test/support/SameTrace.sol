// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Leaves } from "../../src/libraries/Leaves.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice The trace of the claims in tests about games: ten matrices (Deployed._header) of 256 rows and columns, and so 256 leaves,
/// which are all the same.
library SameTrace {
  uint256 internal constant MATRICES = 10;
  uint256 internal constant SIZE = 256;

  /// @notice Values of each leaf.
  function values() internal pure returns (bytes memory) {
    return new bytes(4 * SIZE);
  }

  /// @notice Values of as many leaves as there are below a node of this level.
  function values(uint256 level) internal pure returns (bytes memory) {
    return new bytes(4 * SIZE << level);
  }

  function root() internal pure returns (bytes32) {
    return MerkleTree.root(_matrices());
  }

  /// @notice Siblings of a node within its matrix, then of the matrix.
  function proof(uint256 index, uint256 level) internal pure returns (bytes32[] memory out) {
    bytes32[] memory above = MerkleTree.proof(_matrices(), index);
    uint256 within = Merkle.depth(SIZE) - level;
    out = new bytes32[](within + above.length);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = k < within ? _node(level + k) : above[k - within];
    }
  }

  /// @dev All nodes of a level are the same.
  function _node(uint256 level) private pure returns (bytes32 hash) {
    hash = Merkle.leaf(values());
    for (uint256 k = 0; k < level; k++) {
      hash = Merkle.node(hash, hash);
    }
  }

  function _matrices() private pure returns (bytes32[] memory matrices) {
    assert(Leaves.count(SIZE, SIZE) == SIZE);
    bytes32 top = Merkle.root(SIZE, _node(Merkle.depth(SIZE)));
    matrices = new bytes32[](MATRICES);
    for (uint256 k = 0; k < MATRICES; k++) {
      matrices[k] = Merkle.leaf(abi.encodePacked(top, uint32(SIZE), uint32(SIZE)));
    }
  }
}
