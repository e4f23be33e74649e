// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { Matrix, Output, Question, RefereeTrace } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

/// @notice Every operation on small numbers: the bits are those of src/attribution/trace/element.ts.
/// src/chain/referee-parity.test.ts compares random cases.
contract RefereeStepsTest is Test, RefereeTrace {
  Referee private _referee;

  function setUp() public {
    _referee = new Referee();
  }

  function test_sumsOfProducts() public {
    _check(0x01, "", hex"0002000300020003", Output(2, 2, 1, 0, 0x3f3c0000)); // dot
    _check(0x01, "", hex"0001012c0002012c", Output(1, 2, 0, 1, 0x48acb160)); // dot
    _check(0x02, hex"000000020000000100000002", hex"0003000400030002", Output(6, 3, 5, 1, 0x3fd00000)); // scores
    _check(0x02, hex"000000020000000100000002", hex"0003000400030002", Output(6, 3, 1, 1, 0x00000000)); // scores
    _checkInWindow(0x02, hex"000000020000000100000002", hex"0003000400030002", Output(6, 2, 5, 1, 0x40160000)); // scores
    _check(0x03, hex"000000020000000100000002", hex"0006000300020003", Output(3, 4, 2, 3, 0x409a0000)); // values
    _checkInWindow(0x03, hex"000000020000000100000002", hex"0006000200020003", Output(3, 4, 2, 3, 0x40160000)); // values
    _check(0x04, hex"000000020000000100000002", hex"0003000600020006", Output(3, 2, 1, 1, 0x40c60000)); // keys
    _checkInWindow(0x04, hex"000000020000000100000002", hex"0003000400020006", Output(3, 2, 0, 1, 0x3fc80000)); // keys
    _check(0x05, hex"00000002", hex"0001012c0002012c", Output(1, 4, 0, 3, 0x47d8ed80)); // dotBlocks
    // A block that a sum of 100 terms does not have.
    _check(0x05, hex"00000002", hex"0001006400010064", Output(1, 2, 0, 1, 0));
    _check(0x06, hex"00000002", hex"00020004", Output(2, 2, 1, 1, 0x3ff00000)); // foldGroups
  }

  function test_valuesMoved() public {
    _check(0x10, "", hex"00020003", Output(3, 2, 2, 0, 0x3ec00000)); // transpose
    _check(0x11, hex"0000000200000001", hex"00060003", Output(3, 6, 1, 3, 0x40080000)); // align
    _check(0x11, hex"0000000200000001", hex"00060003", Output(3, 6, 1, 4, 0x00000000)); // align
    _checkInWindow(0x11, hex"0000000200000001", hex"00060002", Output(3, 4, 0, 3, 0x3f600000)); // align
    _check(0x12, hex"000000020000000100000002", hex"00030004", Output(2, 6, 1, 5, 0x3fc00000)); // split
    _check(0x13, "", hex"00030002", Output(3, 2, 1, 1, 0x3f400000)); // tokens
    _check(0x13, "", hex"00020002", Output(3, 2, 1, 1, 0x00000000)); // tokens
    _check(0x14, "", hex"00030002", Output(2, 2, 1, 0, 0x3f200000)); // pick
    _check(0x15, "", hex"00020002", Output(3, 2, 2, 1, 0x3f000000)); // place
    _check(0x15, "", hex"00020002", Output(3, 2, 0, 1, 0x00000000)); // place
    _check(0x16, hex"00000002", hex"0001000200010002", Output(1, 4, 0, 3, 0x3ec00000)); // join
  }

  function test_elementFromElements() public view {
    _check(0x20, "", hex"0002000200020002", Output(2, 2, 1, 1, 0x3f900000)); // add
    _check(0x21, hex"3f000000", hex"0002000200020002", Output(2, 2, 1, 1, 0x3f500000)); // addScaled
    _check(0x22, hex"3f000000", hex"00020002", Output(2, 2, 1, 1, 0x3e800000)); // scale
    _check(0x23, "", hex"0002000200010002", Output(2, 2, 1, 1, 0x3f600000)); // addRow
    _check(0x24, "", hex"0002000200020002", Output(2, 2, 1, 1, 0x3ea00000)); // scaleBy
    _check(0x25, "", hex"0002000200020002", Output(2, 2, 1, 1, 0x3e472fdf)); // swiglu
    _check(0x26, "", hex"0002000200020002", Output(2, 2, 1, 1, 0x3e506efd)); // swigluUp
    _check(0x27, "", hex"000200020002000200020002", Output(2, 2, 1, 1, 0x3e984fa7)); // swigluGate
    _check(0x28, hex"0000000400000000", hex"000300080003000200030002", Output(3, 8, 2, 6, 0x408e8000)); // rope
    _check(0x28, hex"0000000400000000", hex"000300080003000200030002", Output(3, 8, 2, 5, 0xbf180000)); // rope
    _check(0x28, hex"0000000400000001", hex"000300080003000200030002", Output(3, 8, 2, 7, 0xbe000000)); // rope
    _check(0x28, hex"0000000400000000", hex"000300080002000200020002", Output(3, 8, 2, 6, 0x3fda0000)); // rope, behind the last row of the tables
  }

  function test_norms() public view {
    _check(0x30, "", hex"0002012c", Output(2, 2, 1, 1, 0x4860cbca)); // squareBlocks
    _check(0x31, hex"3f000000358637bd", hex"00020002", Output(2, 1, 1, 0, 0x3fc18480)); // rmsScale
    _check(0x32, "", hex"000200020002000100010002", Output(2, 2, 1, 1, 0x3dc00000)); // rmsNorm
    _check(0x33, "", hex"0001012c0001012c0001012c", Output(1, 2, 0, 1, 0x49e67839)); // rmsDotBlocks
    _check(0x34, hex"3f000000", hex"0002000200020001", Output(2, 1, 1, 0, 0x3cbd0000)); // rmsCoefficient
    _check(0x35, "", hex"0002000200020002000100020002000100020001", Output(2, 2, 1, 1, 0xbea00000)); // rmsGradient
  }

  function test_softmax() public view {
    _check(0x40, hex"000000023f000000", hex"00060003", Output(3, 2, 2, 1, 0x3f900000)); // softmaxMax
    _check(0x41, hex"000000023f000000", hex"0006000300030002", Output(6, 3, 5, 2, 0x3fa45af2)); // softmaxExp
    _check(0x41, hex"000000023f000000", hex"0006000300030002", Output(6, 3, 0, 2, 0x00000000)); // softmaxExp
    _check(0x42, hex"00000002", hex"00060003", Output(3, 2, 2, 1, 0x3e20a0a0)); // softmaxInverse
    _check(0x43, hex"00000002", hex"0006000300030002", Output(6, 3, 5, 2, 0x3ffc0000)); // softmax
    _check(0x44, hex"00000002", hex"0006000300060003", Output(3, 2, 2, 1, 0x41660000)); // softmaxDot
    _check(0x45, hex"000000023f000000", hex"000600030006000300030002", Output(6, 3, 5, 2, 0x3fc60000)); // softmaxGradient
    _check(0x45, hex"000000023f000000", hex"000600030006000300030002", Output(6, 3, 2, 2, 0x00000000)); // softmaxGradient
  }

  function test_crossEntropy() public view {
    _check(0x50, "", hex"0001012c", Output(1, 2, 0, 1, 0x42160000)); // maxBlocks
    _check(0x51, "", hex"00020003", Output(2, 1, 1, 0, 0x3f400000)); // maxFold
    _check(0x52, "", hex"0002000300020001", Output(2, 3, 1, 1, 0x3fa45af2)); // lossExp
    _check(0x53, "", hex"0001012c", Output(1, 2, 0, 0, 0x45808000)); // sumBlocks
    _check(0x54, "", hex"00020003", Output(2, 1, 1, 0, 0x3f088888)); // inverseFold
    _check(0x55, "", hex"0002000600020001", Output(2, 6, 1, 5, 0xc3600000)); // lossGradient
    _check(0x55, "", hex"0002000600020001", Output(2, 6, 0, 5, 0x42c00000)); // lossGradient
  }

  function test_influence() public view {
    _check(0x61, "", hex"0001012c0002012c", Output(2, 2, 1, 1, 0x47d8ed80)); // rowBlocks
    _check(0x62, "", hex"00030002", Output(1, 3, 0, 2, 0x3fb00000)); // fold
    _check(0x63, "", hex"0001012c", Output(1, 2, 0, 1, 0x4750bae8)); // squareRowBlocks
    _check(0x64, "", hex"0001000300010001", Output(1, 3, 0, 2, 0x3e3fffff)); // noise
  }

  function test_sketchOfSlotsWithFewMembersAndNone() public view {
    // Slots hold members 0 … 2, none, and 2 … 3; members are +3, −0 and +5 of a list of six.
    Matrix[] memory inputs = new Matrix[](4);
    inputs[0] = _matrix(2, 3, "");
    inputs[1] = _matrix(1, 6, hex"000000000200000002000000020000000200000003000000");
    inputs[2] = _matrix(1, 3, hex"030000000000008005000000");
    inputs[3] = _matrix(1, 3, "");
    inputs[1].space = 1;
    inputs[2].space = 1;
    // 4/8 − 1/8 + 4/8 that was there.
    _checkInputs(0x60, "", inputs, Output(1, 3, 0, 0, 0x3f600000));
    // 5/8 that was there.
    _checkInputs(0x60, "", inputs, Output(1, 3, 0, 1, 0x3f200000));
    // 6/8 and 6/8 that was there.
    _checkInputs(0x60, "", inputs, Output(1, 3, 0, 2, 0x3fc00000));
  }

  function test_sketchOfMoreThanABlock() public view {
    Matrix[] memory inputs = new Matrix[](3);
    inputs[0] = _matrix(1, 1, "");
    inputs[1] = _matrix(1, 2, hex"000000002c010000");
    inputs[2] = _matrix(1, 300, new bytes(1200));
    // 300 times 1/8, and nothing that was there.
    _checkInputs(0x60, "", inputs, Output(1, 1, 0, 0, 0x42160000));
  }

  function _checkInWindow(uint8 op, bytes memory params, bytes memory shapes, Output memory output) private {
    _window = 2;
    _check(op, params, shapes, output);
    _window = 0;
  }

  /// @param params 4 bytes each
  /// @param shapes of the inputs: rows and columns, 2 bytes each
  function _check(uint8 op, bytes memory params, bytes memory shapes, Output memory output) private view {
    Matrix[] memory inputs = new Matrix[](shapes.length / 4);
    for (uint256 k = 0; k < inputs.length; k++) {
      inputs[k].rows = uint16(bytes2(abi.encodePacked(shapes[4 * k], shapes[4 * k + 1])));
      inputs[k].columns = uint16(bytes2(abi.encodePacked(shapes[4 * k + 2], shapes[4 * k + 3])));
    }
    _checkInputs(op, params, inputs, output);
  }

  function _checkInputs(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output) private view {
    uint32 bits = output.bits;
    yes(!_isFalse(_question(op, params, inputs, output)), "the right bits");
    output.bits = bits ^ 1;
    yes(_isFalse(_question(op, params, inputs, output)), "the last bit");
    output.bits = bits ^ 0x80000000;
    yes(_isFalse(_question(op, params, inputs, output)), "the sign");
    output.bits = bits;
  }

  function _matrix(uint256 rows, uint256 columns, bytes memory data) private pure returns (Matrix memory matrix) {
    (matrix.rows, matrix.columns, matrix.data) = (rows, columns, data);
  }

  function _isFalse(Question memory question) private view returns (bool) {
    return _referee.isFalse(question.programHash, question.inputsHash, question.traceRoot, question.step);
  }
}
