// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { StepJudge } from "./StepJudge.sol";
import { IReferee, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Computation, Computations } from "./libraries/Computations.sol";
import { Instruction, Instructions } from "./libraries/Instructions.sol";
import { Leaves } from "./libraries/Leaves.sol";
import { Openings } from "./libraries/Openings.sol";
import { Float32 } from "./libraries/RF32.sol";
import { Steps } from "./libraries/Steps.sol";
import { Element } from "./libraries/steps/Element.sol";

/// @title Judge of one step of a computation: of an answer, or of a unit of a run
/// @notice The program that a claim's adapter was registered with says which rows feed which; the claim's trace holds the rows.
/// This contract proves the few pieces that one element needs, computes the element in RF32, and compares bits. It has no
/// storage, no owner and no way to change.
contract Referee is IReferee, IUnitReferee, StepJudge {
  using Computations for Computation;
  using Instructions for Instruction;

  /// @inheritdoc IReferee
  function isFalse(bytes32 programHash, bytes32 inputsHash, bytes32 traceRoot, Step calldata step)
    external
    pure
    returns (bool)
  {
    return _isFalse(Computations.ofAnswer(programHash, inputsHash, traceRoot, step.header, step.inputs), step);
  }

  /// @inheritdoc IUnitReferee
  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32 innerRoot, Step calldata step)
    external
    pure
    returns (bool)
  {
    return _isFalse(Computations.ofUnit(unit, shape, innerRoot, step.header, step.inputs), step);
  }

  /// @inheritdoc IReferee
  function isOpening(
    bytes32 programHash,
    bytes32 inputsHash,
    bytes32 traceRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external pure returns (bool) {
    return _isOpening(
      Computations.ofAnswer(programHash, inputsHash, traceRoot, matrix.header, matrix.inputs), matrix, opening
    );
  }

  /// @inheritdoc IUnitReferee
  function isOpeningUnit(
    Unit calldata unit,
    UnitShape calldata shape,
    bytes32 innerRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external pure returns (bool) {
    return _isOpening(Computations.ofUnit(unit, shape, innerRoot, matrix.header, matrix.inputs), matrix, opening);
  }

  /// @inheritdoc IReferee
  function shapeOf(bytes32 programHash, bytes32 inputsHash, TraceMatrix calldata matrix)
    external
    pure
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    // No root is asked for: sizes follow from program and inputs.
    return _shapeOf(Computations.ofAnswer(programHash, inputsHash, 0, matrix.header, matrix.inputs), matrix);
  }

  /// @inheritdoc IUnitReferee
  function shapeOfUnit(Unit calldata unit, UnitShape calldata shape, TraceMatrix calldata matrix)
    external
    pure
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    return _shapeOf(Computations.ofUnit(unit, shape, 0, matrix.header, matrix.inputs), matrix);
  }

  /// @inheritdoc IReferee
  function sizeOf(bytes32 programHash, uint256 tokens, uint256 answer, TraceMatrix calldata matrix)
    external
    pure
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    return _shapeOf(Computations.ofLengths(programHash, tokens, answer, matrix.header), matrix);
  }

  function _isOpening(Computation memory computation, TraceMatrix calldata matrix, Opening calldata opening)
    private
    pure
    returns (bool)
  {
    Instruction memory instruction = _instruction(computation, matrix);
    return Openings.proven(opening, _made(computation, instruction, matrix.index)).rows > 0;
  }

  function _shapeOf(Computation memory computation, TraceMatrix calldata matrix)
    private
    pure
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    Instruction memory instruction = _instruction(computation, matrix);
    (rows, columns) = (instruction.rows, instruction.columns);
    leaves = Leaves.count(rows, columns);
  }

  function _instruction(Computation memory computation, TraceMatrix calldata matrix)
    private
    pure
    returns (Instruction memory)
  {
    return computation.instruction(matrix.header, matrix.index, matrix.instruction, matrix.instructionProof);
  }

  function _compute(Element memory element) internal pure override returns (Float32) {
    return Steps.compute(element);
  }
}
