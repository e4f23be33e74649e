// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Instruction, Instructions } from "../Instructions.sol";
import { Stretch } from "../Leaves.sol";
import { Float32, RF32 } from "../RF32.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Text, Texts } from "../Texts.sol";

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
  /// What stands where in them.
  Texts texts;
  uint256 row;
  uint256 column;
  Piece[] pieces;
}

using Elements for Element global;

/// @title Reading what an element is computed from
/// @notice Inputs and parameters are numbered as in src/attribution/trace/element.ts.
library Elements {
  using Instructions for Instruction;

  /// @dev Losses are scaled by 2^10 (LOSS_SCALE in src/attribution/record-gradients.ts).
  int256 private constant LOSS_SCALE_EXPONENT = 10;

  /// @notice A value that the instruction reads stands in no opening, or does not exist.
  error ElementMissing(uint256 input, uint256 row, uint256 column);
  /// @notice No token is fed there, or none is predicted.
  error ElementNoToken(uint256 place);
  /// @notice The unit is not fed so many numbers beside its texts.
  error ElementNoScalar(uint256 place);

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

  /// @notice The token that is fed in row i.
  function token(Element memory self, uint256 i) internal pure returns (uint256) {
    return _word(self, self.texts.tokensAt, i + _of(self, i).number);
  }

  /// @notice The row that predicts token r of those that are predicted.
  function predicting(Element memory self, uint256 r) internal pure returns (uint256) {
    Text memory text = _predicted(self, r);
    unchecked {
      return text.end - text.answer + r - text.predicted;
    }
  }

  /// @notice Token r of those that are predicted.
  function target(Element memory self, uint256 r) internal pure returns (uint256) {
    return _word(self, self.texts.tokensAt, predicting(self, r) + 1 + _predicted(self, r).number);
  }

  /// @notice By how much the loss of predicted token r counts; of an answer LOSS_SCALE / M.
  function weight(Element memory self, uint256 r) internal pure returns (Float32) {
    // A power of two times the rounded 1/M is the rounded quotient.
    return self.texts.scalarsAt == 0
      ? RF32.inverse(self.instruction.lengths.m).scale2(LOSS_SCALE_EXPONENT)
      : Float32.wrap(uint32(_predicted(self, r).weight));
  }

  /// @notice Number k that a unit is fed beside its texts.
  function scalar(Element memory self, uint256 k) internal pure returns (Float32) {
    if (k >= self.texts.scalars) revert ElementNoScalar(k);
    return Float32.wrap(uint32(_word(self, self.texts.scalarsAt, k)));
  }

  /// @notice Which token row i predicts of those that are predicted, if any.
  function prediction(Element memory self, uint256 i) internal pure returns (bool predicts, uint256 r) {
    Text memory text = _of(self, i);
    unchecked {
      uint256 first = text.end - text.answer;
      if (i >= first) (predicts, r) = (true, text.predicted + i - first);
    }
  }

  /// @notice Place of row i in its text.
  function position(Element memory self, uint256 i) internal pure returns (uint256) {
    return i - _of(self, i).first;
  }

  /// @notice First row that row i attends.
  function low(Element memory self, uint256 i) internal pure returns (uint256) {
    (uint256 first, uint256 w) = (_of(self, i).first, self.instruction.lengths.w);
    unchecked {
      return i + 1 > first + w ? i + 1 - w : first;
    }
  }

  /// @notice The row behind the last that attends row i.
  function end(Element memory self, uint256 i) internal pure returns (uint256) {
    (uint256 last, uint256 w) = (_of(self, i).end, self.instruction.lengths.w);
    unchecked {
      return i + w < last ? i + w : last;
    }
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

  /// @dev The text that row i belongs to. They are few: one after the other.
  function _of(Element memory self, uint256 i) private pure returns (Text memory) {
    Text[] memory list = self.texts.list;
    for (uint256 k = 0; k < list.length; k++) {
      Text memory text = list[k];
      if (i < text.end) return text;
    }
    revert ElementNoToken(i);
  }

  /// @dev The text that predicted token r belongs to.
  function _predicted(Element memory self, uint256 r) private pure returns (Text memory) {
    Text[] memory list = self.texts.list;
    for (uint256 k = 0; k < list.length; k++) {
      Text memory text = list[k];
      if (r < text.predicted + text.answer) return text;
    }
    revert ElementNoToken(r);
  }

  /// @dev Word k of the inputs from byte `from` on. That they have it was found when they were read.
  function _word(Element memory self, uint256 from, uint256 k) private pure returns (uint256 word) {
    bytes memory inputs = self.inputs;
    assembly ("memory-safe") {
      word := shr(224, mload(add(add(inputs, 0x20), add(from, shl(2, k)))))
    }
  }
}
