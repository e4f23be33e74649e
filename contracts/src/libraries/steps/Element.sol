// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Instruction, Instructions, Lengths } from "../Instructions.sol";
import { Float32, RF32 } from "../RF32.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";

/// @notice A proved piece of an input.
struct Piece {
  uint256 key;
  bytes values;
}

/// @notice What one element is computed from.
struct Element {
  Instruction instruction;
  /// As IReferee.Step.inputs.
  bytes inputs;
  uint256 row;
  uint256 column;
  Piece[] pieces;
}

using Elements for Element global;

/// @title Reading what an element is computed from
/// @notice Inputs and parameters are numbered as in src/attribution/trace/element.ts.
library Elements {
  using Instructions for Instruction;

  /// @notice A piece that the instruction reads was not opened, or does not exist.
  error ElementMissing(uint256 input, uint256 row, uint256 piece);
  /// @notice The claim has no such token.
  error ElementNoToken(uint256 place);

  uint256 internal constant PIECE = 256;

  /// @dev Rows and pieces are products of at most three numbers of 32 bits.
  function keyOf(uint256 input, uint256 row, uint256 piece) internal pure returns (uint256) {
    return (input << 192) | (row << 96) | piece;
  }

  function param(Element memory self, uint256 k) internal pure returns (uint256) {
    return self.instruction.param(k);
  }

  /// @notice A parameter that holds the bits of a float32.
  function constantParam(Element memory self, uint256 k) internal pure returns (Float32) {
    return Float32.wrap(uint32(self.instruction.param(k)));
  }

  function columns(Element memory self, uint256 input) internal pure returns (uint256) {
    return self.instruction.input(input).columns;
  }

  function lengths(Element memory self) internal pure returns (Lengths memory) {
    return self.instruction.lengths;
  }

  /// @notice Token k of prompt and answer.
  function token(Element memory self, uint256 k) internal pure returns (uint256 id) {
    bytes memory inputs = self.inputs;
    if (4 * k + 8 > inputs.length) revert ElementNoToken(k);
    assembly ("memory-safe") {
      id := shr(224, mload(add(add(inputs, 0x24), shl(2, k))))
    }
  }

  /// @notice First row that row i attends.
  function low(Element memory self, uint256 i) internal pure returns (uint256) {
    uint256 w = self.instruction.lengths.w;
    return i + 1 > w ? i + 1 - w : 0;
  }

  /// @notice Rows that row i attends.
  function attended(Element memory self, uint256 i) internal pure returns (uint256) {
    return i + 1 - low(self, i);
  }

  function get(Element memory self, uint256 input, uint256 row, uint256 column) internal pure returns (Float32) {
    bytes memory values = _piece(self, input, row, column / PIECE);
    uint256 place = column % PIECE;
    if (4 * place >= values.length) revert ElementMissing(input, row, column / PIECE);
    return RF32Sums.at(values, place);
  }

  /// @notice `count` values of a row from `column` on, packed as the pieces are.
  function run(Element memory self, uint256 input, uint256 row, uint256 column, uint256 count)
    internal
    pure
    returns (bytes memory values)
  {
    values = new bytes(4 * count);
    for (uint256 done = 0; done < count;) {
      uint256 piece = (column + done) / PIECE;
      uint256 place = (column + done) % PIECE;
      bytes memory from = _piece(self, input, row, piece);
      uint256 some = PIECE - place < count - done ? PIECE - place : count - done;
      if (4 * (place + some) > from.length) revert ElementMissing(input, row, piece);
      assembly ("memory-safe") {
        mcopy(add(add(values, 0x20), shl(2, done)), add(add(from, 0x20), shl(2, place)), shl(2, some))
      }
      done += some;
    }
  }

  function _piece(Element memory self, uint256 input, uint256 row, uint256 piece) private pure returns (bytes memory) {
    uint256 key = keyOf(input, row, piece);
    Piece[] memory pieces = self.pieces;
    for (uint256 k = 0; k < pieces.length; k++) {
      if (pieces[k].key == key) return pieces[k].values;
    }
    revert ElementMissing(input, row, piece);
  }
}
