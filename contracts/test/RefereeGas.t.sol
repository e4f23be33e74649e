// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { IReferee } from "../src/interfaces/IReferee.sol";
import { IUnitReferee } from "../src/interfaces/IUnitReferee.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Float32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { Matrix, Output, Question, RefereeTrace, UnitQuestion } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

interface Snapshots {
  function snapshotValue(string calldata group, string calldata name, uint256 value) external;
}

/// @notice What one step costs a challenger as a transaction of its own (contracts/snapshots/Referee.json): a text of 60
/// tokens, 2,000 instructions and as many constants, matrices of a model with 896 dimensions.
contract RefereeGasTest is Test, RefereeTrace {
  uint256 private constant TOKENS = 60;
  /// @dev Issue 5: one step of one 256-long block, all proofs included.
  uint256 private constant MOST = 450_000;

  Referee private _referee;

  function setUp() public {
    _referee = new Referee();
    _fillers = 1999;
    for (uint32 k = uint32(_tokens.length); k <= TOKENS; k++) {
      _tokens.push(1000 + k);
    }
    _answerTokens = 20;
  }

  function test_dotOfOneBlock() public {
    Matrix[] memory inputs = new Matrix[](2);
    inputs[0] = _values(TOKENS, 256, 41, 0);
    inputs[1] = _constant(_values(4864, 256, 3000, 0));
    yes(_measure("dot of 256 terms", 0x01, "", inputs, Output(TOKENS, 4864, 41, 3000, 0)) <= MOST, "one block");
  }

  function test_dotOf1024Terms() public {
    Matrix[] memory inputs = new Matrix[](2);
    inputs[0] = _values(TOKENS, 1024, 41, 0);
    inputs[1] = _constant(_values(896, 1024, 800, 0));
    _measure("dot of 1024 terms", 0x01, "", inputs, Output(TOKENS, 896, 41, 800, 0));
  }

  function test_softmax() public {
    bytes memory params = hex"000000083e000000";
    Matrix[] memory inputs = new Matrix[](1);
    inputs[0] = _values(8 * TOKENS, TOKENS, 479, 0);
    _measure("softmax: greatest of 60", 0x40, params, inputs, Output(TOKENS, 8, 59, 7, 0));
    _measure("softmax: inverse sum of 60", 0x42, params, inputs, Output(TOKENS, 8, 59, 7, 0));
    inputs = new Matrix[](2);
    inputs[0] = _values(8 * TOKENS, TOKENS, 479, 0);
    inputs[1] = _values(TOKENS, 8, 59, 7);
    _measure("softmax: exponential", 0x41, params, inputs, Output(8 * TOKENS, TOKENS, 479, 50, 0));
  }

  function test_rope() public {
    Matrix[] memory inputs = new Matrix[](3);
    inputs[0] = _values(TOKENS, 512, 41, 300);
    inputs[1] = _constant(_values(2048, 32, 41, 0));
    inputs[2] = _constant(_values(2048, 32, 41, 0));
    _measure("rope", 0x28, hex"0000004000000000", inputs, Output(TOKENS, 512, 41, 300, 0));
  }

  function test_swiglu() public {
    Matrix[] memory inputs = new Matrix[](3);
    for (uint256 k = 0; k < 3; k++) {
      inputs[k] = _values(TOKENS, 4864, 41, 3000);
    }
    _measure("gradient of swiglu", 0x27, "", inputs, Output(TOKENS, 4864, 41, 3000, 0));
  }

  /// @dev Sixteen members, each in another leaf of a gradient [16, 256].
  function test_sketch() public {
    Matrix[] memory inputs = new Matrix[](4);
    inputs[0] = _values(16, 256, 0, 0);
    inputs[0].opened = new uint32[](0);
    inputs[1] = _constant(Matrix(1, 512, 0, _words(512, 0), _one(1)));
    inputs[2] = _constant(Matrix(1, 4096, 0, _words(4096, 257), _one(0)));
    inputs[3] = _values(1, 256, 0, 200);
    RF32Sums.setValue(inputs[1].data, 401, Float32.wrap(16));
    _measure("sketch of 16 members, each in another leaf", 0x60, "", inputs, Output(1, 256, 0, 200, 0));
  }

  /// @dev Of a training step's part: eight texts of 61 tokens.
  function test_aUnitsDotOfOneBlock() public {
    _asUnit(8, "");
    Matrix[] memory inputs = new Matrix[](2);
    inputs[0] = _values(8 * TOKENS, 256, 41, 0);
    inputs[1] = _constant(_values(1024, 256, 700, 0));
    uint256 gas = _measureUnit("unit of 8 texts: dot of 256 terms", 0x01, "", inputs, Output(480, 1024, 41, 700, 0));
    yes(gas <= MOST, "one block");
  }

  /// @dev The largest that a client makes: 68 texts, 4,080 tokens fed.
  function test_aLargeUnitsDotOfOneBlock() public {
    _asUnit(68, "");
    Matrix[] memory inputs = new Matrix[](2);
    inputs[0] = _values(68 * TOKENS, 256, 41, 0);
    inputs[1] = _constant(_values(16, 256, 7, 0));
    _measureUnit("unit of 68 texts: dot of 256 terms", 0x01, "", inputs, Output(4080, 16, 41, 7, 0));
  }

  /// @dev Of a vocabulary of 4,096: sixteen sums of blocks, 1 each, of 256 exponentials of 1/256. The token is the last.
  function test_drawnTarget() public {
    _asUnit(1, hex"3f7fffff");
    Matrix[] memory inputs = new Matrix[](2);
    inputs[0] = Matrix(20, 4096, 0, _words(81_920, 0), _one(15));
    for (uint256 k = 0; k < 256; k++) {
      RF32Sums.setValue(inputs[0].data, 3840 + k, Float32.wrap(0x3b800000));
    }
    inputs[1] = Matrix(20, 16, 0, _words(320, 0), _one(0));
    for (uint256 b = 0; b < 16; b++) {
      RF32Sums.setValue(inputs[1].data, b, Float32.wrap(0x3f800000));
    }
    yes(_measureUnit("drawn target of 4096", 0x57, "", inputs, Output(20, 1, 0, 0, 1)) <= MOST, "one block");
  }

  function test_weightOfAdamw() public {
    _asUnit(8, hex"3b03126f406c299143a6d55d");
    Matrix[] memory inputs = new Matrix[](3);
    for (uint256 k = 0; k < 3; k++) {
      inputs[k] = _values(16, 896, 7, 300);
    }
    inputs[0].space = 2;
    _measureUnit("unit of 8 texts: weight of AdamW", 0x72, hex"322bcc773c23d70a", inputs, Output(16, 896, 7, 300, 0));
  }

  /// @dev Texts of 61 tokens, of which 20 are predicted.
  function _asUnit(uint32 texts, bytes memory scalars) private {
    bytes memory shapes;
    bytes memory tokens;
    for (uint32 t = 0; t < texts; t++) {
      shapes = abi.encodePacked(shapes, uint32(TOKENS + 1), uint32(20), uint32(0x3f800000));
      bytes memory own;
      for (uint32 k = 0; k <= TOKENS; k++) {
        own = abi.encodePacked(own, 1000 + 61 * t + k);
      }
      tokens = bytes.concat(tokens, own);
    }
    _unitInputs = abi.encodePacked(texts, shapes, tokens, uint32(scalars.length / 4), scalars);
    (_sources, _outputs) = (2, 48);
  }

  function _measure(string memory name, uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output)
    private
    returns (uint256)
  {
    Question memory q = _question(op, params, inputs, output);
    return _measureCall(name, abi.encodeCall(IReferee.isFalse, (q.programHash, q.inputsHash, q.traceRoot, q.step)));
  }

  function _measureUnit(string memory name, uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output)
    private
    returns (uint256)
  {
    UnitQuestion memory q = _unitQuestion(op, params, inputs, output);
    return _measureCall(name, abi.encodeCall(IUnitReferee.isFalseUnit, (q.unit, q.shape, q.innerRoot, q.step)));
  }

  function _measureCall(string memory name, bytes memory data) private returns (uint256 gas) {
    (bool done, bytes memory answer) = address(_referee).staticcall(data); // warm, as nothing else is
    yes(done && abi.decode(answer, (bool)), "judged");
    gas = gasleft();
    (done,) = address(_referee).staticcall(data);
    gas -= gasleft();
    (uint256 standard, uint256 least) = _calldataGas(data);
    Snapshots(address(vm)).snapshotValue("Referee", string.concat(name, ": execution"), gas);
    gas = 21_000 + (standard + gas > least ? standard + gas : least);
    Snapshots(address(vm)).snapshotValue("Referee", string.concat(name, ": transaction"), gas);
  }

  /// @dev EIP-2028, and the least that EIP-7623 takes.
  function _calldataGas(bytes memory data) private pure returns (uint256 standard, uint256 least) {
    for (uint256 k = 0; k < data.length; k++) {
      uint256 tokens = data[k] == 0 ? 1 : 4;
      standard += 4 * tokens;
      least += 10 * tokens;
    }
  }

  /// @dev Of a row all leaves are opened; of a row that is cut, those that hold column `column` and what stands beside it.
  function _values(uint256 rows, uint256 columns, uint256 row, uint256 column)
    private
    pure
    returns (Matrix memory matrix)
  {
    (matrix.rows, matrix.columns) = (rows, columns);
    uint256 first = Leaves.leafOf(columns, row, column);
    uint256 last = columns > 256 && column == 0 ? Leaves.leafOf(columns, row, columns - 1) : first;
    // The pair of a rotated value.
    if (columns == 512) last = first;
    matrix.opened = new uint32[](last - first + 1);
    for (uint256 k = 0; k < matrix.opened.length; k++) {
      matrix.opened[k] = uint32(first + k);
    }
  }

  function _constant(Matrix memory matrix) private pure returns (Matrix memory) {
    matrix.space = 1;
    return matrix;
  }

  /// @dev Whole numbers, each `step` above the one before.
  function _words(uint256 count, uint256 step) private pure returns (bytes memory data) {
    data = new bytes(4 * count);
    for (uint256 k = 0; k < count; k++) {
      RF32Sums.setValue(data, k, Float32.wrap(uint32(k * step)));
    }
  }

  function _one(uint32 leaf) private pure returns (uint32[] memory list) {
    list = new uint32[](1);
    list[0] = leaf;
  }
}
