// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, IReferee, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { Instruction, Instructions, Lengths, Source } from "./libraries/Instructions.sol";
import { Leaves, Stretch } from "./libraries/Leaves.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { Committed, Openings } from "./libraries/Openings.sol";
import { Float32 } from "./libraries/RF32.sol";
import { RF32Sums } from "./libraries/rf32/RF32Sums.sol";
import { Steps } from "./libraries/Steps.sol";
import { Element, Piece } from "./libraries/steps/Element.sol";

/// @title Judge of one step of a computation
/// @notice The program that a claim's adapter was registered with says which rows feed which; the claim's trace holds the rows.
/// This contract proves the few pieces that one element needs, computes the element in RF32, and compares bits. It has no
/// storage, no owner and no way to change.
contract Referee is IReferee {
  using Instructions for Instruction;

  uint256 public constant MOST_OPENINGS = 64;
  /// @dev Stands for the output where an error names an input.
  uint256 private constant OUTPUT = 255;
  uint256 private constant INFINITY = 0x7f800000;
  /// @dev uint32 length of the answer, at least one token that is fed and one of the answer.
  uint256 private constant LEAST_INPUTS = 12;

  /// @inheritdoc IReferee
  function isFalse(bytes32 programHash, bytes32 inputsHash, bytes32 traceRoot, Step calldata step)
    external
    pure
    returns (bool)
  {
    if (step.openings.length > MOST_OPENINGS) revert RefereeTooManyOpenings(step.openings.length);
    Element memory element;
    element.instruction = _provenInstruction(
      step.header,
      step.index,
      step.instruction,
      step.instructionProof,
      _provenLengths(programHash, inputsHash, step.header, step.inputs)
    );
    element.inputs = step.inputs;
    (element.row, element.column) = (step.row, step.column);
    uint32 claimed = _claimed(element, traceRoot, step);
    element.pieces = _provenPieces(element.instruction, traceRoot, step);
    uint32 computed = Float32.unwrap(Steps.compute(element));
    return computed != claimed || computed & INFINITY == INFINITY;
  }

  /// @inheritdoc IReferee
  function isOpening(
    bytes32 programHash,
    bytes32 inputsHash,
    bytes32 traceRoot,
    TraceMatrix calldata matrix,
    Opening calldata opening
  ) external pure returns (bool) {
    Instruction memory instruction = _provenMatrix(programHash, inputsHash, matrix);
    return Openings.proven(opening, _output(instruction, traceRoot, matrix.header, matrix.index)).rows > 0;
  }

  /// @inheritdoc IReferee
  function shapeOf(bytes32 programHash, bytes32 inputsHash, TraceMatrix calldata matrix)
    external
    pure
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    Instruction memory instruction = _provenMatrix(programHash, inputsHash, matrix);
    (rows, columns) = (instruction.rows, instruction.columns);
    leaves = Leaves.count(rows, columns);
  }

  function _provenMatrix(bytes32 programHash, bytes32 inputsHash, TraceMatrix calldata matrix)
    private
    pure
    returns (Instruction memory)
  {
    return _provenInstruction(
      matrix.header,
      matrix.index,
      matrix.instruction,
      matrix.instructionProof,
      _provenLengths(programHash, inputsHash, matrix.header, matrix.inputs)
    );
  }

  /// @dev Of a claim whose program and inputs are these.
  function _provenLengths(bytes32 programHash, bytes32 inputsHash, Header calldata header, bytes calldata inputs)
    private
    pure
    returns (Lengths memory lengths)
  {
    if (keccak256(abi.encode(header)) != programHash) revert RefereeWrongHeader();
    if (keccak256(inputs) != inputsHash || inputs.length % 4 != 0 || inputs.length < LEAST_INPUTS) {
      revert RefereeWrongInputs();
    }
    // All tokens but the last are fed.
    lengths.n = inputs.length / 4 - 2;
    lengths.m = uint32(bytes4(inputs[:4]));
    if (lengths.m == 0 || lengths.m > lengths.n) revert RefereeWrongInputs();
    lengths.w = header.window == 0 || header.window > lengths.n ? lengths.n : header.window;
  }

  function _provenInstruction(
    Header calldata header,
    uint256 index,
    bytes calldata code,
    bytes32[] calldata proof,
    Lengths memory lengths
  ) private pure returns (Instruction memory) {
    if (!Merkle.verify(header.instructionsRoot, header.instructionCount, index, Merkle.leaf(code), proof)) {
      revert RefereeWrongInstruction(index);
    }
    return Instructions.decode(code, lengths);
  }

  function _output(Instruction memory instruction, bytes32 traceRoot, Header calldata header, uint256 index)
    private
    pure
    returns (Committed memory)
  {
    return Committed(traceRoot, header.instructionCount, index, instruction.rows, instruction.columns);
  }

  /// @dev The bits that the claim's trace holds for the element.
  function _claimed(Element memory element, bytes32 traceRoot, Step calldata step) private pure returns (uint32) {
    (uint256 row, uint256 column) = (element.row, element.column);
    if (row >= element.instruction.rows || column >= element.instruction.columns) revert RefereeOutside(row, column);
    Opening calldata opening = step.output;
    Stretch memory part = Openings.proven(opening, _output(element.instruction, traceRoot, step.header, step.index));
    if (part.rows == 0 || opening.leaf != Leaves.leafOf(element.instruction.columns, row, column)) {
      revert RefereeWrongOpening(OUTPUT, opening.leaf);
    }
    uint256 place = (row - part.row) * part.columns + column - part.column;
    return Float32.unwrap(RF32Sums.valueAt(opening.values, place));
  }

  function _provenPieces(Instruction memory instruction, bytes32 traceRoot, Step calldata step)
    private
    pure
    returns (Piece[] memory pieces)
  {
    pieces = new Piece[](step.openings.length);
    for (uint256 k = 0; k < pieces.length; k++) {
      Opening calldata opening = step.openings[k];
      Stretch memory part = Openings.proven(opening, _source(instruction.input(opening.input), traceRoot, step.header));
      if (part.rows == 0) revert RefereeWrongOpening(opening.input, opening.leaf);
      pieces[k] = Piece(opening.input, part, opening.values);
    }
  }

  function _source(Source memory source, bytes32 traceRoot, Header calldata header)
    private
    pure
    returns (Committed memory)
  {
    return source.isConstant
      ? Committed(header.constantsRoot, header.constantCount, source.index, source.rows, source.columns)
      : Committed(traceRoot, header.instructionCount, source.index, source.rows, source.columns);
  }
}
