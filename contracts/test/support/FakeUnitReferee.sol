// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "../../src/interfaces/IUnitReferee.sol";

/// @notice Says what a test tells it, so that the games about runs are tested apart from the arithmetic. A step is false
/// where its column is 666. Every matrix has as many rows of 256 columns, and so leaves, as a test says.
contract FakeUnitReferee is IUnitReferee {
  uint256 public rows = 5;
  mapping(bytes32 innerRoot => mapping(uint256 index => mapping(uint256 leaf => bytes32))) private _leaves;

  function setRows(uint256 rows_) external {
    rows = rows_;
  }

  function put(bytes32 innerRoot, uint256 index, uint256 leaf, bytes calldata values) external {
    _leaves[innerRoot][index][leaf] = keccak256(values);
  }

  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32, Step calldata step)
    external
    pure
    returns (bool)
  {
    if (keccak256(abi.encode(step.header, shape)) != unit.programHash) revert RefereeWrongUnit();
    if (shape.sources.length != unit.sourceRoots.length) revert RefereeWrongUnit();
    return step.column == 666;
  }

  function isOpeningUnit(
    Unit calldata,
    UnitShape calldata,
    bytes32 innerRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external view returns (bool) {
    return _leaves[innerRoot][matrix.index][opening.leaf] == keccak256(opening.values);
  }

  function shapeOfUnit(Unit calldata, UnitShape calldata, TraceMatrix calldata)
    external
    view
    returns (uint256, uint256, uint256)
  {
    return (rows, 256, rows);
  }
}
