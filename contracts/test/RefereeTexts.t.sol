// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IReferee } from "../src/interfaces/IReferee.sol";
import { Texts, TextsOf } from "../src/libraries/Texts.sol";
import { Float32 } from "../src/libraries/RF32.sol";
import { Element, Elements } from "../src/libraries/steps/Element.sol";
import { Test } from "./support/Test.sol";

contract TextsHarness {
  function unit(bytes calldata inputs, uint256 window) external pure returns (Texts memory texts) {
    TextsOf.unit(texts, inputs, window);
  }

  function answer(bytes calldata inputs, uint256 window) external pure returns (Texts memory texts) {
    TextsOf.answer(texts, inputs, window);
  }
}

/// @notice What a unit is fed, row by row, against the slow obvious form; and bytes that are no inputs.
contract RefereeTextsTest is Test {
  TextsHarness private _harness;
  bytes private _inputs;

  function setUp() public {
    _harness = new TextsHarness();
  }

  /// @dev Words of 4 bytes, big-endian.
  function _bytes(uint256[] memory words) private pure returns (bytes memory out) {
    out = new bytes(4 * words.length);
    for (uint256 k = 0; k < words.length; k++) {
      for (uint256 b = 0; b < 4; b++) {
        out[4 * k + b] = bytes1(uint8(words[k] >> (24 - 8 * b)));
      }
    }
  }

  /// @dev 1 to 5 texts of 2 to 7 tokens, up to 3 scalars. Tokens, weights and scalars are told from all others.
  function _random(uint256 seed) private pure returns (uint256[] memory words) {
    uint256 count = 1 + _draw(seed, 0, 5);
    uint256 scalars = _draw(seed, 1, 4);
    uint256 tokens;
    for (uint256 t = 0; t < count; t++) {
      tokens += 2 + _draw(seed, 2 + t, 6);
    }
    words = new uint256[](2 + 3 * count + tokens + scalars);
    words[0] = count;
    for (uint256 t = 0; t < count; t++) {
      words[1 + 3 * t] = 2 + _draw(seed, 2 + t, 6);
      words[2 + 3 * t] = 1 + _draw(seed, 20 + t, words[1 + 3 * t] - 1);
      words[3 + 3 * t] = 0x3f800000 + t;
    }
    uint256 next = 1 + 3 * count;
    for (uint256 k = 0; k < tokens; k++) {
      words[next + k] = 1000 + k;
    }
    words[next + tokens] = scalars;
    for (uint256 k = 0; k < scalars; k++) {
      words[next + tokens + 1 + k] = 0x40000000 + k;
    }
  }

  function _draw(uint256 seed, uint256 stream, uint256 below) private pure returns (uint256) {
    return uint256(keccak256(abi.encode(seed, stream))) % below;
  }

  function _element(bytes memory inputs, Texts memory texts) private pure returns (Element memory e) {
    (e.inputs, e.texts, e.instruction.lengths) = (inputs, texts, texts.lengths);
  }

  /// @dev Row, predicted token, word of the token, most tokens that one attends.
  struct Cursor {
    uint256 row;
    uint256 r;
    uint256 token;
    uint256 widest;
  }

  function testFuzz_everyRow(uint256 seed, uint256 window) public view {
    window = bound(window, 0, 8);
    uint256[] memory words = _random(seed);
    bytes memory inputs = _bytes(words);
    Element memory e = _element(inputs, _harness.unit(inputs, window));
    Cursor memory here;
    here.token = 1 + 3 * words[0];
    for (uint256 t = 0; t < words[0]; t++) {
      uint256 end = here.row + words[1 + 3 * t] - 1;
      uint256 first = here.row;
      while (here.row < end) {
        _attends(e, here, first, end, window);
        _predicts(e, here, words, t, end);
        eq(e.token(here.row), words[here.token], "token");
        (here.row, here.token) = (here.row + 1, here.token + 1);
      }
      here.token++;
    }
    eq(e.texts.lengths.n, here.row, "N");
    eq(e.texts.lengths.m, here.r, "M");
    eq(e.texts.lengths.w, here.widest, "W");
    eq(e.texts.scalars, words[here.token], "scalars");
    for (uint256 k = 0; k < words[here.token]; k++) {
      eq(Float32.unwrap(e.scalar(k)), words[here.token + 1 + k], "scalar");
    }
  }

  function _attends(Element memory e, Cursor memory here, uint256 first, uint256 end, uint256 window) private pure {
    uint256 row = here.row;
    uint256 place = row - first;
    uint256 reach = window == 0 || window > place + 1 ? place + 1 : window;
    if (reach > here.widest) here.widest = reach;
    eq(e.position(row), place, "position");
    eq(e.low(row), row + 1 - reach, "first attended");
    eq(e.attended(row), reach, "attended");
    eq(e.end(row), window == 0 || row + window > end ? end : row + window, "last attending");
  }

  function _predicts(Element memory e, Cursor memory here, uint256[] memory words, uint256 t, uint256 end)
    private
    pure
  {
    (bool predicts, uint256 which) = e.prediction(here.row);
    yes(predicts == (here.row + words[2 + 3 * t] >= end), "predicts");
    if (!predicts) return;
    eq(which, here.r, "prediction");
    eq(e.predicting(here.r), here.row, "predicting row");
    eq(e.target(here.r), words[here.token + 1], "target");
    eq(Float32.unwrap(e.weight(here.r)), words[3 + 3 * t], "weight");
    here.r++;
  }

  function testFuzz_anAnswerIsOneText(uint8 tokens, uint8 predicted, uint8 window) public view {
    tokens = uint8(bound(tokens, 2, 40));
    predicted = uint8(bound(predicted, 1, tokens - 1));
    uint256[] memory words = new uint256[](1 + tokens);
    words[0] = predicted;
    for (uint256 k = 0; k < tokens; k++) {
      words[1 + k] = 7 + k;
    }
    bytes memory inputs = _bytes(words);
    Element memory e = _element(inputs, _harness.answer(inputs, window));
    uint256 n = tokens - 1;
    eq(e.texts.lengths.n, n, "N");
    eq(e.texts.lengths.m, predicted, "M");
    eq(e.texts.lengths.w, window == 0 || window > n ? n : window, "W");
    eq(e.token(n - 1), 7 + n - 1, "last token fed");
    eq(e.target(predicted - 1), 7 + n, "last token predicted");
    eq(e.predicting(0), n - predicted, "first row that predicts");
    eq(e.position(n - 1), n - 1, "position");
    eq(e.texts.scalars, 0, "scalars");
  }

  function test_whatIsNotFed() public {
    bytes memory inputs = hex"0000000100000003000000013f800000" hex"000000070000000800000009" hex"0000000140000000";
    _inputs = inputs;
    eq(Float32.unwrap(this.scalarOf(0)), 0x40000000, "scalar");
    eq(this.tokenOf(1), 8, "token");
    eq(this.targetOf(0), 9, "target");
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoScalar.selector, uint256(1)));
    this.scalarOf(1);
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoToken.selector, uint256(2)));
    this.tokenOf(2);
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoToken.selector, uint256(1)));
    this.targetOf(1);
    vm.expectRevert(abi.encodeWithSelector(Elements.ElementNoToken.selector, type(uint256).max));
    this.tokenOf(type(uint256).max);
  }

  function _fed() private view returns (Element memory) {
    return _element(_inputs, _harness.unit(_inputs, 0));
  }

  function scalarOf(uint256 k) external view returns (Float32) {
    return _fed().scalar(k);
  }

  function tokenOf(uint256 i) external view returns (uint256) {
    return _fed().token(i);
  }

  function targetOf(uint256 r) external view returns (uint256) {
    return _fed().target(r);
  }

  /// @dev Slow and obvious.
  function _isWhole(bytes memory inputs) private pure returns (bool) {
    if (inputs.length % 4 != 0 || inputs.length < 4) return false;
    uint256 words = inputs.length / 4;
    uint256 count = _wordAt(inputs, 0);
    uint256 next = 1 + 3 * count;
    if (count == 0 || next >= words) return false;
    for (uint256 t = 0; t < count; t++) {
      (uint256 tokens, uint256 predicted) = (_wordAt(inputs, 1 + 3 * t), _wordAt(inputs, 2 + 3 * t));
      if (tokens < 2 || predicted == 0 || predicted > tokens - 1) return false;
      next += tokens;
    }
    return next < words && words == next + 1 + _wordAt(inputs, next);
  }

  function _wordAt(bytes memory inputs, uint256 k) private pure returns (uint256 word) {
    for (uint256 b = 0; b < 4; b++) {
      word = word << 8 | uint8(inputs[4 * k + b]);
    }
  }

  function _readsOnlyWhole(bytes memory inputs) private view {
    bool whole = _isWhole(inputs);
    try _harness.unit(inputs, 3) {
      yes(whole, "read, but not whole");
    } catch (bytes memory reason) {
      yes(!whole, "whole, but not read");
      eq(keccak256(reason), keccak256(abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector)), "reason");
    }
  }

  function testFuzz_oneWordOfInputsIsAnother(uint256 seed, uint256 place, uint32 word, bool small) public view {
    uint256[] memory words = _random(seed);
    words[bound(place, 0, words.length - 1)] = small ? word % 12 : word;
    _readsOnlyWhole(_bytes(words));
  }

  function testFuzz_inputsOfAnotherLength(uint256 seed, uint256 length) public view {
    bytes memory inputs = _bytes(_random(seed));
    length = bound(length, 0, inputs.length + 40);
    bytes memory other = new bytes(length);
    for (uint256 k = 0; k < length && k < inputs.length; k++) {
      other[k] = inputs[k];
    }
    _readsOnlyWhole(other);
  }

  function testFuzz_anyBytes(bytes calldata inputs) public view {
    _readsOnlyWhole(inputs);
  }

  function testFuzz_anySmallWords(uint256 seed, uint256 count) public view {
    count = bound(count, 0, 20);
    uint256[] memory words = new uint256[](count);
    for (uint256 k = 0; k < count; k++) {
      words[k] = _draw(seed, k, 4);
    }
    _readsOnlyWhole(_bytes(words));
  }

  function test_leastAndHugeInputs() public view {
    _readsOnlyWhole("");
    _readsOnlyWhole(hex"00000000");
    _readsOnlyWhole(new bytes(28));
    _readsOnlyWhole(hex"0000000100000002000000013f800000000000070000000800000000");
    _readsOnlyWhole(hex"ffffffff00000002000000013f800000000000070000000800000000");
    _readsOnlyWhole(hex"00000001ffffffff000000013f800000000000070000000800000000");
    _readsOnlyWhole(hex"0000000100000002000000013f8000000000000700000008ffffffff");
  }
}
