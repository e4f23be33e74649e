// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Instruction, Instructions, Lengths } from "../Instructions.sol";
import { Stretch } from "../Leaves.sol";
import { Float32 } from "../RF32.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";

/// @notice A proved leaf of an input.
struct Piece {
  uint256 input;
  Stretch stretch;
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

  /// @notice A value that the instruction reads stands in no opening, or does not exist.
  error ElementMissing(uint256 input, uint256 row, uint256 column);
  /// @notice The claim has no such token.
  error ElementNoToken(uint256 place);

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

  function rows(Element memory self, uint256 input) internal pure returns (uint256) {
    return self.instruction.input(input).rows;
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
    (Piece memory piece, uint256 place,) = _find(self, input, row, column);
    return RF32Sums.valueAt(piece.values, place);
  }

  /// @notice `count` values of a row from `column` on, packed as leaves are.
  function run(Element memory self, uint256 input, uint256 row, uint256 column, uint256 count)
    internal
    pure
    returns (bytes memory values)
  {
    values = new bytes(4 * count);
    for (uint256 done = 0; done < count;) {
      (Piece memory piece, uint256 place, uint256 some) = _find(self, input, row, column + done);
      if (some > count - done) some = count - done;
      bytes memory from = piece.values;
      assembly ("memory-safe") {
        mcopy(add(add(values, 0x20), shl(2, done)), add(add(from, 0x20), shl(2, place)), shl(2, some))
      }
      done += some;
    }
  }

  /// @return piece that holds the element
  /// @return place of the element in it
  /// @return rest of its row in it, from the element on
  function _find(Element memory self, uint256 input, uint256 row, uint256 column)
    private
    pure
    returns (Piece memory piece, uint256 place, uint256 rest)
  {
    Piece[] memory pieces = self.pieces;
    for (uint256 k = 0; k < pieces.length; k++) {
      piece = pieces[k];
      Stretch memory part = piece.stretch;
      unchecked {
        // Before the first is far beyond the last.
        (uint256 down, uint256 along) = (row - part.row, column - part.column);
        if (piece.input == input && down < part.rows && along < part.columns) {
          return (piece, down * part.columns + along, part.columns - along);
        }
      }
    }
    revert ElementMissing(input, row, column);
  }
}
