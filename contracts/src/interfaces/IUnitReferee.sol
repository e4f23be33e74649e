// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Opening, Step, TraceMatrix } from "./IReferee.sol";

/// @notice What a unit's program reads and makes beside the instructions: its hash is keccak256(abi.encode(header, shape)).
struct UnitShape {
  /// The last so many matrices are the unit's outputs; they stand under a root of their own.
  uint256 outputs;
  /// Matrices under the root of each unit that it reads: an instruction's input of space 2 + k is one of source k.
  uint256[] sources;
}

/// @notice One unit of a run: a program, what is fed, what other units have made, and what it makes.
struct Unit {
  bytes32 programHash;
  /// keccak256 of unitInputsBytes() in src/attribution/trace/unit.ts.
  bytes32 inputsHash;
  /// Over its outputs, as a trace's root is over its matrices.
  bytes32 outputRoot;
  /// Output roots of the units that it reads.
  bytes32[] sourceRoots;
}

/// @title Does an element of a unit's trace follow from what stands before it?
/// @notice As IReferee, for units of a run. Matrices of all instructions but the last `outputs` stand under `innerRoot`, the
/// outputs under the unit's own root. `step.header` and `matrix.header` are the program's, `inputs` the unit's.
interface IUnitReferee {
  /// @notice The header and shape are not the program's, or there are not as many source roots as sources.
  error RefereeWrongUnit();

  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32 innerRoot, Step calldata step)
    external
    view
    returns (bool);

  function isOpeningUnit(
    Unit calldata unit,
    UnitShape calldata shape,
    bytes32 innerRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external view returns (bool);

  function shapeOfUnit(Unit calldata unit, UnitShape calldata shape, TraceMatrix calldata matrix)
    external
    view
    returns (uint256 rows, uint256 columns, uint256 leaves);
}
