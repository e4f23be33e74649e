// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee, Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";

/// @notice Says what a test tells it, so that the games are tested apart from the arithmetic. A step is false where its
/// column is 666.
contract FakeReferee is IReferee {
  struct Shape {
    uint256 rows;
    uint256 columns;
    uint256 leaves;
  }

  mapping(uint256 index => Shape) private _shapes;
  mapping(bytes32 traceRoot => mapping(uint256 index => mapping(uint256 leaf => bytes32))) private _leaves;

  function shape(uint256 index, uint256 rows, uint256 columns, uint256 leaves) external {
    _shapes[index] = Shape(rows, columns, leaves);
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
    Shape memory s = _shapes[matrix.index];
    return (s.rows, s.columns, s.leaves);
  }
}
