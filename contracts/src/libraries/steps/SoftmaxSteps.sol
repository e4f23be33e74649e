// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Softmax of attention, row by row
/// @notice Operations 0x40 … 0x45 of src/attribution/trace/element.ts, by their names there. Row token · H + head of a matrix of
/// scores is one head's; column c is the c-th token that it attends. param H, then the scores' scale where one is needed.
library SoftmaxSteps {
  /// @notice [N, H] of scores[N·H,W].
  function softmaxMax(Element memory e) internal pure returns (Float32 most) {
    Float32 scale = e.constantParam(1);
    uint256 count = e.attended(e.row);
    bytes memory scores = e.run(0, _scoresRow(e), 0, count);
    most = RF32Sums.valueAt(scores, 0).mul(scale);
    for (uint256 c = 1; c < count; c++) {
      most = RF32.max(most, RF32Sums.valueAt(scores, c).mul(scale));
    }
  }

  /// @notice [N·H, W]. Inputs scores, max.
  function softmaxExp(Element memory e) internal pure returns (Float32) {
    (uint256 token, uint256 head) = _tokenAndHead(e);
    if (e.column >= e.attended(token)) return RF32.ZERO;
    return RF32Functions.exp(e.get(0, e.row, e.column).mul(e.constantParam(1)).sub(e.get(1, token, head)));
  }

  /// @notice [N, H] of softmaxExp.
  function softmaxInverse(Element memory e) internal pure returns (Float32) {
    return RF32Functions.div(RF32.ONE, Sums.ofValues(e, Run(0, _scoresRow(e), 0), e.attended(e.row)));
  }

  /// @notice Inputs softmaxExp, softmaxInverse.
  function softmax(Element memory e) internal pure returns (Float32) {
    (uint256 token, uint256 head) = _tokenAndHead(e);
    return e.get(0, e.row, e.column).mul(e.get(1, token, head));
  }

  /// @notice [N, H]: Σ p · dp.
  function softmaxDot(Element memory e) internal pure returns (Float32) {
    return Sums.ofMultiplied(e, Run(0, _scoresRow(e), 0), Run(1, _scoresRow(e), 0), e.attended(e.row));
  }

  /// @notice Inputs p, dp, softmaxDot.
  function softmaxGradient(Element memory e) internal pure returns (Float32) {
    (uint256 token, uint256 head) = _tokenAndHead(e);
    if (e.column >= e.attended(token)) return RF32.ZERO;
    Float32 above = e.get(1, e.row, e.column).sub(e.get(2, token, head));
    return e.get(0, e.row, e.column).mul(above).mul(e.constantParam(1));
  }

  function _scoresRow(Element memory e) private pure returns (uint256) {
    return e.row * e.param(0) + e.column;
  }

  function _tokenAndHead(Element memory e) private pure returns (uint256, uint256) {
    uint256 heads = e.param(0);
    return (e.row / heads, e.row % heads);
  }
}
