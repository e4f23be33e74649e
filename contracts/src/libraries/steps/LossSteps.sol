// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Cross entropy
/// @notice Operations 0x50 … 0x58 of src/attribution/trace/element.ts, by their names there.
library LossSteps {
  uint256 private constant STRIDE = 16;

  /// @dev What a cumulative sum must pass, or else equal.
  struct Goal {
    Float32 wanted;
    Float32 total;
  }

  /// @notice [R, B]: the greatest of each block.
  function maxBlocks(Element memory e) internal pure returns (Float32) {
    return Sums.greatest(e, Run(0, e.row, e.column * Sums.BLOCK), Sums.termsOf(e.column, e.columns(0)));
  }

  /// @notice [R, 1].
  function maxFold(Element memory e) internal pure returns (Float32) {
    return Sums.greatest(e, Run(0, e.row, 0), e.columns(0));
  }

  /// @notice Inputs logits, max[M,1].
  function lossExp(Element memory e) internal pure returns (Float32) {
    return RF32Functions.exp(e.get(0, e.row, e.column).sub(e.get(1, e.row, 0)));
  }

  /// @notice [R, B]: block sums.
  function sumBlocks(Element memory e) internal pure returns (Float32) {
    return RF32Sums.ofValues(e.run(0, e.row, e.column * Sums.BLOCK, Sums.termsOf(e.column, e.columns(0))));
  }

  /// @notice [R, 1]: 1 / Σ blocks.
  function inverseFold(Element memory e) internal pure returns (Float32) {
    return RF32Functions.div(RF32.ONE, Sums.fold(e, Run(0, e.row, 0), e.columns(0)));
  }

  /// @notice weight · (softmax − onehot), by the text's weight; of an answer LOSS_SCALE / M. Inputs lossExp, inverse[M,1].
  function lossGradient(Element memory e) internal pure returns (Float32) {
    return _gradient(e, e.target(e.row));
  }

  /// @notice The same of drawn tokens. Inputs as lossGradient, then the tokens [M,1] by their bits.
  function lossGradientDrawn(Element memory e) internal pure returns (Float32) {
    return _gradient(e, Float32.unwrap(e.get(2, e.row, 0)));
  }

  /// @notice [M, 1]: a token by its bits, drawn by scalar `row`, u: the first whose cumulative sum is above u · T, or is T, the
  /// sum of all (src/kernels/drawTargets/operation.ts); 0 where there is none. Inputs lossExp[M,V], sumBlocks[M,B]. It reads all
  /// blocks' sums and one block of exponentials: those are not below zero, so sums never decrease, and the first block whose end
  /// is enough holds the token.
  function drawTarget(Element memory e) internal pure returns (Float32) {
    bytes memory blocks = e.run(1, e.row, 0, e.columns(1));
    Goal memory goal;
    goal.total = Sums.chain(RF32.ZERO, blocks, 0, e.columns(1));
    goal.wanted = e.scalar(e.row).mul(goal.total);
    (uint256 b, Float32 before) = _reach(goal, RF32.ZERO, blocks);
    bytes memory exps = e.run(0, e.row, b * Sums.BLOCK, Sums.termsOf(b, e.columns(0)));
    (uint256 t,) = _reach(goal, before, exps);
    return 4 * t < exps.length ? Float32.wrap(uint32(b * Sums.BLOCK + t)) : RF32.ZERO;
  }

  function _gradient(Element memory e, uint256 target) private pure returns (Float32) {
    Float32 p = e.get(0, e.row, e.column).mul(e.get(1, e.row, 0));
    if (e.column == target) p = p.sub(RF32.ONE);
    return e.weight(e.row).mul(p);
  }

  /// @dev The first value with which `before` and the sum of all values up to it reach the goal, or their number.
  /// @return place of the value
  /// @return sum of those before it
  function _reach(Goal memory goal, Float32 before, bytes memory values)
    private
    pure
    returns (uint256 place, Float32 sum)
  {
    uint256 count = values.length / 4;
    // Stride by stride first, which sums in a third of the gas.
    while (place < count) {
      uint256 some = count - place < STRIDE ? count - place : STRIDE;
      Float32 next = Sums.chain(sum, values, place, some);
      if (_isReached(goal, before.add(next))) break;
      (place, sum) = (place + some, next);
    }
    for (; place < count; place++) {
      Float32 next = sum.add(RF32Sums.valueAt(values, place));
      if (_isReached(goal, before.add(next))) break;
      sum = next;
    }
  }

  function _isReached(Goal memory goal, Float32 cumulative) private pure returns (bool) {
    return goal.wanted.lessThan(cumulative)
      || (Float32.unwrap(cumulative) == Float32.unwrap(goal.total) && !cumulative.isNaN());
  }
}
