// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Root mean square norms
/// @notice Operations 0x30 … 0x35 of src/attribution/trace/element.ts, by their names there.
library NormSteps {
  /// @notice [R, B] of x[R,D]: block sums of squares.
  function squareBlocks(Element memory e) internal pure returns (Float32) {
    bytes memory x = e.run(0, e.row, e.column * Sums.BLOCK, Sums.termsOf(e.column, e.columns(0)));
    return RF32Sums.ofMultiplied(x, x);
  }

  /// @notice [R, 1]: 1/√(mean + eps) from the blocks. params 1/D, eps.
  function rmsScale(Element memory e) internal pure returns (Float32) {
    Float32 squares = Sums.fold(e, Run(0, e.row, 0), e.columns(0));
    return RF32Functions.rsqrt(squares.mul(e.constantParam(0)).add(e.constantParam(1)));
  }

  /// @notice x, r[R,1], w[1,D].
  function rmsNorm(Element memory e) internal pure returns (Float32) {
    return e.get(0, e.row, e.column).mul(e.get(1, e.row, 0)).mul(e.get(2, 0, e.column));
  }

  /// @notice [R, B]: block sums of dy · w · x. Inputs dy, x, w[1,D].
  function rmsDotBlocks(Element memory e) internal pure returns (Float32) {
    uint256 first = e.column * Sums.BLOCK;
    uint256 terms = Sums.termsOf(e.column, e.columns(0));
    bytes memory dy = e.run(0, e.row, first, terms);
    bytes memory w = e.run(2, 0, first, terms);
    for (uint256 t = 0; t < terms; t++) {
      RF32Sums.setValue(dy, t, RF32Sums.valueAt(dy, t).mul(RF32Sums.valueAt(w, t)));
    }
    return RF32Sums.ofMultiplied(dy, e.run(1, e.row, first, terms));
  }

  /// @notice [R, 1]: r³/D · Σ. Inputs blocks, r[R,1]; param 1/D.
  function rmsCoefficient(Element memory e) internal pure returns (Float32) {
    Float32 r = e.get(1, e.row, 0);
    Float32 sum = Sums.fold(e, Run(0, e.row, 0), e.columns(0));
    return r.mul(r).mul(r.mul(sum)).mul(e.constantParam(0));
  }

  /// @notice r (dy w) − c x. Inputs dy, x, w[1,D], r[R,1], c[R,1].
  function rmsGradient(Element memory e) internal pure returns (Float32) {
    Float32 dyw = e.get(0, e.row, e.column).mul(e.get(2, 0, e.column));
    Float32 along = e.get(4, e.row, 0).mul(e.get(1, e.row, e.column));
    return e.get(3, e.row, 0).mul(dyw).sub(along).store();
  }
}
