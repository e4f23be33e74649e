// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, IReferee } from "../interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "../interfaces/IUnitReferee.sol";
import { Instruction, Instructions } from "./Instructions.sol";
import { Committed, Openings } from "./Openings.sol";
import { Texts, TextsOf } from "./Texts.sol";

/// @notice A computation whose program and inputs are proved: what it is fed, and under which root each matrix stands.
struct Computation {
  Texts texts;
  /// By space: matrices that it makes for itself, constants, what other units made; then its outputs, which go on from the
  /// first. An answer has no outputs.
  bytes32[] roots;
  /// Matrices under each.
  uint256[] counts;
}

/// @title What one claim or one unit of a run is, before any of its elements is judged
library Computations {
  using Instructions for Instruction;

  /// @notice The answer whose claim names these hashes.
  function ofAnswer(
    bytes32 programHash,
    bytes32 inputsHash,
    bytes32 traceRoot,
    Header calldata header,
    bytes calldata inputs
  ) internal pure returns (Computation memory self) {
    if (keccak256(abi.encode(header)) != programHash) revert IReferee.RefereeWrongHeader();
    if (keccak256(inputs) != inputsHash) revert IReferee.RefereeWrongInputs();
    TextsOf.answer(self.texts, inputs, header.window);
    _stand(self, header, traceRoot, 0);
  }

  /// @notice The sizes of any answer with as many tokens, of which the last `answer` are its own; nothing else of it.
  function ofLengths(bytes32 programHash, uint256 tokens, uint256 answer, Header calldata header)
    internal
    pure
    returns (Computation memory self)
  {
    if (keccak256(abi.encode(header)) != programHash) revert IReferee.RefereeWrongHeader();
    TextsOf.sized(self.texts, tokens, answer, header.window);
    _stand(self, header, 0, 0);
  }

  /// @notice A unit of a run.
  function ofUnit(
    Unit calldata unit,
    UnitShape calldata shape,
    bytes32 innerRoot,
    Header calldata header,
    bytes calldata inputs
  ) internal pure returns (Computation memory self) {
    uint256 sources = shape.sources.length;
    if (
      _hash(header, shape.outputs, shape.sources) != unit.programHash || shape.outputs > header.instructionCount
        || sources != unit.sourceRoots.length
    ) revert IUnitReferee.RefereeWrongUnit();
    if (keccak256(inputs) != unit.inputsHash) revert IReferee.RefereeWrongInputs();
    TextsOf.unit(self.texts, inputs, header.window);
    _stand(self, header, innerRoot, sources);
    unchecked {
      self.counts[Instructions.OWN] -= shape.outputs;
      for (uint256 k = 0; k < sources; k++) {
        uint256 space = Instructions.FIRST_SOURCE + k;
        (self.roots[space], self.counts[space]) = (unit.sourceRoots[k], shape.sources[k]);
      }
      uint256 last = Instructions.FIRST_SOURCE + sources;
      (self.roots[last], self.counts[last]) = (unit.outputRoot, shape.outputs);
    }
  }

  /// @notice Instruction `index` of the program. Reverts where it is another.
  function instruction(
    Computation memory self,
    Header calldata header,
    uint256 index,
    bytes calldata code,
    bytes32[] calldata proof
  ) internal pure returns (Instruction memory read) {
    if (!Openings.provesLeaf(header.instructionsRoot, header.instructionCount, index, code, proof)) {
      revert IReferee.RefereeWrongInstruction(index);
    }
    (read.code, read.lengths, read.spaces) = (code, self.texts.lengths, self.roots.length - 1);
    read.decode();
  }

  /// @notice Matrix `index` of a space, of this size. Beyond the space's last it stands under no root.
  function matrix(Computation memory self, uint256 space, uint256 index, uint256 rows, uint256 columns)
    internal
    pure
    returns (Committed memory committed)
  {
    committed.count = self.counts[space];
    if (space == Instructions.OWN && index >= committed.count) {
      index -= committed.count;
      space = self.roots.length - 1;
      committed.count = self.counts[space];
    }
    committed.root = self.roots[space];
    (committed.index, committed.rows, committed.columns) = (index, rows, columns);
  }

  /// @dev keccak256(abi.encode(header, shape)) in fewer bytes of code.
  function _hash(Header calldata header, uint256 outputs, uint256[] calldata sources)
    private
    pure
    returns (bytes32 hash)
  {
    assembly ("memory-safe") {
      let free := mload(0x40)
      calldatacopy(free, header, 0xa0)
      // The shape is dynamic: where it begins, and in it where its list begins.
      mstore(add(free, 0xa0), 0xc0)
      mstore(add(free, 0xc0), outputs)
      mstore(add(free, 0xe0), 0x40)
      mstore(add(free, 0x100), sources.length)
      let list := shl(5, sources.length)
      calldatacopy(add(free, 0x120), sources.offset, list)
      hash := keccak256(free, add(0x120, list))
    }
  }

  function _stand(Computation memory self, Header calldata header, bytes32 innerRoot, uint256 sources) private pure {
    bytes32[] memory roots = new bytes32[](Instructions.FIRST_SOURCE + sources + 1);
    uint256[] memory counts = new uint256[](roots.length);
    (roots[Instructions.OWN], counts[Instructions.OWN]) = (innerRoot, header.instructionCount);
    (roots[Instructions.CONSTANT], counts[Instructions.CONSTANT]) = (header.constantsRoot, header.constantCount);
    (self.roots, self.counts) = (roots, counts);
  }
}
