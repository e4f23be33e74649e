// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { Leaves, Stretch } from "../../src/libraries/Leaves.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Sums } from "../../src/libraries/rf32/RF32Sums.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice A matrix of a claim made for a test.
struct Matrix {
  uint256 rows;
  uint256 columns;
  bool isConstant;
  /// The values as leaves pack them; where empty, value k of input i is (k + 1 + i) / 8.
  bytes data;
  /// Leaves that are opened; where empty, all. The others' hashes are any words.
  uint32[] opened;
}

/// @notice The element that is judged, and the bits that the claim holds for it; all else of the output is 0.
struct Output {
  uint256 rows;
  uint256 columns;
  uint32 row;
  uint32 column;
  uint32 bits;
}

/// @notice A claim, and the step that is to show one of its elements false.
struct Question {
  bytes32 programHash;
  bytes32 inputsHash;
  bytes32 traceRoot;
  Step step;
}

/// @notice Builds claims of one instruction: the trace holds its inputs, then its output, then fillers.
abstract contract RefereeTrace {
  uint32[] internal _tokens = [1, 2, 0, 5];
  uint32 internal _answer = 2;
  uint256 internal _window;
  /// @dev Matrices that stand behind the output, and as many constants behind the inputs.
  uint256 internal _fillers;

  function _question(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output)
    internal
    view
    returns (Question memory question)
  {
    return _questionOf(_instruction(op, params, inputs, output), inputs, output);
  }

  function _questionOf(bytes memory instruction, Matrix[] memory inputs, Output memory output)
    internal
    view
    returns (Question memory question)
  {
    uint256 index = _count(inputs, false);
    Step memory step = question.step;
    (step.row, step.column, step.index) = (output.row, output.column, uint32(index));
    step.instruction = instruction;
    step.inputs = _inputBytes();
    question.inputsHash = keccak256(step.inputs);
    step.openings = new Opening[](_openings(inputs));

    bytes32[] memory constants = _tops(inputs, true, _count(inputs, true));
    bytes32[] memory trace = _tops(inputs, false, index + 1);
    Matrix memory made = _made(output);
    trace[index] = _top(made, 0);
    question.traceRoot = MerkleTree.root(trace);
    step.output = _open(made, 0, uint32(Leaves.leafOf(output.columns, output.row, output.column)), trace, index);
    _openAll(step.openings, inputs, trace, constants);

    bytes32[] memory instructions = new bytes32[](trace.length);
    instructions[index] = Merkle.leaf(step.instruction);
    step.instructionProof = MerkleTree.proof(instructions, index);
    step.header =
      Header(MerkleTree.root(instructions), trace.length, MerkleTree.root(constants), constants.length, _window);
    question.programHash = keccak256(abi.encode(step.header));
  }

  /// @notice The output as the data game asks for it.
  function _matrixOf(Step memory step) internal pure returns (TraceMatrix memory) {
    return TraceMatrix(step.header, step.inputs, step.index, step.instruction, step.instructionProof);
  }

  function _instruction(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output)
    internal
    pure
    returns (bytes memory code)
  {
    code = abi.encodePacked(op, _size(output.rows), _size(output.columns), uint8(params.length / 4), params);
    code = abi.encodePacked(code, uint8(inputs.length));
    uint32[2] memory next;
    for (uint256 k = 0; k < inputs.length; k++) {
      uint256 space = inputs[k].isConstant ? 1 : 0;
      code = abi.encodePacked(code, uint8(space), next[space]++, _size(inputs[k].rows), _size(inputs[k].columns));
    }
  }

  function _inputBytes() internal view returns (bytes memory inputs) {
    inputs = abi.encodePacked(_answer);
    for (uint256 k = 0; k < _tokens.length; k++) {
      inputs = abi.encodePacked(inputs, _tokens[k]);
    }
  }

  function _size(uint256 one) private pure returns (bytes memory) {
    return abi.encodePacked(uint32(one), uint96(0));
  }

  function _count(Matrix[] memory inputs, bool constants) private pure returns (uint256 count) {
    for (uint256 k = 0; k < inputs.length; k++) {
      if (inputs[k].isConstant == constants) count++;
    }
  }

  function _openings(Matrix[] memory inputs) private pure returns (uint256 count) {
    for (uint256 k = 0; k < inputs.length; k++) {
      count += _opened(inputs[k]);
    }
  }

  function _opened(Matrix memory matrix) private pure returns (uint256) {
    return matrix.opened.length == 0 ? Leaves.count(matrix.rows, matrix.columns) : matrix.opened.length;
  }

  /// @dev Hashes of the inputs in one space, then of fillers up to `count` and `_fillers` beyond.
  function _tops(Matrix[] memory inputs, bool constants, uint256 count) private view returns (bytes32[] memory tops) {
    tops = new bytes32[](count + _fillers);
    uint256 next;
    for (uint256 k = 0; k < inputs.length; k++) {
      if (inputs[k].isConstant == constants) tops[next++] = _top(inputs[k], k);
    }
    for (; next < tops.length; next++) {
      tops[next] = keccak256(abi.encode("filler", next));
    }
  }

  function _openAll(
    Opening[] memory openings,
    Matrix[] memory inputs,
    bytes32[] memory trace,
    bytes32[] memory constants
  ) private pure {
    uint256 next;
    uint256[2] memory indices;
    for (uint256 k = 0; k < inputs.length; k++) {
      bool isConstant = inputs[k].isConstant;
      uint256 index = indices[isConstant ? 1 : 0]++;
      for (uint256 some = 0; some < _opened(inputs[k]); some++) {
        uint32 leaf = inputs[k].opened.length == 0 ? uint32(some) : inputs[k].opened[some];
        openings[next++] = _open(inputs[k], uint8(k), leaf, isConstant ? constants : trace, index);
      }
    }
  }

  function _open(Matrix memory matrix, uint8 input, uint32 leaf, bytes32[] memory tops, uint256 index)
    private
    pure
    returns (Opening memory opening)
  {
    bytes32[] memory within = MerkleTree.proof(_leaves(matrix, input), leaf);
    bytes32[] memory above = MerkleTree.proof(tops, index);
    bytes32[] memory proof = new bytes32[](within.length + above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : above[k - within.length];
    }
    return Opening(input, leaf, _values(matrix, input, leaf), proof);
  }

  function _top(Matrix memory matrix, uint256 input) private pure returns (bytes32) {
    bytes32 root = MerkleTree.root(_leaves(matrix, input));
    return Merkle.leaf(abi.encodePacked(root, uint32(matrix.rows), uint32(matrix.columns)));
  }

  function _leaves(Matrix memory matrix, uint256 input) private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](Leaves.count(matrix.rows, matrix.columns));
    for (uint256 leaf = 0; leaf < leaves.length; leaf++) {
      leaves[leaf] = _isOpened(matrix, leaf) ? Merkle.leaf(_values(matrix, input, leaf)) : keccak256(abi.encode(leaf));
    }
  }

  function _isOpened(Matrix memory matrix, uint256 leaf) private pure returns (bool) {
    for (uint256 k = 0; k < matrix.opened.length; k++) {
      if (matrix.opened[k] == leaf) return true;
    }
    return matrix.opened.length == 0;
  }

  function _values(Matrix memory matrix, uint256 input, uint256 leaf) private pure returns (bytes memory values) {
    Stretch memory part = Leaves.stretch(matrix.rows, matrix.columns, leaf);
    uint256 first = part.row * matrix.columns + part.column;
    values = new bytes(4 * part.rows * part.columns);
    for (uint256 k = 0; k < values.length / 4; k++) {
      RF32Sums.setValue(
        values,
        k,
        matrix.data.length == 0
          ? RF32.fromInt(int256(first + k + 1 + input)).scale2(-3)
          : RF32Sums.valueAt(matrix.data, first + k)
      );
    }
  }

  function _made(Output memory output) private pure returns (Matrix memory matrix) {
    (matrix.rows, matrix.columns) = (output.rows, output.columns);
    uint256 leaf = Leaves.leafOf(output.columns, output.row, output.column);
    // Large outputs are not written out.
    if (Leaves.count(output.rows, output.columns) > 64) {
      matrix.opened = new uint32[](1);
      matrix.opened[0] = uint32(leaf);
    }
    matrix.data = new bytes(4 * output.rows * output.columns);
    RF32Sums.setValue(matrix.data, output.row * output.columns + output.column, Float32.wrap(output.bits));
  }
}
