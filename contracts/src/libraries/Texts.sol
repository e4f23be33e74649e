// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee } from "../interfaces/IReferee.sol";
import { Lengths } from "./Instructions.sol";

/// @notice One text of a computation. Texts are laid end to end: each feeds all its tokens but the last, a row each.
struct Text {
  /// Texts before it; as many tokens were not fed.
  uint256 number;
  /// Its first row, and the row behind its last.
  uint256 first;
  uint256 end;
  /// Tokens predicted before its own, and how many of its own, from its end.
  uint256 predicted;
  uint256 answer;
  /// Bits of a float32: by how much the loss of each counts.
  uint256 weight;
}

/// @notice What a computation is fed, as the places in the bytes of its inputs.
struct Texts {
  Text[] list;
  Lengths lengths;
  /// Byte of the first token.
  uint256 tokensAt;
  /// Byte of the first number beside the texts, and how many there are. 0 for an answer, whose text has no weight either.
  uint256 scalarsAt;
  uint256 scalars;
}

/// @title Reads what a computation is fed
/// @notice Every word is a uint32, big-endian. All reverts are IReferee.RefereeWrongInputs. What is read is written into `texts`,
/// which is empty.
library TextsOf {
  uint256 private constant WORD = 4;
  /// @dev Length of the answer, at least one token that is fed and one that is predicted.
  uint256 private constant LEAST_ANSWER = 3 * WORD;
  /// @dev How many texts, one text's three words, two tokens, how many scalars.
  uint256 private constant LEAST_UNIT = 7 * WORD;
  uint256 private constant SHAPE = 3 * WORD;

  /// @notice One text: length of the answer ‖ tokens of prompt and answer (inputsBytes in src/attribution/trace/step.ts).
  function answer(Texts memory texts, bytes calldata inputs, uint256 window) internal pure {
    _require(inputs.length >= LEAST_ANSWER && inputs.length % WORD == 0);
    texts.list = new Text[](1);
    texts.tokensAt = WORD;
    unchecked {
      _add(texts.lengths, texts.list[0], inputs.length / WORD - 1, _word(inputs, 0), window);
    }
  }

  /// @notice One text that is not there.
  function sized(Texts memory texts, uint256 tokens, uint256 predicted, uint256 window) internal pure {
    Text memory text;
    _add(texts.lengths, text, tokens, predicted, window);
  }

  /// @notice How many texts ‖ each text's tokens, answer, weight ‖ the tokens of all ‖ how many scalars ‖ scalars
  /// (unitInputsBytes in src/attribution/trace/unit.ts).
  function unit(Texts memory texts, bytes calldata inputs, uint256 window) internal pure {
    _require(inputs.length >= LEAST_UNIT);
    uint256 count = _word(inputs, 0);
    unchecked {
      // Nothing overflows: words are below 2^32, and as many as there are bytes.
      uint256 next = WORD + SHAPE * count;
      _require(count > 0 && next <= inputs.length);
      texts.tokensAt = next;
      Text[] memory list = new Text[](count);
      texts.list = list;
      next = WORD;
      for (uint256 k = 0; k < count; k++) {
        Text memory text = list[k];
        (text.number, text.weight) = (k, _word(inputs, next + 2 * WORD));
        _add(texts.lengths, text, _word(inputs, next), _word(inputs, next + WORD), window);
        next += SHAPE;
      }
      next += WORD * (texts.lengths.n + count + 1);
      _require(next <= inputs.length);
      (texts.scalarsAt, texts.scalars) = (next, _word(inputs, next - WORD));
      _require(inputs.length == next + WORD * texts.scalars);
    }
  }

  /// @dev A text of `tokens` tokens, of which the last `predicted` are predicted, behind those that `lengths` counts.
  function _add(Lengths memory lengths, Text memory text, uint256 tokens, uint256 predicted, uint256 window)
    private
    pure
  {
    _require(predicted > 0 && predicted < tokens);
    unchecked {
      uint256 fed = tokens - 1;
      (text.first, text.end) = (lengths.n, lengths.n + fed);
      (text.predicted, text.answer) = (lengths.m, predicted);
      (lengths.n, lengths.m) = (text.end, lengths.m + predicted);
      if (window != 0 && window < fed) fed = window;
      if (fed > lengths.w) lengths.w = fed;
    }
  }

  function _require(bool condition) private pure {
    if (!condition) revert IReferee.RefereeWrongInputs();
  }

  /// @dev Where the bytes were found to reach so far.
  function _word(bytes calldata inputs, uint256 place) private pure returns (uint256 word) {
    assembly ("memory-safe") {
      word := shr(224, calldataload(add(inputs.offset, place)))
    }
  }
}
