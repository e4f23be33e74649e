// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { IReferee, Opening, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { Instructions } from "../src/libraries/Instructions.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Steps } from "../src/libraries/Steps.sol";
import { Elements } from "../src/libraries/steps/Element.sol";
import { Matrix, Output, Question, RefereeTrace } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

/// @notice What the referee refuses to judge, and what it says of the matrices of a trace.
contract RefereeTest is Test, RefereeTrace {
  uint8 private constant DOT = 0x01;
  uint8 private constant TOKENS = 0x13;
  uint8 private constant ADD = 0x20;
  uint8 private constant SCALE = 0x22;

  Referee private _referee;
  /// @dev Asks about the only element of a right claim, a[1,300] · b[1,300]ᵀ; the claim's three words stand first.
  bytes private _right;

  function setUp() public {
    _referee = new Referee();
    _fillers = 3;
    Question memory q = _question(DOT, "", _inputs(1, 300), Output(1, 1, 0, 0, 0x480ab498));
    _right = abi.encodeCall(IReferee.isFalse, (q.programHash, q.inputsHash, q.traceRoot, q.step));
  }

  /// @dev a[2,300] · b[2,300]ᵀ: four leaves each, input by input; b is a constant. Another value than the sum is claimed.
  function _dot() private view returns (Question memory) {
    return _question(DOT, "", _inputs(2, 300), Output(2, 2, 1, 1, 0x4b000000));
  }

  function _inputs(uint256 rows, uint256 columns) private pure returns (Matrix[] memory inputs) {
    inputs = new Matrix[](2);
    for (uint256 k = 0; k < 2; k++) {
      (inputs[k].rows, inputs[k].columns) = (rows, columns);
    }
    inputs[1].space = 1;
  }

  function _isFalse(Question memory q) private view returns (bool) {
    return _referee.isFalse(q.programHash, q.inputsHash, q.traceRoot, q.step);
  }

  function _refuses(Question memory q, bytes memory reason) private {
    vm.expectRevert(reason);
    _referee.isFalse(q.programHash, q.inputsHash, q.traceRoot, q.step);
  }

  function test_convicts() public view {
    yes(_isFalse(_dot()), "another sum");
  }

  function test_valuesThatNoTensorHolds() public view {
    Matrix[] memory inputs = _inputs(1, 1);
    inputs[0].data = hex"00000000";
    inputs[1].data = hex"00000000";
    yes(!_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 0))), "zero");
    yes(_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 0x80000000))), "zero below zero");
    yes(_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 1))), "subnormal");
    yes(_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 0x7fc00000))), "not a number");
  }

  function test_noRunHoldsWhatIsInfinite() public view {
    Matrix[] memory inputs = _inputs(1, 1);
    inputs[0].data = hex"0000007f"; // 2^127
    inputs[1].data = hex"0000007f";
    yes(_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 0x7f800000))), "infinite, and claimed so");
    inputs[0].data = hex"0000807f";
    inputs[1].data = hex"000080ff";
    yes(_isFalse(_question(ADD, "", inputs, Output(1, 1, 0, 0, 0x7fc00000))), "not a number, and claimed so");
  }

  function test_header() public {
    Question memory q = _dot();
    q.programHash ^= bytes32(uint256(1));
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
    q = _dot();
    q.step.header.window = 1;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
  }

  function _refusesInputs(bytes memory inputs) private {
    Question memory q = _dot();
    q.step.inputs = inputs;
    q.inputsHash = keccak256(inputs);
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
  }

  function test_inputs() public {
    Question memory q = _dot();
    q.inputsHash = 0;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    _refusesInputs("");
    _refusesInputs(hex"0000000100000001"); // nothing is fed
    _refusesInputs(hex"000000010000000100000002ff"); // no whole token
    _refusesInputs(hex"000000000000000100000002"); // no answer
    _refusesInputs(hex"000000020000000100000002"); // an answer without a prompt
  }

  function test_instruction() public {
    bytes memory wrong = abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, uint256(1));
    Question memory q = _dot();
    q.step.instruction[12] = 0x01;
    _refuses(q, wrong);
    q = _dot();
    q.step.instructionProof[0] = bytes32(uint256(1));
    _refuses(q, wrong);
    q = _dot();
    q.step.instructionProof = new bytes32[](0);
    _refuses(q, wrong);
    q = _dot();
    q.step.index = 0;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, uint256(0)));
  }

  function test_elementsThatAreNot() public {
    Question memory q = _dot();
    q.step.row = 2;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeOutside.selector, uint256(2), uint256(1)));
    q = _dot();
    q.step.column = 2;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeOutside.selector, uint256(1), uint256(2)));
  }

  function _refusesOpening(Question memory q, uint256 input, uint256 leaf) private {
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, input, leaf));
  }

  function test_output() public {
    Question memory q = _dot();
    q.step.output.values[0] = 0x01;
    _refusesOpening(q, 255, 0);
    q = _dot();
    q.step.output.leaf = 1;
    _refusesOpening(q, 255, 1);
    q = _dot();
    q.step.output.values = new bytes(12);
    _refusesOpening(q, 255, 0);
    q = _dot();
    q.traceRoot = 0;
    _refusesOpening(q, 255, 0);
    // A leaf of the output, but not the one that holds the element.
    q = _question(SCALE, hex"3f800000", _inputs(2, 300), Output(2, 300, 1, 0, 0));
    q.step.column = 299;
    _refusesOpening(q, 255, 2);
  }

  function test_openings() public {
    Question memory q = _dot();
    q.step.openings[4].values[7] ^= 0x40;
    _refusesOpening(q, 1, 0);
    q = _dot();
    // The last leaf of a row is shorter.
    q.step.openings[0].leaf = 1;
    _refusesOpening(q, 0, 1);
    q = _dot();
    (q.step.openings[0].values, q.step.openings[2].values) = (q.step.openings[2].values, q.step.openings[0].values);
    _refusesOpening(q, 0, 0);
    q = _dot();
    q.step.openings[1].proof[0] = 0;
    _refusesOpening(q, 0, 1);
    q = _dot();
    q.step.openings[1].proof = new bytes32[](1);
    _refusesOpening(q, 0, 1);
    q = _dot();
    q.step.openings[7].leaf = 4;
    _refusesOpening(q, 1, 4);
    q = _dot();
    q.step.openings[3].input = 2;
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionLacks.selector, uint256(2)));
    q = _dot();
    q.step.openings = new Opening[](65);
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeTooManyOpenings.selector, uint256(65)));
  }

  function test_aMatrixThatTheTraceHasNot() public {
    Matrix[] memory inputs = new Matrix[](1);
    (inputs[0].rows, inputs[0].columns) = (1, 1);
    bytes memory instruction = _instruction(SCALE, hex"3f800000", inputs, Output(1, 1, 0, 0, 0x3e000000));
    yes(!_isFalse(_questionOf(instruction, inputs, Output(1, 1, 0, 0, 0x3e000000))), "matrix 0");
    // The trace has five, so places are told by three bits: those of 8 are those of 0.
    instruction[43] = 0x08;
    _refusesOpening(_questionOf(instruction, inputs, Output(1, 1, 0, 0, 0x3e000000)), 0, 0);
  }

  function test_openingsThatLack() public {
    Question memory q = _dot();
    // Row 1 of b stands in its leaves 2 and 3.
    q.step.openings[7] = q.step.openings[6];
    _refuses(q, abi.encodeWithSelector(Elements.ElementMissing.selector, uint256(1), uint256(1), uint256(256)));
    q = _question(ADD, "", _inputs(2, 2), Output(2, 2, 1, 1, 0));
    q.step.openings[1] = q.step.openings[0];
    _refuses(q, abi.encodeWithSelector(Elements.ElementMissing.selector, uint256(1), uint256(1), uint256(1)));
  }

  function test_tokensThatAreNot() public {
    Matrix[] memory inputs = new Matrix[](1);
    (inputs[0].rows, inputs[0].columns) = (2, 1);
    Question memory q = _question(TOKENS, "", inputs, Output(9, 1, 4, 0, 0));
    _refuses(q, abi.encodeWithSelector(Elements.ElementNoToken.selector, uint256(4)));
  }

  function test_operationsThatAreNot() public {
    uint8[10] memory ops = [0x00, 0x07, 0x17, 0x29, 0x36, 0x46, 0x59, 0x65, 0x73, 0x80];
    for (uint256 k = 0; k < ops.length; k++) {
      Question memory q = _question(ops[k], "", new Matrix[](0), Output(1, 1, 0, 0, 0));
      _refuses(q, abi.encodeWithSelector(Steps.StepUnknown.selector, uint256(ops[k])));
    }
  }

  function test_parametersThatLack() public {
    Question memory q = _question(SCALE, "", _inputs(1, 1), Output(1, 1, 0, 0, 0));
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionLacks.selector, uint256(0)));
  }

  function _refusesInstruction(bytes memory instruction, uint256 place) private {
    Question memory q = _questionOf(instruction, new Matrix[](0), Output(1, 1, 0, 0, 0));
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionMalformed.selector, place));
  }

  function test_bytesThatAreNoInstruction() public {
    bytes memory plain = _instruction(ADD, "", _inputs(1, 1), Output(1, 1, 0, 0, 0));
    eq(plain.length, 35 + 2 * 37, "two inputs");
    _refusesInstruction("", 0);
    _refusesInstruction(_slice(plain, 0, 30), 17);
    _refusesInstruction(_slice(plain, 0, 34), 34);
    _refusesInstruction(_slice(plain, 0, plain.length - 1), plain.length - 1);
    _refusesInstruction(bytes.concat(plain, hex"00"), plain.length + 1);
    // −1 rows; 2^31 − 1 columns and as many for each token.
    _refusesInstruction(bytes.concat(hex"20ffffffff", _slice(plain, 5, plain.length - 5)), 1);
    _refusesInstruction(
      bytes.concat(_slice(plain, 0, 17), hex"7fffffff7fffffff", _slice(plain, 25, plain.length - 25)), 17
    );
  }

  function test_spacesThatAreNot() public {
    Question memory q = _dot();
    bytes memory other = q.step.instruction;
    other[35] = 0x02;
    Opening[] memory openings = q.step.openings;
    q = _questionOf(other, _inputs(2, 300), Output(2, 2, 1, 1, 0));
    q.step.openings = openings;
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionMalformed.selector, uint256(35)));
  }

  /// @dev Whether a matrix [1,1], the only one of a trace, is opened by values that its claimant hashed.
  function _opens(bytes memory values) private returns (bool) {
    _fillers = 0;
    Question memory q = _question(ADD, "", new Matrix[](0), Output(1, 1, 0, 0, 0));
    bytes32 root = Merkle.root(1, Merkle.leaf(values));
    q.traceRoot = Merkle.root(1, Merkle.leaf(abi.encodePacked(root, uint32(1), uint32(1))));
    q.step.output.values = values;
    return _referee.isOpening(q.programHash, q.inputsHash, q.traceRoot, _matrixOf(q.step), q.step.output);
  }

  function test_leavesOfAnotherLength() public {
    yes(_opens(hex"0000803f"), "one value");
    yes(!_opens(""), "none");
    yes(!_opens(hex"000080"), "a part of one");
    yes(!_opens(hex"0000803f0000803f"), "two");
  }

  function _convicts(bytes memory data) private view returns (bool) {
    (bool done, bytes memory answer) = address(_referee).staticcall(data);
    return done && abi.decode(answer, (bool));
  }

  function testFuzz_noSpoiltStepConvictsARightClaim(uint256 place, uint256 length, bytes32 noise) public view {
    bytes memory data = _right;
    yes(!_convicts(data), "as it is");
    // Anywhere behind the selector and the claim's three words, up to a word long.
    place = bound(place, 100, data.length - 1);
    length = bound(length, 1, 32);
    for (uint256 k = 0; k < length && place + k < data.length; k++) {
      data[place + k] ^= noise[k];
    }
    yes(!_convicts(data), "spoilt");
  }

  function testFuzz_noSpoiltStepConvictsARightClaim_offsets(uint256 place, uint16 value) public view {
    bytes memory data = _right;
    // A word of the encoding, such as an offset or a length, as any small number.
    place = 100 + 32 * bound(place, 0, (data.length - 132) / 32);
    for (uint256 k = 0; k < 32; k++) {
      data[place + k] = k < 30 ? bytes1(0) : bytes2(value)[k - 30];
    }
    yes(!_convicts(data), "spoilt");
  }

  function test_matricesOfATrace() public {
    Question memory q = _dot();
    TraceMatrix memory matrix = _matrixOf(q.step);
    (uint256 rows, uint256 columns, uint256 leaves) = _referee.shapeOf(q.programHash, q.inputsHash, matrix);
    eq(rows, 2, "rows");
    eq(columns, 2, "columns");
    eq(leaves, 1, "leaves");
    Opening memory opening = q.step.output;
    yes(_referee.isOpening(q.programHash, q.inputsHash, q.traceRoot, matrix, opening), "as claimed");
    yes(!_referee.isOpening(q.programHash, q.inputsHash, bytes32(0), matrix, opening), "of another trace");
    opening.leaf = 1;
    yes(!_referee.isOpening(q.programHash, q.inputsHash, q.traceRoot, matrix, opening), "of another place");
    (opening.leaf, opening.values) = (0, new bytes(16));
    yes(!_referee.isOpening(q.programHash, q.inputsHash, q.traceRoot, matrix, opening), "other values");
    matrix.index = 0;
    vm.expectRevert(abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, uint256(0)));
    _referee.isOpening(q.programHash, q.inputsHash, q.traceRoot, matrix, opening);
  }

  function testFuzz_everyValueStandsInOneLeaf(uint16 rows, uint16 columns, uint16 row, uint16 column) public pure {
    rows = uint16(bound(rows, 1, 2000));
    columns = uint16(bound(columns, 1, 2000));
    (row, column) = (uint16(bound(row, 0, rows - 1)), uint16(bound(column, 0, columns - 1)));
    uint256 count = Leaves.count(rows, columns);
    uint256 own = Leaves.leafOf(columns, row, column);
    yes(own < count, "there");
    yes(_holds(rows, columns, own, row, column), "holds it");
    if (own > 0) yes(!_holds(rows, columns, own - 1, row, column), "not the one before");
    yes(!_holds(rows, columns, own + 1, row, column), "nor the one after");
    eq(Leaves.stretch(rows, columns, count).rows, 0, "none beyond the last");
  }

  function test_everyValueIsCounted() public pure {
    uint16[2][8] memory shapes =
      [[uint16(1), 1], [3, 256], [3, 257], [5, 512], [7, 600], [300, 1], [300, 100], [257, 128]];
    for (uint256 k = 0; k < shapes.length; k++) {
      (uint256 rows, uint256 columns) = (shapes[k][0], shapes[k][1]);
      uint256 values;
      for (uint256 leaf = 0; leaf < Leaves.count(rows, columns); leaf++) {
        uint256 held = Leaves.stretch(rows, columns, leaf).rows * Leaves.stretch(rows, columns, leaf).columns;
        yes(held > 0 && held <= Leaves.MOST, "1 to 256 values");
        values += held;
      }
      eq(values, rows * columns, "values");
    }
    eq(Leaves.count(5, 0), 1, "no columns");
  }

  function _holds(uint256 rows, uint256 columns, uint256 leaf, uint256 row, uint256 column)
    private
    pure
    returns (bool)
  {
    uint256 first = Leaves.stretch(rows, columns, leaf).row;
    uint256 left = Leaves.stretch(rows, columns, leaf).column;
    return row >= first && row < first + Leaves.stretch(rows, columns, leaf).rows && column >= left
      && column < left + Leaves.stretch(rows, columns, leaf).columns;
  }

  function _slice(bytes memory from, uint256 first, uint256 length) private pure returns (bytes memory out) {
    out = new bytes(length);
    for (uint256 k = 0; k < length; k++) {
      out[k] = from[first + k];
    }
  }
}
