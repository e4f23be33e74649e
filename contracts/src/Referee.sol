// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Computation, Computations } from "./libraries/Computations.sol";
import { Instruction, Instructions, Source } from "./libraries/Instructions.sol";
import { Leaves, Stretch } from "./libraries/Leaves.sol";
import { Committed, Openings } from "./libraries/Openings.sol";
import { Float32 } from "./libraries/RF32.sol";
import { RF32Sums } from "./libraries/rf32/RF32Sums.sol";
import { Steps } from "./libraries/Steps.sol";
import { Element, Piece } from "./libraries/steps/Element.sol";

/// @title Judge of one step of a computation: of an answer, or of a unit of a run
/// @notice The program that a claim's adapter was registered with says which rows feed which; the claim's trace holds the rows.
/// This contract proves the few pieces that one element needs, computes the element in RF32, and compares bits. It has no
/// storage, no owner and no way to change.
contract Referee is IReferee, IUnitReferee {
  using Computations for Computation;
  using Instructions for Instruction;

  uint256 public constant MOST_OPENINGS = 64;
  /// @dev Stands for the output where an error names an input.
  uint256 private constant OUTPUT = 255;
  uint256 private constant INFINITY = 0x7f800000;

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

  function _isFalse(Computation memory computation, Step calldata step) private pure returns (bool) {
    if (step.openings.length > MOST_OPENINGS) revert RefereeTooManyOpenings(step.openings.length);
    Instruction memory instruction =
      computation.instruction(step.header, step.index, step.instruction, step.instructionProof);
    uint32 claimed = _claimed(computation, instruction, step);
    Piece[] memory pieces = _provenPieces(computation, instruction, step.openings);
    Element memory element = Element(instruction, step.inputs, computation.texts, step.row, step.column, pieces);
    uint32 computed = Float32.unwrap(Steps.compute(element));
    return computed != claimed || computed & INFINITY == INFINITY;
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

  /// @dev What an instruction makes.
  function _made(Computation memory computation, Instruction memory instruction, uint256 index)
    private
    pure
    returns (Committed memory)
  {
    return computation.matrix(Instructions.OWN, index, instruction.rows, instruction.columns);
  }

  /// @dev The bits that the claimed matrix holds for the element.
  function _claimed(Computation memory computation, Instruction memory instruction, Step calldata step)
    private
    pure
    returns (uint32)
  {
    (uint256 row, uint256 column) = (step.row, step.column);
    if (row >= instruction.rows || column >= instruction.columns) revert RefereeOutside(row, column);
    Opening calldata opening = step.output;
    Stretch memory part = Openings.proven(opening, _made(computation, instruction, step.index));
    if (part.rows == 0 || opening.leaf != Leaves.leafOf(instruction.columns, row, column)) {
      revert RefereeWrongOpening(OUTPUT, opening.leaf);
    }
    uint256 place = (row - part.row) * part.columns + column - part.column;
    return Float32.unwrap(RF32Sums.valueAt(opening.values, place));
  }

  function _provenPieces(Computation memory computation, Instruction memory instruction, Opening[] calldata openings)
    private
    pure
    returns (Piece[] memory pieces)
  {
    pieces = new Piece[](openings.length);
    for (uint256 k = 0; k < pieces.length; k++) {
      Opening calldata opening = openings[k];
      Source memory from = instruction.input(opening.input);
      Stretch memory part =
        Openings.proven(opening, computation.matrix(from.space, from.index, from.rows, from.columns));
      if (part.rows == 0) revert RefereeWrongOpening(opening.input, opening.leaf);
      pieces[k] = Piece(opening.input, part, opening.values);
    }
  }
}
