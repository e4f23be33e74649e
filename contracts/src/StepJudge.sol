// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee, Opening, Step } from "./interfaces/IReferee.sol";
import { Computation, Computations } from "./libraries/Computations.sol";
import { Instruction, Instructions, Source } from "./libraries/Instructions.sol";
import { Leaves, Stretch } from "./libraries/Leaves.sol";
import { Committed, Openings } from "./libraries/Openings.sol";
import { Float32 } from "./libraries/RF32.sol";
import { RF32Sums } from "./libraries/rf32/RF32Sums.sol";
import { Element, Piece } from "./libraries/steps/Element.sol";

/// @title What judges of steps have in common
/// @notice Each part of a step is proved to stand where it says; what the element should be is the operation's to say.
abstract contract StepJudge {
  using Computations for Computation;
  using Instructions for Instruction;

  uint256 private constant MOST_OPENINGS = 64;
  /// @dev Stands for the output where an error names an input.
  uint256 internal constant OUTPUT = 255;
  uint256 private constant INFINITY = 0x7f800000;

  /// @dev The element as its operation gives it.
  function _compute(Element memory element) internal pure virtual returns (Float32);

  function _isFalse(Computation memory computation, Step calldata step) internal pure returns (bool) {
    if (step.openings.length > MOST_OPENINGS) revert IReferee.RefereeTooManyOpenings(step.openings.length);
    Instruction memory instruction =
      computation.instruction(step.header, step.index, step.instruction, step.instructionProof);
    uint32 claimed = _claimed(computation, instruction, step);
    Piece[] memory pieces = _provenPieces(computation, instruction, step.openings);
    Element memory element = Element(instruction, step.inputs, computation.texts, step.row, step.column, pieces);
    uint32 computed = Float32.unwrap(_compute(element));
    return computed != claimed || computed & INFINITY == INFINITY;
  }

  /// @dev What an instruction makes.
  function _made(Computation memory computation, Instruction memory instruction, uint256 index)
    internal
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
    if (row >= instruction.rows || column >= instruction.columns) revert IReferee.RefereeOutside(row, column);
    Opening calldata opening = step.output;
    Stretch memory part = Openings.proven(opening, _made(computation, instruction, step.index));
    if (part.rows == 0 || opening.leaf != Leaves.leafOf(instruction.columns, row, column)) {
      revert IReferee.RefereeWrongOpening(OUTPUT, opening.leaf);
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
      if (part.rows == 0) revert IReferee.RefereeWrongOpening(opening.input, opening.leaf);
      pieces[k] = Piece(opening.input, part, opening.values);
    }
  }
}
