// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { Float32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { Elements } from "../src/libraries/steps/Element.sol";
import { Matrix, Output, RefereeTrace, UnitQuestion } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

/// @notice Operations on several texts, and those that only units have: every element of whole outputs. The numbers were computed
/// in TypeScript from packBatch (src/model/batch.ts), kernels/drawTargets and kernels/adamw, not from element.ts.
contract RefereeUnitStepsTest is Test, RefereeTrace {
  Referee private _referee;

  /// @dev Three texts of 2, 4 and 1 tokens fed, of which 1, 3 and 1 predict.
  function setUp() public {
    _referee = new Referee();
    _sources = 1;
    _feed("");
  }

  function _feed(bytes memory scalars) private {
    // Tokens, how many are predicted, weight: 1/4, 3/2, pi.
    bytes memory shapes = hex"00000003000000013e800000" hex"00000005000000033fc00000" hex"000000020000000140490fdb";
    bytes memory tokens = abi.encodePacked(
      hex"000000030000000100000004", hex"0000000200000007000000010000000800000002", hex"0000000600000005"
    );
    _unitInputs = abi.encodePacked(uint32(3), shapes, tokens, uint32(scalars.length / 4), scalars);
  }

  function test_attention() public {
    // scores
    _whole(
      0x02,
      hex"000000020000000100000002",
      hex"0007000400070002",
      [14, 4],
      hex"3e0000000000000000000000000000003e9000000000000000000000000000003ee000003f48000000000000000000003f180000"
      hex"3f88000000000000000000003ff80000000000000000000000000000401600000000000000000000000000004030000040660000"
      hex"0000000000000000404a0000408400000000000000000000406400004095000040b8000000000000407e000040a6000040cd0000"
      hex"00000000408c000040b7000040e20000410680004099000040c8000040f700004113000041390000000000000000000000000000"
      hex"41478000000000000000000000000000"
    );
    // values
    _whole(
      0x03,
      hex"000000020000000100000002",
      hex"000e000400020007",
      [7, 4],
      hex"3d0000003e1000003e2000003f3400003f400000403500003f880000408080003f880000403b00003fa800004067000040660000"
      hex"4112c000408500004129c0004100000041994000410f000041ab4000416b000042052000418080004211a00040c400004137c000"
      hex"40d400004146c000"
    );
    // keys
    _whole(
      0x04,
      hex"000000020000000100000002",
      hex"000700080002000e",
      [7, 2],
      hex"3f200000403400003fac000040b0000041c800004273800041dac000427dc00041c70000425c40004181c0004209800041b38000"
      hex"42306000"
    );
  }

  function test_attentionInAWindow() public {
    _window = 2;
    // scores
    _whole(
      0x02,
      hex"000000020000000100000002",
      hex"0007000400070002",
      [14, 2],
      hex"3e000000000000003e900000000000003ee000003f4800003f1800003f8800003ff8000000000000401600000000000040300000"
      hex"40660000404a0000408400004095000040b8000040a6000040cd000040e200004106800040f70000411300004139000000000000"
      hex"4147800000000000"
    );
    // values
    _whole(
      0x03,
      hex"000000020000000100000002",
      hex"000e000200020007",
      [7, 4],
      hex"3d0000003e1000003dc000003ed800003ee000003fd200003f180000400f00003f1000003fc600003f3000003ff200003ff40000"
      hex"409b8000400c000040b280004041000040db00004057000040f40000408c00004111400040990000411ec0004048000040bb8000"
      hex"4058000040ca8000"
    );
    // keys
    _whole(
      0x04,
      hex"000000020000000100000002",
      hex"000700040002000e",
      [7, 2],
      hex"3f200000403400003f480000404c000040a0000041630000410b000041ab00004156000041ec800041068000418e800041390000"
      hex"41b5c000"
    );
  }

  function test_softmax() public {
    // softmaxMax
    _whole(
      0x40,
      hex"000000023e000000",
      hex"000e0004",
      [7, 2],
      hex"3c8000003da000003e2000003e6000003e8800003ea800003ed000003ef000003f0c00003f1c00003f3000003f4000003f440000"
      hex"3f540000"
    );
    // softmaxExp
    _whole(
      0x41,
      hex"000000023e000000",
      hex"000e000400070002",
      [14, 4],
      hex"3f4a833e0000000000000000000000003f3e3e390000000000000000000000003f32b7803f3587fe00000000000000003f27e38e"
      hex"3f2a886300000000000000003f1db78f0000000000000000000000003f1429540000000000000000000000003f0b2f4e3f0d606b"
      hex"00000000000000003f02c0833f04cfa100000000000000003ef5a9083ef987643efd7558000000003ee6c6c83eea69223eee1a24"
      hex"000000003ed8cb603edc355d3edfad1e3ee332d93ecba8d73ecedde03ed21fd73ed56ef03ebf5208000000000000000000000000"
      hex"3eb3ba99000000000000000000000000"
    );
    // softmaxInverse
    _whole(
      0x42,
      hex"00000002",
      hex"000e0004",
      [7, 2],
      hex"410000003fcccccd3ed794363e97b4263ef0f0f13ec30c313e20a0a03e0ad8f33da0a0a03d8fb8243d40c0c13d302c0b3e272f06"
      hex"3e1a90e8"
    );
    // softmaxDot
    _whole(
      0x44,
      hex"00000002",
      hex"000e0004000e0004",
      [7, 2],
      hex"3d0000003ef000004048000040c400004099000040e7000041a9000041e10000425f4000428b000042e74000430a200042192000"
      hex"4232e000"
    );
    // softmaxGradient
    _whole(
      0x45,
      hex"000000023e000000",
      hex"000e0004000e000400070002",
      [14, 4],
      hex"bb0000000000000000000000000000003ca000000000000000000000000000003db400003df0000000000000000000003e500000"
      hex"3e7c000000000000000000003ebb00000000000000000000000000003f1300000000000000000000000000003f5480003f6a0000"
      hex"00000000000000003f9100003f9d800000000000000000003fbdc0003fcc00003fdac000000000003ff080004000400040088000"
      hex"000000004014a000401d80004026a0004030000040340000403dc0004047c0004052000040566000000000000000000000000000"
      hex"407bc000000000000000000000000000"
    );
  }

  function test_softmaxInAWindow() public {
    _window = 2;
    // softmaxMax
    _whole(
      0x40,
      hex"000000023e000000",
      hex"000e0002",
      [7, 2],
      hex"3c8000003d4000003dc000003e0000003e1000003e3000003e6000003e8000003e9000003ea000003eb000003ec000003ec80000"
      hex"3ed80000"
    );
    // softmaxExp
    _whole(
      0x41,
      hex"000000023e000000",
      hex"000e000200070002",
      [14, 2],
      hex"3f4a833e000000003f3863d0000000003f27e38e3f2a88633f18dd553f1b45983f0b2f4e000000003efd7558000000003ee6c6c8"
      hex"3eea69223ed21fd73ed56ef03ebf52083ec255523eae33003eb0f1453e9e9c363ea11ba23e906a8e3e92b0c23e837e1300000000"
      hex"3e6f735500000000"
    );
    // softmaxInverse
    _whole(
      0x42,
      hex"00000002",
      hex"000e0002",
      [7, 2],
      hex"41000000402aaaab3f3a2e8c3f0888883f638e383f3a2e8c3e97b4263e8421083e6a0ea13e520d213e3e82fa3e2e4c413ea3d70a"
      hex"3e97b426"
    );
    // softmaxDot
    _whole(
      0x44,
      hex"00000002",
      hex"000e0002000e0002",
      [7, 2],
      hex"3d0000003e4000003f900000400000003fb400004004000040c40000410000004122000041480000417200004190000041228000"
      hex"413d0000"
    );
    // softmaxGradient
    _whole(
      0x45,
      hex"000000023e000000",
      hex"000e0002000e000200070002",
      [14, 2],
      hex"bb0000000000000000000000000000003c2000003cc000003ce000003d4000003d580000000000003db00000000000003e020000"
      hex"3e2800003e3400003e6000003e6e00003e9000003e9800003eb400003ebd00003edc00003ee600003f0400003f09800000000000"
      hex"3f22000000000000"
    );
  }

  function test_valuesMoved() public {
    // align
    _whole(
      0x11,
      hex"0000000200000001",
      hex"000e0004",
      [7, 8],
      hex"3e0000003f2000003f9000003fd00000000000000000000000000000000000003fa000003fe00000000000000000000000000000"
      hex"00000000000000000000000040080000402800004048000040680000408400004094000040a4000040b400004050000040700000"
      hex"408800004098000040a8000040b800000000000000000000408c0000409c000040ac000040bc0000000000000000000000000000"
      hex"0000000040b0000040c0000000000000000000000000000000000000000000000000000040c4000040d400000000000000000000"
      hex"00000000000000000000000000000000"
    );
    // tokens
    _whole(
      0x13,
      "",
      hex"00070002",
      [7, 2],
      hex"3f6000003f8000003ec000003f0000003f2000003f40000000000000000000003ec000003f00000000000000000000003fd00000"
      hex"3fe00000"
    );
    // pick
    _whole(
      0x14,
      "",
      hex"00070002",
      [5, 2],
      hex"3ec000003f0000003f6000003f8000003f9000003fa000003fb000003fc000003fd000003fe00000"
    );
    // place
    _whole(
      0x15,
      "",
      hex"00050002",
      [7, 2],
      hex"00000000000000003e0000003e80000000000000000000003ec000003f0000003f2000003f4000003f6000003f8000003f900000"
      hex"3fa00000"
    );
  }

  function test_valuesMovedInAWindow() public {
    _window = 2;
    // align
    _whole(
      0x11,
      hex"0000000200000001",
      hex"000e0002",
      [7, 4],
      hex"3e0000003ec000003f2000003f6000003f4000003f80000000000000000000003f9000003fb000003fd000003ff000003fe00000"
      hex"40000000400800004018000040100000402000004028000040380000403000004040000000000000000000004048000040580000"
      hex"0000000000000000"
    );
  }

  function test_positions() public {
    // rope
    _whole(
      0x28,
      hex"0000000400000000",
      hex"000700040004000200040002",
      [7, 4],
      hex"bde00000be2000003e1000003ea00000be700000be9000003f5400003f980000be700000be9000003f4400003f980000beb80000"
      hex"bed000003ffa000040240000bef80000bf08000040690000408e0000bf1c0000bf28000040ba800040da0000bef80000bf080000"
      hex"40010000403c0000"
    );
  }

  function test_lossByWeights() public {
    // lossGradient
    _whole(
      0x55,
      "",
      hex"0005000900050001",
      [5, 9],
      hex"3c0000003c8000003cc000003d000000be5800003d4000003d6000003d8000003d9000003f340000bf3a00003f5800003f6a0000"
      hex"3f7c00003f8700003f9000003f9900003fa200003fe400003ff000003ffc000040040000400a00004010000040160000401c0000"
      hex"3f840000405200004059800040010000406880004070000040778000407f00004083400040870000412e5bc04133121f4137c87e"
      hex"413c7edd4141353c4113a7a5414aa1fb414f585a41540eb9"
    );
    // lossGradientBy
    _whole(
      0x56,
      "",
      hex"0005000900050001",
      [5, 9],
      hex"3c0000003c8000003cc000003d000000be5800003d4000003d6000003d8000003d9000003f340000bf3a00003f5800003f6a0000"
      hex"3f7c00003f8700003f9000003f9900003fa200003fe400003ff000003ffc000040040000400a00004010000040160000401c0000"
      hex"3f840000405200004059800040010000406880004070000040778000407f00004083400040870000412e5bc04133121f4137c87e"
      hex"413c7edd4141353c4113a7a5414aa1fb414f585a41540eb9"
    );
  }

  /// @dev The last input of `lossGradientDrawn` holds tokens by their bits: 0, 8, 3, one that there is not, 1.
  function test_lossOfDrawnTokens() public {
    // lossGradientDrawn
    _whole(
      0x58,
      "",
      hex"000500090005000100050001",
      [5, 9],
      hex"be7800003c8000003cc000003d0000003d2000003d4000003d6000003d8000003d9000003f3400003f4600003f5800003f6a0000"
      hex"3f7c00003f8700003f9000003f990000be7000003fe400003ff000003ffc00003f100000400a00004010000040160000401c0000"
      hex"40220000405200004059800040610000406880004070000040778000407f00004083400040870000412e5bc04100ce284137c87e"
      hex"413c7edd4141353c4145eb9c414aa1fb414f585a41540eb9"
    );
  }

  function test_targetsDrawn() public {
    _feed(hex"000000003f0000003f7fffff3e99999a3c23d70a");
    // Tokens 0, 348, 599, 198, 6.
    _wholeOf(0x57, "", _drawing(), [5, 1], hex"000000000000015c00000257000000c600000006");
  }

  function test_targetsDrawnWithoutANumber() public {
    _feed(hex"000000003f0000003f7fffff3e99999a");
    UnitQuestion memory q = _unitQuestion(0x57, "", _drawing(), Output(5, 1, 4, 0, 6));
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoScalar.selector, uint256(4)));
    _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }

  /// @dev exps [5,600] and the sums of their three blocks [5,3].
  function _drawing() private pure returns (Matrix[] memory inputs) {
    inputs = new Matrix[](2);
    (inputs[0].rows, inputs[0].columns) = (5, 600);
    (inputs[1].rows, inputs[1].columns) = (5, 3);
    inputs[1].data = _packed(
      hex"458080004640400045bf4c0046b6200046f620004646c6004726100047461000"
      hex"4696f300477110004788880046ca8300479e080047ae080046fe1300"
    );
  }

  function test_adamw() public {
    bytes memory w = hex"3f000000bfa000003a83126f";
    bytes memory m = hex"000000003c23d70ac0000000";
    bytes memory v = hex"0000000038d1b71740400000";
    bytes memory g = hex"3dcccccd9e3ce50840e00000";
    bytes memory nextM = hex"3c23d70d3c1374bcbf8ccccb";
    bytes memory nextV = hex"3727c51f38d181674042f1a7";
    // Learning rate, 1/(1 − β1^3), 1/(1 − β2^3).
    _feed(hex"3b03126f406c299143a6d55d");
    _wholeOf(0x70, hex"3f6666663dccccd0", _rows(m, g, ""), [1, 3], nextM);
    _wholeOf(0x71, hex"3f7fbe773a831200", _rows(v, g, ""), [1, 3], nextV);
    _wholeOf(0x72, hex"322bcc773c23d70a", _rows(w, nextM, nextV), [1, 3], hex"3eff573abfa00b1a3aa4722a");
    _feed(hex"3b03126f406c2991");
    UnitQuestion memory q = _unitQuestion(0x72, hex"322bcc773c23d70a", _rows(w, nextM, nextV), Output(1, 3, 0, 0, 0));
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoScalar.selector, uint256(2)));
    _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }

  function _rows(bytes memory a, bytes memory b, bytes memory c) private pure returns (Matrix[] memory inputs) {
    inputs = new Matrix[](c.length == 0 ? 2 : 3);
    for (uint256 k = 0; k < inputs.length; k++) {
      (inputs[k].rows, inputs[k].columns) = (1, 3);
      inputs[k].data = _packed(k == 0 ? a : k == 1 ? b : c);
    }
  }

  /// @dev A row of N or more belongs to no text.
  function test_rowsThatAreNot() public {
    uint8[4] memory ops = [0x13, 0x14, 0x15, 0x55];
    for (uint256 k = 0; k < ops.length; k++) {
      uint32 row = k % 2 == 0 ? 7 : 5;
      UnitQuestion memory q = _unitQuestion(ops[k], "", _inputs(hex"0009000200090002"), Output(9, 2, row, 0, 0));
      vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoToken.selector, uint256(row)));
      _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
    }
  }

  /// @param params 4 bytes each
  /// @param shapes of the inputs: rows and columns, 2 bytes each
  /// @param size of the output
  /// @param values of the output, 4 bytes each, big-endian
  function _whole(uint8 op, bytes memory params, bytes memory shapes, uint8[2] memory size, bytes memory values)
    private
  {
    Matrix[] memory inputs = _inputs(shapes);
    if (op == 0x58) inputs[2].data = _packed(hex"0000000000000008000000030000000900000001");
    _wholeOf(op, params, inputs, size, values);
  }

  function _wholeOf(uint8 op, bytes memory params, Matrix[] memory inputs, uint8[2] memory size, bytes memory values)
    private
  {
    eq(values.length, 4 * uint256(size[0]) * size[1], "values");
    _elsewhere = _packed(values);
    Output memory output = Output(size[0], size[1], size[0] - 1, size[1] - 1, 0);
    output.bits = Float32.unwrap(RF32Sums.valueAt(_elsewhere, values.length / 4 - 1));
    _judge(op, params, inputs, output);
    UnitQuestion memory q = _unitQuestion(op, params, inputs, output);
    for (uint32 k = 0; k < values.length / 4; k++) {
      (q.step.row, q.step.column) = (k / size[1], k % size[1]);
      yes(!_isFalse(q), "the right bits");
    }
    _elsewhere = "";
  }

  function _judge(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output) private view {
    uint32 bits = output.bits;
    yes(!_isFalse(_unitQuestion(op, params, inputs, output)), "the right bits");
    output.bits = bits ^ 1;
    yes(_isFalse(_unitQuestion(op, params, inputs, output)), "the last bit");
    output.bits = bits ^ 0x80000000;
    yes(_isFalse(_unitQuestion(op, params, inputs, output)), "the sign");
    output.bits = bits;
  }

  /// @dev The first of this unit's own, the second of the unit that it reads, the third a constant.
  function _inputs(bytes memory shapes) private pure returns (Matrix[] memory inputs) {
    inputs = new Matrix[](shapes.length / 4);
    for (uint256 k = 0; k < inputs.length; k++) {
      inputs[k].rows = uint16(bytes2(abi.encodePacked(shapes[4 * k], shapes[4 * k + 1])));
      inputs[k].columns = uint16(bytes2(abi.encodePacked(shapes[4 * k + 2], shapes[4 * k + 3])));
      inputs[k].space = k == 1 ? 2 : k / 2;
    }
  }

  /// @dev Words of 4 bytes as leaves pack them.
  function _packed(bytes memory words) private pure returns (bytes memory data) {
    data = new bytes(words.length);
    for (uint256 k = 0; k < data.length; k++) {
      data[k] = words[k ^ 3];
    }
  }

  function _isFalse(UnitQuestion memory q) private view returns (bool) {
    return _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }
}
