// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Cross entropy
/// @notice Operations 0x50 … 0x55 of src/attribution/trace/element.ts, by their names there.
library LossSteps {
  /// @dev Losses are scaled by 2^10 (LOSS_SCALE in src/attribution/record-gradients.ts).
  int256 private constant LOSS_SCALE_EXPONENT = 10;

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

  /// @notice (scale / M) · (softmax − onehot). Inputs lossExp, inverse[M,1].
  function lossGradient(Element memory e) internal pure returns (Float32) {
    (uint256 n, uint256 m) = (e.lengths().n, e.lengths().m);
    Float32 p = e.get(0, e.row, e.column).mul(e.get(1, e.row, 0));
    if (e.column == e.token(n - m + e.row + 1)) p = p.sub(RF32.ONE);
    // A power of two times the rounded 1/M is the rounded quotient.
    return RF32.inverse(m).scale2(LOSS_SCALE_EXPONENT).mul(p);
  }
}
