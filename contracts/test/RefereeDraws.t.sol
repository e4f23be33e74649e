// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { Element, Piece } from "../src/libraries/steps/Element.sol";
import { LossSteps } from "../src/libraries/steps/LossSteps.sol";
import { Sums } from "../src/libraries/steps/Sums.sol";
import { Stretch } from "../src/libraries/Leaves.sol";
import { Test } from "./support/Test.sol";

/// @notice Drawn labels against the slow obvious form: every cumulative sum in turn, as kernels/drawTargets has it.
contract RefereeDrawsTest is Test {
  function _values(uint256 seed, uint256 count, uint256 kinds) private pure returns (bytes memory values) {
    values = new bytes(4 * count);
    for (uint256 k = 0; k < count; k++) {
      uint256 word = uint256(keccak256(abi.encode(seed, k)));
      // Exponentials: 0 … 1, many of them 0, some so small that they round away.
      uint256 exponent = kinds == 0 ? 127 : 127 - ((word >> 32) % (kinds == 1 ? 4 : 40));
      uint256 bits = (exponent << 23) | (word & 0x7fffff);
      if (word >> 64 & 3 == 0) bits = 0;
      RF32Sums.setValue(values, k, Float32.wrap(uint32(bits)));
    }
  }

  function _blocks(bytes memory values) private pure returns (bytes memory blocks) {
    uint256 count = values.length / 4;
    blocks = new bytes(4 * ((count + 255) / 256));
    for (uint256 b = 0; b < blocks.length / 4; b++) {
      Float32 sum;
      for (uint256 t = 256 * b; t < count && t < 256 * (b + 1); t++) {
        sum = sum.add(RF32Sums.valueAt(values, t));
      }
      RF32Sums.setValue(blocks, b, sum);
    }
  }

  /// @dev As drawTargets has it.
  function _drawn(bytes memory values, bytes memory blocks, Float32 u) private pure returns (uint256) {
    Float32 total;
    for (uint256 b = 0; b < blocks.length / 4; b++) {
      total = total.add(RF32Sums.valueAt(blocks, b));
    }
    Float32 wanted = u.mul(total);
    (Float32 before, Float32 sum) = (RF32.ZERO, RF32.ZERO);
    for (uint256 t = 0; t < values.length / 4; t++) {
      if (t % 256 == 0) (before, sum) = (before.add(sum), RF32.ZERO);
      sum = sum.add(RF32Sums.valueAt(values, t));
      Float32 cumulative = before.add(sum);
      if (wanted.lessThan(cumulative) || Float32.unwrap(cumulative) == Float32.unwrap(total)) return t;
    }
    revert();
  }

  /// @dev The only row of exponentials and of their sums, and the only scalar.
  function _element(bytes memory values, bytes memory blocks, Float32 u) private pure returns (Element memory e) {
    (uint256 v, uint256 b) = (values.length / 4, blocks.length / 4);
    bytes memory size = abi.encodePacked(uint32(1), uint96(0));
    e.instruction.code = abi.encodePacked(
      uint8(0x57),
      size,
      size,
      uint8(0),
      uint8(2),
      abi.encodePacked(uint8(0), uint32(0), size, uint32(v), uint96(0)),
      abi.encodePacked(uint8(0), uint32(1), size, uint32(b), uint96(0))
    );
    (e.instruction.inputCount, e.instruction.spaces) = (2, 2);
    e.inputs = abi.encodePacked(Float32.unwrap(u));
    e.texts.scalars = 1;
    e.pieces = new Piece[](2);
    e.pieces[0] = Piece(0, Stretch(0, 1, 0, v), values);
    e.pieces[1] = Piece(1, Stretch(0, 1, 0, b), blocks);
  }

  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_asTheKernelDraws(uint256 seed, uint16 count, uint32 uniform, uint8 kind) public pure {
    count = uint16(bound(count, 1, 700));
    Float32 u = RF32.fromInt(int256(uint256(uniform >> 8))).scale2(-24);
    bytes memory values = _values(seed, count, kind % 3);
    bytes memory blocks = _blocks(values);
    Float32 token = LossSteps.drawTarget(_element(values, blocks, u));
    eq(Float32.unwrap(token), _drawn(values, blocks, u), "token");
  }

  /// @dev Exponentials 1, 2 and 1 at places 3, 299 and 599, all others 0.
  function _draw(uint32 u) private pure returns (uint256) {
    bytes memory values = new bytes(2800);
    RF32Sums.setValue(values, 3, RF32.ONE);
    RF32Sums.setValue(values, 299, Float32.wrap(0x40000000));
    RF32Sums.setValue(values, 599, RF32.ONE);
    return Float32.unwrap(LossSteps.drawTarget(_element(values, _blocks(values), Float32.wrap(u))));
  }

  function test_edges() public pure {
    eq(_draw(0), 3, "what has no chance is passed over");
    eq(_draw(0x3e7fffff), 3, "below a quarter");
    eq(_draw(0x3e800000), 299, "a quarter: the sum must be above");
    eq(_draw(0x3f3fffff), 299, "below three quarters");
    eq(_draw(0x3f400000), 599, "three quarters");
    eq(_draw(0x3f800000), 599, "1: the first that reaches the total, not what follows it");
    eq(_draw(0x40000000), 599, "above 1");
  }

  function test_sumsThatAreNotThoseOfTheNumbers() public pure {
    bytes memory values = new bytes(1200);
    bytes memory blocks = new bytes(8);
    RF32Sums.setValue(blocks, 1, RF32.ONE);
    eq(Float32.unwrap(LossSteps.drawTarget(_element(values, blocks, RF32.ZERO))), 0, "none in the block");
    RF32Sums.setValue(blocks, 0, Float32.wrap(0x7fc00000));
    eq(Float32.unwrap(LossSteps.drawTarget(_element(values, blocks, RF32.ZERO))), 0, "in no block");
  }

  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_chainsAreSumsInOrder(uint256 seed, uint16 count, uint16 first, bool odd) public pure {
    count = uint16(bound(count, 0, 600));
    first = uint16(bound(first, 0, count));
    bytes memory values = new bytes(4 * uint256(count));
    for (uint256 k = 0; k < count; k++) {
      uint256 word = uint256(keccak256(abi.encode(seed, k)));
      // Anything at all now and then: infinite, tiny, below zero.
      bool any = odd && word >> 32 & 63 == 0;
      uint256 exponent = 110 + (word >> 64) % 30;
      uint256 bits = any ? word : (word & 0x80000000) | (exponent << 23) | (word & 0x7fffff);
      RF32Sums.setValue(values, k, Float32.wrap(uint32(bits)));
    }
    Float32 sum = RF32.ONE;
    for (uint256 k = first; k < count; k++) {
      sum = sum.add(RF32Sums.valueAt(values, k));
    }
    eq(Float32.unwrap(Sums.chain(RF32.ONE, values, first, count - first)), Float32.unwrap(sum), "chain");
  }
}
