// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice N tokens fed and M tokens predicted in all texts, W the most tokens that one attends.
struct Lengths {
  uint256 n;
  uint256 m;
  uint256 w;
}

/// @notice A matrix that an instruction reads.
struct Source {
  /// OWN, CONSTANT, or FIRST_SOURCE + k of a unit's source k.
  uint256 space;
  uint256 index;
  uint256 rows;
  uint256 columns;
}

/// @notice One instruction of a program, its output's size worked out for one claim.
struct Instruction {
  bytes code;
  Lengths lengths;
  /// Spaces that its inputs may lie in.
  uint256 spaces;
  uint256 op;
  uint256 rows;
  uint256 columns;
  uint256 paramCount;
  uint256 inputCount;
}

/// @title Reads the bytes of an instruction
/// @notice As instructionBytes() in src/attribution/trace/instruction.ts writes them, all big-endian: op u8 ‖ rows, columns
/// (each int32 one, n, m, w) ‖ u8 count, params u32 each ‖ u8 count, inputs each (u8 space ‖ u32 index ‖ rows ‖ columns).
/// A size is one + n·N + m·M + w·W.
library Instructions {
  /// @notice Bytes that are no instruction, or a size below 0 or beyond 32 bits.
  error InstructionMalformed(uint256 place);
  /// @notice The operation takes more parameters or inputs than the instruction has.
  error InstructionLacks(uint256 place);

  /// @notice Spaces: matrices of the computation itself, constants, what another unit made.
  uint256 internal constant OWN = 0;
  uint256 internal constant CONSTANT = 1;
  uint256 internal constant FIRST_SOURCE = 2;

  uint256 private constant PARAMS = 33;
  uint256 private constant SIZE = 16;
  uint256 private constant INPUT = 37;

  /// @notice Works out all else from code and lengths.
  function decode(Instruction memory instruction) internal pure {
    (bytes memory code, Lengths memory lengths) = (instruction.code, instruction.lengths);
    instruction.op = _byte(code, 0);
    instruction.rows = _size(code, 1, lengths);
    instruction.columns = _size(code, 1 + SIZE, lengths);
    instruction.paramCount = _byte(code, PARAMS);
    uint256 inputs = _inputsAt(instruction);
    instruction.inputCount = _byte(code, inputs);
    if (code.length != inputs + 1 + INPUT * instruction.inputCount) revert InstructionMalformed(code.length);
  }

  /// @notice Parameter k: a whole number, or the bits of a float32.
  function param(Instruction memory self, uint256 k) internal pure returns (uint256) {
    if (k >= self.paramCount) revert InstructionLacks(k);
    return _word(self.code, PARAMS + 1 + 4 * k);
  }

  /// @notice Input k. Read when asked for: an instruction may have 255.
  function input(Instruction memory self, uint256 k) internal pure returns (Source memory source) {
    if (k >= self.inputCount) revert InstructionLacks(k);
    uint256 place = _inputsAt(self) + 1 + INPUT * k;
    uint256 space = _byte(self.code, place);
    if (space >= self.spaces) revert InstructionMalformed(place);
    source.space = space;
    source.index = _word(self.code, place + 1);
    source.rows = _size(self.code, place + 5, self.lengths);
    source.columns = _size(self.code, place + 5 + SIZE, self.lengths);
  }

  function _inputsAt(Instruction memory self) private pure returns (uint256) {
    return PARAMS + 1 + 4 * self.paramCount;
  }

  function _size(bytes memory code, uint256 place, Lengths memory lengths) private pure returns (uint256) {
    if (place + SIZE > code.length) revert InstructionMalformed(place);
    uint256 word;
    assembly ("memory-safe") {
      word := mload(add(add(code, 0x20), place))
    }
    int256 size;
    unchecked {
      // Lengths are those of a list in calldata: no product of one with 32 bits leaves int256.
      size = int32(uint32(word >> 224)) + int32(uint32(word >> 192)) * int256(lengths.n);
      size += int32(uint32(word >> 160)) * int256(lengths.m) + int32(uint32(word >> 128)) * int256(lengths.w);
    }
    if (size < 0 || size > int256(uint256(type(uint32).max))) revert InstructionMalformed(place);
    return uint256(size);
  }

  function _byte(bytes memory code, uint256 place) private pure returns (uint256) {
    if (place >= code.length) revert InstructionMalformed(place);
    return uint8(code[place]);
  }

  /// @dev Where `decode` has found the bytes to be as many as they should.
  function _word(bytes memory code, uint256 place) private pure returns (uint256 word) {
    assembly ("memory-safe") {
      word := shr(224, mload(add(add(code, 0x20), place)))
    }
  }
}
