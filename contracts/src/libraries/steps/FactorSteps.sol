// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title The curvature's factor and the systems solved with it, a tile at a time
/// @notice Operations 0x86 … 0x8a of src/attribution/trace/element-ledger.ts, by their names there. Matrices that an operation
/// makes itself are its last input.
library FactorSteps {
  /// @dev 2^-20: a pivot that is not above this part of its diagonal element counts as 0 (PIVOT_FLOOR in src/kernels/cholesky).
  Float32 private constant PIVOT_FLOOR = Float32.wrap(0x35800000);

  /// @notice x + shift on the diagonal. param shift.
  function addDiagonal(Element memory e) internal pure returns (Float32) {
    Float32 x = e.get(0, e.row, e.column);
    return e.row == e.column ? x.add(e.constantParam(0)).store() : x;
  }

  /// @notice before[R,C] − a[R,K] · b[C,K]ᵀ.
  function tileUpdate(Element memory e) internal pure returns (Float32) {
    Float32 taken = Sums.ofProducts(e, Run(1, e.row, 0), Run(2, e.column, 0), e.columns(1)).store();
    return e.get(0, e.row, e.column).sub(taken).store();
  }

  /// @notice L, L Lᵀ = A. Inputs A, the same before anything was taken from it, L itself.
  function choleskyBlock(Element memory e) internal pure returns (Float32) {
    if (e.column > e.row) return RF32.ZERO;
    if (e.column < e.row) {
      Float32 pivot = e.get(2, e.column, e.column);
      return _isZero(pivot) ? RF32.ZERO : RF32Functions.div(_rest(e, 2, 2), pivot);
    }
    Float32 rest = _rest(e, 2, 2);
    Float32 whole = RF32.max(RF32.ZERO, e.get(1, e.row, e.row));
    return whole.mul(PIVOT_FLOOR).lessThan(rest) ? RF32Functions.sqrt(rest) : RF32.ZERO;
  }

  /// @notice x, x Lᵀ = B. Inputs B, L, x itself.
  function solveRows(Element memory e) internal pure returns (Float32) {
    Float32 pivot = e.get(1, e.column, e.column);
    return _isZero(pivot) ? RF32.ZERO : RF32Functions.div(_rest(e, 2, 1), pivot);
  }

  /// @notice x, x L = B, from the last column back. Inputs B, L, x itself.
  function solveRowsBack(Element memory e) internal pure returns (Float32) {
    Float32 pivot = e.get(1, e.column, e.column);
    if (_isZero(pivot)) return RF32.ZERO;
    uint256 last = e.instruction.columns - 1;
    uint256 count = last - e.column;
    (bytes memory x, bytes memory l) = (new bytes(4 * count), new bytes(4 * count));
    for (uint256 k = 0; k < count; k++) {
      RF32Sums.setValue(x, k, e.get(2, e.row, last - k));
      RF32Sums.setValue(l, k, e.get(1, last - k, e.column));
    }
    Float32 rest = e.get(0, e.row, e.column).sub(RF32Sums.ofProducts(x, l)).store();
    return RF32Functions.div(rest, pivot);
  }

  /// @dev What is left of the first input's element: less the products of the columns before it, of its own row of one input
  /// with row `column` of another.
  function _rest(Element memory e, uint256 own, uint256 other) private pure returns (Float32) {
    Float32 taken = Sums.ofProducts(e, Run(own, e.row, 0), Run(other, e.column, 0), e.column);
    return e.get(0, e.row, e.column).sub(taken).store();
  }

  function _isZero(Float32 x) private pure returns (bool) {
    return Float32.unwrap(x) & RF32.MAGNITUDE == 0;
  }
}
