// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { Unit, UnitShape } from "../../src/interfaces/IUnitReferee.sol";
import { Leaves, Stretch } from "../../src/libraries/Leaves.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Sums } from "../../src/libraries/rf32/RF32Sums.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice A matrix of a claim made for a test.
struct Matrix {
  uint256 rows;
  uint256 columns;
  /// As in an instruction: 0 the claim's own, 1 constants, 2 + k what unit k made.
  uint256 space;
  /// The values as leaves pack them; where empty, value k of input i is (k + 1 + i) / 8.
  bytes data;
  /// Leaves that are opened; where empty, all. The others' hashes are any words.
  uint32[] opened;
}

/// @notice The element that is judged, and the bits that the claim holds for it; all else is as `_elsewhere`.
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

/// @notice The same of a unit of a run.
struct UnitQuestion {
  Unit unit;
  UnitShape shape;
  bytes32 innerRoot;
  Step step;
}

/// @notice Builds claims of one instruction: the trace holds its inputs, then its output, then fillers.
abstract contract RefereeTrace {
  uint32[] internal _tokens = [1, 2, 0, 5];
  uint32 internal _answerTokens = 2;
  uint256 internal _window;
  /// @dev Matrices that stand behind the output, and as many behind the inputs in every other space.
  uint256 internal _fillers;
  /// @dev Of a unit: its inputs, how many units it reads, and how many matrices of the trace's end are its outputs.
  bytes internal _unitInputs;
  uint256 internal _sources;
  uint256 internal _outputs = 1;
  /// @dev The output's values as leaves pack them; zeros where empty.
  bytes internal _elsewhere;

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
    bytes32[][] memory tops = _allTops(inputs, output, 0);
    question.step = _step(instruction, inputs, output, tops, _inputBytes());
    question.inputsHash = keccak256(question.step.inputs);
    question.traceRoot = MerkleTree.root(tops[0]);
    question.programHash = keccak256(abi.encode(question.step.header));
  }

  function _unitQuestion(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output)
    internal
    view
    returns (UnitQuestion memory)
  {
    return _unitQuestionOf(_instruction(op, params, inputs, output), inputs, output);
  }

  function _unitQuestionOf(bytes memory instruction, Matrix[] memory inputs, Output memory output)
    internal
    view
    returns (UnitQuestion memory q)
  {
    bytes32[][] memory tops = _allTops(inputs, output, _outputs);
    q.step = _step(instruction, inputs, output, tops, _unitInputs);
    q.unit.inputsHash = keccak256(_unitInputs);
    q.innerRoot = MerkleTree.root(tops[0]);
    q.unit.outputRoot = MerkleTree.root(tops[tops.length - 1]);
    q.shape.outputs = _outputs;
    q.shape.sources = new uint256[](_sources);
    q.unit.sourceRoots = new bytes32[](_sources);
    for (uint256 k = 0; k < _sources; k++) {
      q.shape.sources[k] = tops[2 + k].length;
      q.unit.sourceRoots[k] = MerkleTree.root(tops[2 + k]);
    }
    q.unit.programHash = keccak256(abi.encode(q.step.header, q.shape));
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
    for (uint256 k = 0; k < inputs.length; k++) {
      Matrix memory m = inputs[k];
      uint32 index = uint32(_before(inputs, k));
      code = abi.encodePacked(code, uint8(m.space), index, _size(m.rows), _size(m.columns));
    }
  }

  function _inputBytes() internal view returns (bytes memory inputs) {
    inputs = abi.encodePacked(_answerTokens);
    for (uint256 k = 0; k < _tokens.length; k++) {
      inputs = abi.encodePacked(inputs, _tokens[k]);
    }
  }

  function _size(uint256 one) private pure returns (bytes memory) {
    return abi.encodePacked(uint32(one), uint96(0));
  }

  /// @dev Inputs before input k in its space: its place there.
  function _before(Matrix[] memory inputs, uint256 k) private pure returns (uint256 count) {
    for (uint256 i = 0; i < k; i++) {
      if (inputs[i].space == inputs[k].space) count++;
    }
  }

  function _count(Matrix[] memory inputs, uint256 space) private pure returns (uint256 count) {
    for (uint256 k = 0; k < inputs.length; k++) {
      if (inputs[k].space == space) count++;
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

  /// @dev By space, then the outputs: the hashes of the matrices there.
  function _allTops(Matrix[] memory inputs, Output memory output, uint256 outputs)
    private
    view
    returns (bytes32[][] memory tops)
  {
    tops = new bytes32[][](3 + _sources);
    for (uint256 space = 1; space < 2 + _sources; space++) {
      tops[space] = _tops(inputs, space, _count(inputs, space));
    }
    uint256 index = _count(inputs, 0);
    bytes32[] memory own = _tops(inputs, 0, index + 1);
    own[index] = _top(_made(output), 0);
    (tops[0], tops[2 + _sources]) = (_part(own, 0, own.length - outputs), _part(own, own.length - outputs, own.length));
  }

  function _part(bytes32[] memory list, uint256 first, uint256 end) private pure returns (bytes32[] memory part) {
    part = new bytes32[](end - first);
    for (uint256 k = 0; k < part.length; k++) {
      part[k] = list[first + k];
    }
  }

  /// @dev Hashes of the inputs in one space, then of fillers up to `count` and `_fillers` beyond.
  function _tops(Matrix[] memory inputs, uint256 space, uint256 count) private view returns (bytes32[] memory tops) {
    tops = new bytes32[](count + _fillers);
    uint256 next;
    for (uint256 k = 0; k < inputs.length; k++) {
      if (inputs[k].space == space) tops[next++] = _top(inputs[k], k);
    }
    for (; next < tops.length; next++) {
      tops[next] = keccak256(abi.encode("filler", next));
    }
  }

  function _step(
    bytes memory instruction,
    Matrix[] memory inputs,
    Output memory output,
    bytes32[][] memory tops,
    bytes memory fed
  ) private view returns (Step memory step) {
    uint256 index = _count(inputs, 0);
    (step.row, step.column, step.index) = (output.row, output.column, uint32(index));
    (step.instruction, step.inputs) = (instruction, fed);
    uint32 leaf = uint32(Leaves.leafOf(output.columns, output.row, output.column));
    step.output = _open(_made(output), 0, leaf, tops, 0, index);
    step.openings = new Opening[](_openings(inputs));
    _openAll(step.openings, inputs, tops);

    bytes32[] memory instructions = new bytes32[](tops[0].length + tops[tops.length - 1].length);
    instructions[index] = Merkle.leaf(instruction);
    step.instructionProof = MerkleTree.proof(instructions, index);
    step.header =
      Header(MerkleTree.root(instructions), instructions.length, MerkleTree.root(tops[1]), tops[1].length, _window);
  }

  function _openAll(Opening[] memory openings, Matrix[] memory inputs, bytes32[][] memory tops) private pure {
    uint256 next;
    for (uint256 k = 0; k < inputs.length; k++) {
      uint256 index = _before(inputs, k);
      for (uint256 some = 0; some < _opened(inputs[k]); some++) {
        uint32 leaf = inputs[k].opened.length == 0 ? uint32(some) : inputs[k].opened[some];
        openings[next++] = _open(inputs[k], uint8(k), leaf, tops, inputs[k].space, index);
      }
    }
  }

  function _open(Matrix memory matrix, uint8 input, uint32 leaf, bytes32[][] memory tops, uint256 space, uint256 index)
    private
    pure
    returns (Opening memory opening)
  {
    bytes32[] memory above = _above(tops, space, index);
    uint256 depth = Merkle.depth(Leaves.count(matrix.rows, matrix.columns));
    opening = Opening(input, leaf, _values(matrix, input, leaf), new bytes32[](depth + above.length));
    uint256 free = _free();
    bytes32[] memory within = MerkleTree.proof(_leaves(matrix, input), leaf);
    for (uint256 k = 0; k < opening.proof.length; k++) {
      opening.proof[k] = k < depth ? within[k] : above[k - depth];
    }
    _giveBack(free);
  }

  function _above(bytes32[][] memory tops, uint256 space, uint256 index) private pure returns (bytes32[] memory) {
    uint256 inner = tops[0].length;
    return space == 0 && index >= inner
      ? MerkleTree.proof(tops[tops.length - 1], index - inner)
      : MerkleTree.proof(tops[space], index);
  }

  function _top(Matrix memory matrix, uint256 input) private pure returns (bytes32) {
    uint256 free = _free();
    bytes32 root = MerkleTree.root(_leaves(matrix, input));
    _giveBack(free);
    return Merkle.leaf(abi.encodePacked(root, uint32(matrix.rows), uint32(matrix.columns)));
  }

  function _leaves(Matrix memory matrix, uint256 input) private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](Leaves.count(matrix.rows, matrix.columns));
    for (uint256 leaf = 0; leaf < leaves.length; leaf++) {
      leaves[leaf] = _isOpened(matrix, leaf) ? Merkle.leaf(_values(matrix, input, leaf)) : keccak256(abi.encode(leaf));
    }
  }

  function _free() private pure returns (uint256 free) {
    assembly ("memory-safe") {
      free := mload(0x40)
    }
  }

  /// @dev As MerkleTree does: nothing above is used any more.
  function _giveBack(uint256 free) private pure {
    assembly ("memory-safe") {
      mstore(0x40, free)
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
    bytes memory data = matrix.data;
    if (data.length > 0) {
      if (data.length < 4 * first + values.length) revert("data of a matrix: too few");
      assembly ("memory-safe") {
        mcopy(add(values, 0x20), add(add(data, 0x20), shl(2, first)), mload(values))
      }
      return values;
    }
    for (uint256 k = 0; k < values.length / 4; k++) {
      RF32Sums.setValue(values, k, RF32.fromInt(int256(first + k + 1 + input)).scale2(-3));
    }
  }

  function _made(Output memory output) private view returns (Matrix memory matrix) {
    (matrix.rows, matrix.columns) = (output.rows, output.columns);
    uint256 leaf = Leaves.leafOf(output.columns, output.row, output.column);
    // Large outputs are not written out.
    if (Leaves.count(output.rows, output.columns) > 64) {
      matrix.opened = new uint32[](1);
      matrix.opened[0] = uint32(leaf);
    }
    matrix.data = _elsewhere.length == 0 ? new bytes(4 * output.rows * output.columns) : _elsewhere;
    RF32Sums.setValue(matrix.data, output.row * output.columns + output.column, Float32.wrap(output.bits));
  }
}
