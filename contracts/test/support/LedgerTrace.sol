// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, Opening, Step } from "../../src/interfaces/IReferee.sol";
import { Unit, UnitShape } from "../../src/interfaces/IUnitReferee.sol";
import { Leaves, Stretch } from "../../src/libraries/Leaves.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { MerkleTree } from "./MerkleTree.sol";
import { UnitQuestion } from "./RefereeTrace.sol";

/// @notice A matrix with its values as leaves pack them.
struct Values {
  uint256 rows;
  uint256 columns;
  bytes data;
}

/// @notice A unit of one instruction: what it reads of source 0, and what it makes, its first output.
struct LedgerUnit {
  uint8 op;
  /// 4 bytes each.
  bytes params;
  /// 4 bytes each: fed beside one text of two tokens that mean nothing.
  bytes scalars;
  Values[] given;
  Values made;
  /// Its last input is what it makes.
  bool readsItself;
}

/// @notice A leaf of an input.
struct Opened {
  uint8 input;
  uint32 leaf;
}

/// @notice Builds claims of units of the ledger, the slow, obvious way.
abstract contract LedgerTrace {
  /// @dev Matrices behind the given ones and behind the output, and instructions behind the one.
  uint256 internal _fillers;
  /// @dev Units that it reads beside the first.
  uint256 internal _moreSources;

  /// @notice The step that shows whether an element follows, with all leaves of all inputs where `opened` is empty.
  function _ask(LedgerUnit memory u, uint32 row, uint32 column, Opened[] memory opened)
    internal
    view
    returns (UnitQuestion memory q)
  {
    if (opened.length == 0) opened = _allLeaves(u);
    bytes32[] memory outputs = _tops(_list(u.made));
    bytes32[] memory sources = _tops(u.given);
    bytes32[] memory instructions = new bytes32[](1 + _fillers);
    Step memory step = q.step;
    (step.row, step.column) = (row, column);
    (step.instruction, step.inputs) = (_code(u), _fed(u.scalars));
    instructions[0] = Merkle.leaf(step.instruction);
    step.instructionProof = MerkleTree.proof(instructions, 0);
    step.header = Header(MerkleTree.root(instructions), instructions.length, 0, 0, 0);
    step.output = _open(u.made, 0, uint32(Leaves.leafOf(u.made.columns, row, column)), outputs, 0);
    step.openings = new Opening[](opened.length);
    for (uint256 k = 0; k < opened.length; k++) {
      bool own = opened[k].input == u.given.length;
      Values memory matrix = own ? u.made : u.given[opened[k].input];
      step.openings[k] =
        _open(matrix, opened[k].input, opened[k].leaf, own ? outputs : sources, own ? 0 : opened[k].input);
    }
    _place(q, outputs, sources);
  }

  function _place(UnitQuestion memory q, bytes32[] memory outputs, bytes32[] memory sources) private view {
    q.shape.outputs = outputs.length;
    q.shape.sources = new uint256[](1 + _moreSources);
    q.unit.sourceRoots = new bytes32[](1 + _moreSources);
    (q.shape.sources[0], q.unit.sourceRoots[0]) = (sources.length, MerkleTree.root(sources));
    for (uint256 k = 1; k <= _moreSources; k++) {
      (q.shape.sources[k], q.unit.sourceRoots[k]) = (1, keccak256(abi.encode(k)));
    }
    q.unit.inputsHash = keccak256(q.step.inputs);
    q.unit.outputRoot = MerkleTree.root(outputs);
    q.unit.programHash = keccak256(abi.encode(q.step.header, q.shape));
  }

  /// @notice One text of two tokens, then the scalars.
  function _fed(bytes memory scalars) internal pure returns (bytes memory) {
    return abi.encodePacked(hex"000000010000000200000001000000000000000000000000", uint32(scalars.length / 4), scalars);
  }

  function _code(LedgerUnit memory u) internal pure returns (bytes memory code) {
    code = abi.encodePacked(u.op, _size(u.made.rows), _size(u.made.columns), uint8(u.params.length / 4), u.params);
    uint256 count = u.given.length;
    code = abi.encodePacked(code, uint8(count + (u.readsItself ? 1 : 0)));
    for (uint32 k = 0; k < count; k++) {
      code = abi.encodePacked(code, uint8(2), k, _size(u.given[k].rows), _size(u.given[k].columns));
    }
    if (u.readsItself) code = abi.encodePacked(code, uint8(0), uint32(0), _size(u.made.rows), _size(u.made.columns));
  }

  function _size(uint256 one) private pure returns (bytes memory) {
    return abi.encodePacked(uint32(one), uint96(0));
  }

  function _allLeaves(LedgerUnit memory u) private pure returns (Opened[] memory opened) {
    uint256 inputs = u.given.length + (u.readsItself ? 1 : 0);
    uint256 count;
    for (uint256 k = 0; k < inputs; k++) {
      count += _leafCount(k < u.given.length ? u.given[k] : u.made);
    }
    opened = new Opened[](count);
    uint256 next;
    for (uint256 k = 0; k < inputs; k++) {
      uint256 leaves = _leafCount(k < u.given.length ? u.given[k] : u.made);
      for (uint256 leaf = 0; leaf < leaves; leaf++) {
        opened[next++] = Opened(uint8(k), uint32(leaf));
      }
    }
  }

  function _leafCount(Values memory matrix) private pure returns (uint256) {
    return Leaves.count(matrix.rows, matrix.columns);
  }

  function _list(Values memory one) internal pure returns (Values[] memory list) {
    list = new Values[](1);
    list[0] = one;
  }

  /// @notice The matrices' leaves under one root, and those of fillers.
  function _tops(Values[] memory matrices) internal view returns (bytes32[] memory tops) {
    tops = new bytes32[](matrices.length + _fillers);
    for (uint256 k = 0; k < tops.length; k++) {
      tops[k] = k < matrices.length ? _top(matrices[k]) : keccak256(abi.encode(k));
    }
  }

  function _top(Values memory matrix) private pure returns (bytes32) {
    return Merkle.leaf(abi.encodePacked(MerkleTree.root(_leaves(matrix)), uint32(matrix.rows), uint32(matrix.columns)));
  }

  function _leaves(Values memory matrix) private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](_leafCount(matrix));
    for (uint256 leaf = 0; leaf < leaves.length; leaf++) {
      leaves[leaf] = Merkle.leaf(_part(matrix, leaf));
    }
  }

  /// @notice A leaf of matrix `index` of those that `tops` stand for.
  function _open(Values memory matrix, uint8 input, uint32 leaf, bytes32[] memory tops, uint256 index)
    internal
    pure
    returns (Opening memory)
  {
    bytes32[] memory within = MerkleTree.proof(_leaves(matrix), leaf);
    bytes32[] memory above = MerkleTree.proof(tops, index);
    bytes32[] memory proof = new bytes32[](within.length + above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : above[k - within.length];
    }
    return Opening(input, leaf, _part(matrix, leaf), proof);
  }

  function _part(Values memory matrix, uint256 leaf) private pure returns (bytes memory part) {
    Stretch memory held = Leaves.stretch(matrix.rows, matrix.columns, leaf);
    uint256 first = 4 * (held.row * matrix.columns + held.column);
    part = new bytes(4 * held.rows * held.columns);
    bytes memory data = matrix.data;
    assembly ("memory-safe") {
      mcopy(add(part, 0x20), add(add(data, 0x20), first), mload(part))
    }
  }
}
