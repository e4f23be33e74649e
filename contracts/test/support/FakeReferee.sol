// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee, Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { SameTrace } from "./SameTrace.sol";

/// @notice Says what a test tells it, of matrices whose size it was not told that of SameTrace.sol, so that the games are tested apart from the arithmetic. A step is false where its
/// column is 666.
contract FakeReferee is IReferee {
  struct Shape {
    uint256 rows;
    uint256 columns;
    uint256 leaves;
  }

  mapping(uint256 index => Shape) private _shapes;
  mapping(uint256 index => bool) private _shaped;
  mapping(bytes32 traceRoot => mapping(uint256 index => mapping(uint256 leaf => bytes32))) private _leaves;

  function shape(uint256 index, uint256 rows, uint256 columns, uint256 leaves) external {
    (_shapes[index], _shaped[index]) = (Shape(rows, columns, leaves), true);
  }

  /// @notice Where it is set, sizes are of an answer with as many tokens, and as many of its own.
  uint256[2] public lengths;

  function setLengths(uint256 tokens, uint256 answer) external {
    lengths = [tokens, answer];
  }

  function put(bytes32 traceRoot, uint256 index, uint256 leaf, bytes calldata values) external {
    _leaves[traceRoot][index][leaf] = keccak256(values);
  }

  function isFalse(bytes32 programHash, bytes32, bytes32, Step calldata step) external pure returns (bool) {
    if (keccak256(abi.encode(step.header)) != programHash) revert RefereeWrongHeader();
    return step.column == 666;
  }

  function isOpening(bytes32, bytes32, bytes32 traceRoot, TraceMatrix calldata matrix, Opening calldata opening)
    external
    view
    returns (bool)
  {
    return _leaves[traceRoot][matrix.index][opening.leaf] == keccak256(opening.values);
  }

  function shapeOf(bytes32, bytes32, TraceMatrix calldata matrix) external view returns (uint256, uint256, uint256) {
    return sizeOf(0, lengths[0], lengths[1], matrix);
  }

  function sizeOf(bytes32, uint256 tokens, uint256 answer, TraceMatrix calldata matrix)
    public
    view
    returns (uint256, uint256, uint256)
  {
    if (lengths[0] != 0 && (tokens != lengths[0] || answer != lengths[1])) revert RefereeWrongInputs();
    if (!_shaped[matrix.index]) return (SameTrace.SIZE, SameTrace.SIZE, SameTrace.SIZE);
    Shape memory s = _shapes[matrix.index];
    return (s.rows, s.columns, s.leaves);
  }
}
