// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { IReferee, Opening, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { IUnitReferee } from "../src/interfaces/IUnitReferee.sol";
import { Instructions } from "../src/libraries/Instructions.sol";
import { Matrix, Output, RefereeTrace, UnitQuestion } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

/// @notice Under which root the referee looks for each matrix of a unit, and what it refuses to judge.
contract RefereeUnitTest is Test, RefereeTrace {
  uint8 private constant ADD = 0x20;
  uint8 private constant SCALE = 0x22;
  /// @dev 1/8 + 2/8, and the same with another last bit.
  uint32 private constant SUM = 0x3ec00000;
  uint32 private constant FALSE_SUM = 0x3ec00001;

  Referee private _referee;
  bytes private _right;

  function setUp() public {
    _referee = new Referee();
    _unitInputs = hex"0000000100000003000000013f800000" hex"000000070000000800000009" hex"0000000100000000";
    _fillers = 3;
    _sources = 2;
    UnitQuestion memory q = _sum(0, 3, SUM);
    _right = abi.encodeCall(IUnitReferee.isFalseUnit, (q.unit, q.shape, q.innerRoot, q.step));
  }

  /// @dev a[1,1] + b[1,1], each in a space. Own matrices come first, then their sum, then fillers.
  function _sum(uint256 a, uint256 b, uint32 bits) private view returns (UnitQuestion memory) {
    return _unitQuestion(ADD, "", _terms(a, b), Output(1, 1, 0, 0, bits));
  }

  function _terms(uint256 a, uint256 b) private pure returns (Matrix[] memory inputs) {
    inputs = new Matrix[](2);
    (inputs[0].rows, inputs[0].columns, inputs[0].space) = (1, 1, a);
    (inputs[1].rows, inputs[1].columns, inputs[1].space) = (1, 1, b);
  }

  function _isFalse(UnitQuestion memory q) private view returns (bool) {
    return _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }

  function _refuses(UnitQuestion memory q, bytes memory reason) private {
    vm.expectRevert(reason);
    _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }

  function _refusesOpening(UnitQuestion memory q, uint256 input) private {
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, input, uint256(0)));
  }

  function test_everySpace() public view {
    for (uint256 a = 0; a < 4; a++) {
      for (uint256 b = 0; b < 4; b++) {
        yes(!_isFalse(_sum(a, b, SUM)), "right");
        yes(_isFalse(_sum(a, b, FALSE_SUM)), "false");
      }
    }
  }

  /// @dev Six matrices: two terms, their sum, three fillers. The last so many are outputs: none, a filler, all fillers; the sum
  /// too; a term too; all.
  function test_innerMatricesAndOutputs() public {
    uint8[6] memory outputs = [0, 1, 3, 4, 5, 6];
    for (uint256 k = 0; k < outputs.length; k++) {
      _outputs = outputs[k];
      yes(!_isFalse(_sum(0, 0, SUM)), "right");
      yes(_isFalse(_sum(0, 0, FALSE_SUM)), "false");
    }
  }

  function test_everyRootCounts() public {
    _outputs = 4;
    UnitQuestion memory q = _sum(0, 0, FALSE_SUM);
    q.unit.outputRoot = q.innerRoot;
    _refusesOpening(q, 255);
    q = _sum(0, 2, FALSE_SUM);
    q.innerRoot = q.unit.outputRoot;
    _refusesOpening(q, 0);
    q = _sum(0, 2, FALSE_SUM);
    q.unit.sourceRoots[0] = q.unit.sourceRoots[1];
    _refusesOpening(q, 1);
    q = _sum(0, 3, FALSE_SUM);
    q.unit.sourceRoots[1] = q.unit.sourceRoots[0];
    _refusesOpening(q, 1);
    // What is not read does not count.
    q = _sum(0, 1, FALSE_SUM);
    q.unit.sourceRoots[1] = 0;
    yes(_isFalse(q), "judged");
  }

  function test_theNumberOfMatricesIsOfTheProgram() public {
    UnitQuestion memory q = _sum(0, 2, FALSE_SUM);
    // A matrix that source 0 has not: it has four.
    bytes memory instruction = q.step.instruction;
    instruction[35 + 37 + 4] = 0x04;
    UnitQuestion memory other = _unitQuestionOf(instruction, _terms(0, 2), Output(1, 1, 0, 0, FALSE_SUM));
    _refusesOpening(other, 1);
    // Nor has the unit itself a fifth output behind its last.
    instruction = _instruction(ADD, "", _terms(0, 0), Output(1, 1, 0, 0, 0));
    instruction[35 + 4] = 0x06;
    _refusesOpening(_unitQuestionOf(instruction, _terms(0, 0), Output(1, 1, 0, 0, FALSE_SUM)), 0);
  }

  function test_theShapeIsOfTheProgram() public {
    bytes memory wrong = abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector);
    UnitQuestion memory q = _sum(0, 2, SUM);
    q.unit.programHash ^= bytes32(uint256(1));
    _refuses(q, wrong);
    q = _sum(0, 2, SUM);
    q.step.header.window = 1;
    _refuses(q, wrong);
    q = _sum(0, 2, SUM);
    q.shape.outputs = 2;
    _refuses(q, wrong);
    q = _sum(0, 2, SUM);
    q.shape.sources[1]++;
    _refuses(q, wrong);
    q = _sum(0, 2, SUM);
    q.shape.sources = new uint256[](1);
    _refuses(q, wrong);
    // The hash of an answer's program is of the header alone.
    q = _sum(0, 2, SUM);
    q.unit.programHash = keccak256(abi.encode(q.step.header));
    _refuses(q, wrong);
  }

  function test_programsThatCannotBe() public {
    bytes memory wrong = abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector);
    UnitQuestion memory q = _sum(0, 2, SUM);
    q.shape.outputs = q.step.header.instructionCount + 1;
    q.unit.programHash = keccak256(abi.encode(q.step.header, q.shape));
    _refuses(q, wrong);
    q.shape.outputs = type(uint256).max;
    q.unit.programHash = keccak256(abi.encode(q.step.header, q.shape));
    _refuses(q, wrong);
    q = _sum(0, 2, SUM);
    q.unit.sourceRoots = new bytes32[](1);
    _refuses(q, wrong);
    q.unit.sourceRoots = new bytes32[](3);
    _refuses(q, wrong);
  }

  function test_spacesThatAreNot() public {
    UnitQuestion memory q = _sum(0, 2, SUM);
    Opening[] memory openings = q.step.openings;
    bytes memory instruction = q.step.instruction;
    instruction[35] = 0x04;
    q = _unitQuestionOf(instruction, _terms(0, 2), Output(1, 1, 0, 0, SUM));
    q.step.openings = openings;
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionMalformed.selector, uint256(35)));
  }

  function test_anAnswersStepIsNoUnits() public {
    UnitQuestion memory q = _sum(0, 2, SUM);
    q.unit.inputsHash = 0;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    // An answer's inputs: tokens 5, 6, 7, of which the last is the answer.
    _unitInputs = hex"00000001000000050000000600000007";
    _refuses(_sum(0, 2, SUM), abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
  }

  /// @dev Rows N, columns M + 2·W.
  function _sized() private view returns (UnitQuestion memory q) {
    Matrix[] memory inputs = new Matrix[](1);
    (inputs[0].rows, inputs[0].columns) = (7, 13);
    bytes memory code = _instruction(SCALE, hex"3f800000", inputs, Output(7, 13, 0, 0, 0));
    bytes16 rows = bytes16(hex"00000000000000010000000000000000");
    bytes16 columns = bytes16(hex"00000000000000000000000100000002");
    for (uint256 k = 0; k < 16; k++) {
      (code[1 + k], code[17 + k]) = (rows[k], columns[k]);
    }
    // The only value that is not 0 is 1/8.
    return _unitQuestionOf(code, inputs, Output(7, 13, 0, 0, 0x3e000000));
  }

  function _threeTexts() private {
    // Of 2, 4 and 1 tokens fed; 1, 3 and 1 predict: N is 7, M is 5, W is 4.
    _unitInputs = abi.encodePacked(
      hex"00000003" hex"000000030000000100000000" hex"000000050000000300000000" hex"000000020000000100000000",
      new bytes(40),
      hex"00000000"
    );
  }

  function test_sizesOfSeveralTexts() public {
    _threeTexts();
    UnitQuestion memory q = _sized();
    (uint256 rows, uint256 columns, uint256 leaves) = _referee.shapeOfUnit(q.unit, q.shape, _matrixOf(q.step));
    eq(rows, 7, "rows");
    eq(columns, 13, "columns");
    eq(leaves, 1, "leaves");
    yes(!_isFalse(q), "right");
    _window = 3;
    q = _sized();
    (, columns,) = _referee.shapeOfUnit(q.unit, q.shape, _matrixOf(q.step));
    eq(columns, 11, "columns in a window");
    _window = 5;
    q = _sized();
    (, columns,) = _referee.shapeOfUnit(q.unit, q.shape, _matrixOf(q.step));
    eq(columns, 13, "columns in a window that nothing fills");
    q.unit.programHash = 0;
    TraceMatrix memory matrix = _matrixOf(q.step);
    vm.expectRevert(abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    _referee.shapeOfUnit(q.unit, q.shape, matrix);
  }

  function test_openingsOfInnerMatricesAndOutputs() public {
    for (_outputs = 3; _outputs < 5; _outputs++) {
      UnitQuestion memory q = _sum(0, 0, SUM);
      TraceMatrix memory matrix = _matrixOf(q.step);
      Opening memory opening = q.step.output;
      yes(_referee.isOpeningUnit(q.unit, q.shape, q.innerRoot, matrix, opening), "as claimed");
      bool isOutput = _outputs == 4;
      yes(_referee.isOpeningUnit(q.unit, q.shape, bytes32(0), matrix, opening) == isOutput, "inner root");
      q.unit.outputRoot = 0;
      yes(_referee.isOpeningUnit(q.unit, q.shape, q.innerRoot, matrix, opening) != isOutput, "output root");
      opening.leaf = 1;
      yes(!_referee.isOpeningUnit(q.unit, q.shape, q.innerRoot, matrix, opening), "no such leaf");
      matrix.index = 0;
      vm.expectRevert(abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, uint256(0)));
      _referee.isOpeningUnit(q.unit, q.shape, q.innerRoot, matrix, opening);
    }
  }

  function _convicts(bytes memory data) private view returns (bool) {
    (bool done, bytes memory answer) = address(_referee).staticcall(data);
    return done && abi.decode(answer, (bool));
  }

  function testFuzz_nothingSpoiltConvictsARightUnit(uint256 place, uint256 length, bytes32 noise) public view {
    bytes memory data = _right;
    // Anywhere behind the selector, up to a word long: the unit, its shape, the inner root, the step.
    place = bound(place, 4, data.length - 1);
    length = bound(length, 1, 32);
    for (uint256 k = 0; k < length && place + k < data.length; k++) {
      data[place + k] ^= noise[k];
    }
    yes(!_convicts(data), "spoilt");
  }

  function testFuzz_nothingSpoiltConvictsARightUnit_offsets(uint256 place, uint16 value) public view {
    bytes memory data = _right;
    // A word of the encoding, such as an offset or a length, as any small number.
    place = 4 + 32 * bound(place, 0, (data.length - 36) / 32);
    for (uint256 k = 0; k < 32; k++) {
      data[place + k] = k < 30 ? bytes1(0) : bytes2(value)[k - 30];
    }
    yes(!_convicts(data), "spoilt");
  }

  function test_theRightUnitIsJudged() public view {
    (bool done, bytes memory answer) = address(_referee).staticcall(_right);
    yes(done && !abi.decode(answer, (bool)), "right");
  }
}
