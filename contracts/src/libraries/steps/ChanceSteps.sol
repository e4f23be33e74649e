// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title The ledger's rows in four bits, and what scores would be by chance
/// @notice Operations 0x8c … 0x8e of src/attribution/trace/element-ledger.ts, by their names there. The unit's scalars are the
/// record of the first row, then the record of each draw, by their bits.
library ChanceSteps {
  /// @dev Columns that share one scale.
  uint256 private constant GROUP = 32;
  /// @dev 2^-42: a group whose greatest magnitude is below it is rounded to zeros.
  uint256 private constant LEAST = 0x2a800000;
  Float32 private constant MINUS_EIGHT = Float32.wrap(0xc1000000);
  Float32 private constant EIGHT_AND_A_HALF = Float32.wrap(0x41080000);

  /// @notice x rounded to four bits in groups of 32 columns: a whole number from −8 to 7 times the group's scale, which is a
  /// bfloat16 and turns the first value of greatest magnitude into −8.
  function quantised(Element memory e) internal pure returns (Float32) {
    uint256 first = e.column - e.column % GROUP;
    uint256 rest = e.columns(0) - first;
    bytes memory group = e.run(0, e.row, first, rest < GROUP ? rest : GROUP);
    Float32 extreme = _extreme(group);
    if (_magnitude(extreme) < LEAST) return RF32.ZERO;
    Float32 scale = _bfloat16(RF32Functions.div(extreme, MINUS_EIGHT));
    Float32 steps = RF32Sums.valueAt(group, e.column - first).mul(RF32Functions.div(RF32.ONE, scale));
    int256 code = steps.add(EIGHT_AND_A_HALF).floor();
    code = code < 0 ? int256(0) : code > 15 ? int256(15) : code;
    return RF32.fromInt(code - 8).mul(scale);
  }

  /// @notice [R, D]: p²/s of the draws that count. Inputs p[R,D], s[1,D]; param: the first draw.
  function chanceTerm(Element memory e) internal pure returns (Float32) {
    Float32 square = e.get(1, 0, e.column);
    if (!_counts(e, e.param(0) + e.column, square)) return RF32.ZERO;
    Float32 p = e.get(0, e.row, e.column);
    return RF32Functions.div(p.mul(p), square);
  }

  /// @notice [R, 1]: √ of the mean of the terms that count. Inputs terms[R,Q], s[1,Q].
  function chanceDeviation(Element memory e) internal pure returns (Float32) {
    uint256 draws = e.columns(0);
    bytes memory squares = e.run(1, 0, 0, draws);
    uint256 others;
    for (uint256 t = 0; t < draws; t++) {
      if (_counts(e, t, RF32Sums.valueAt(squares, t))) others++;
    }
    if (others == 0) return RF32.ZERO;
    Float32 total = Sums.ofValues(e, Run(0, e.row, 0), draws).store();
    return RF32Functions.sqrt(RF32Functions.div(total, RF32.fromInt(int256(others))));
  }

  /// @dev Whether a draw is another record's than the row's, and of squared length above 0.
  function _counts(Element memory e, uint256 draw, Float32 square) private pure returns (bool) {
    uint256 record = uint256(Float32.unwrap(e.scalar(0))) + e.row;
    return Float32.unwrap(e.scalar(1 + draw)) != record && RF32.ZERO.lessThan(square);
  }

  function _extreme(bytes memory group) private pure returns (Float32 extreme) {
    for (uint256 k = 0; k < group.length / 4; k++) {
      Float32 value = RF32Sums.valueAt(group, k);
      if (_magnitude(value) > _magnitude(extreme)) extreme = value;
    }
  }

  /// @dev The nearest number whose last 16 bits are 0, ties to even.
  function _bfloat16(Float32 x) private pure returns (Float32) {
    uint256 bits = Float32.unwrap(x);
    return Float32.wrap(uint32((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000));
  }

  function _magnitude(Float32 x) private pure returns (uint256) {
    return Float32.unwrap(x) & RF32.MAGNITUDE;
  }
}
