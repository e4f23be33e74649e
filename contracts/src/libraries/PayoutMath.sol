// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { PayoutRule } from "../types/Fees.sol";

/// @title The payout rule, record by record: what each earns of one answer, in whole wei
/// @notice The same integers as `describePayout` in src/protocol/payout-rule.ts; formulas and reasons in docs/payout.md. Scores
/// are float32 bits of a record's influence, positive helped; noise those of its standard deviation where record and
/// answer are unrelated. Amounts are below 2^128.
library PayoutMath {
  /// @notice Bits of a float32 that is infinite or not a number, or of noise below zero.
  error PayoutNotFinite(uint32 bits);

  uint256 internal constant BASIS_POINTS = 10_000;
  /// @dev 2 ln 2 in millionths: what one doubling of the records adds to the square of the multiple.
  uint256 private constant PER_DOUBLING = 1_386_294;
  /// @dev Scores keep 57 bits below the last bit of the greatest, so that of 2^32 of them any sum stays below 2^114.
  uint256 private constant SPARE_BITS = 57;
  /// @dev The least number that 1 … 16 divide: weight of the record read at rank r is WHOLE / r.
  uint256 private constant WHOLE = 720_720;

  /// @notice The greater exponent field of the two, at least 1.
  function topExponent(uint32 score, uint32 noise) internal pure returns (uint256) {
    uint256 ofScore = (score >> 23) & 0xff;
    uint256 ofNoise = (noise >> 23) & 0xff;
    if (ofScore == 0xff) revert PayoutNotFinite(score);
    if (ofNoise == 0xff || noise > 0x80000000) revert PayoutNotFinite(noise);
    return Math.max(1, Math.max(ofScore, ofNoise));
  }

  /// @notice Whether a record is part of the rule. Of either sign, zero is none.
  function counts(uint32 score, uint32 noise) internal pure returns (bool) {
    return (score | noise) << 1 != 0;
  }

  /// @notice √(z² + 2 ln 2 · ⌈log2 n⌉) in thousandths, rounded down.
  function noiseMultiple(uint256 records, uint256 nullMultiple) internal pure returns (uint256) {
    uint256 doublings = records < 2 ? 0 : Math.log2(records - 1) + 1;
    return Math.sqrt(nullMultiple * nullMultiple + PER_DOUBLING * doublings);
  }

  /// @notice The score moved towards zero by what noise could have made of it, for a rule about `records` records, of which `top`
  /// is the greatest exponent; and the noise. Units of 2^(top − 150 − SPARE_BITS).
  function evidence(uint32 score, uint32 noise, uint256 top, uint256 records, uint256 nullMultiple)
    internal
    pure
    returns (uint256 one, uint256 positive, uint256 negative)
  {
    one = _integer(noise, top, true);
    uint256 magnitude = _integer(score, top, false);
    uint256 threshold = Math.ceilDiv(one * noiseMultiple(records, nullMultiple), 1000);
    if (magnitude <= threshold) return (one, 0, 0);
    if (score >> 31 == 0) positive = magnitude - threshold;
    else negative = magnitude - threshold;
  }

  /// @notice What the pool keeps back beside all weights, in units of evidence.
  function reserve(uint256 allNoise, uint256 records, PayoutRule memory rule) internal pure returns (uint256) {
    return records == 0 ? 0 : Math.ceilDiv(allNoise * rule.reserve, 1000 * records);
  }

  /// @notice Of a contributor whose records' evidence sums to these: none where they hurt as much as they helped.
  function weight(uint256 positive, uint256 negative) internal pure returns (uint256) {
    return positive > negative ? positive - negative : 0;
  }

  /// @notice Wei of one record that helped, before its contributor's others are charged to it.
  /// @param whole reserve and all weights: a weight's part of it is its part of the amount
  function gross(uint256 amount, uint256 positive, uint256 whole, PayoutRule memory rule)
    internal
    pure
    returns (uint256)
  {
    return Math.min(amount * rule.clusterCap / BASIS_POINTS, amount * positive / whole);
  }

  /// @notice The same when what the contributor's records that hurt have cost is taken from all that helped in proportion.
  /// @param allGross sum of the contributor's
  function paid(uint256 part, uint256 allGross, uint256 amount, uint256 negative, uint256 whole)
    internal
    pure
    returns (uint256)
  {
    if (part == 0) return 0;
    uint256 harm = Math.ceilDiv(amount * negative, whole);
    return allGross > harm ? part * (allGross - harm) / allGross : 0;
  }

  /// @notice The part of the amount for records that were read.
  function forReading(uint256 amount, uint256 read, PayoutRule memory rule) internal pure returns (uint256) {
    return read == 0 ? 0 : amount * rule.retrievalPart / BASIS_POINTS;
  }

  /// @notice Wei of each of `read` records, at most 16, by 1 / rank: each rounded down, the dust to the first.
  /// retrievalShares() in src/protocol/retrieval-share.ts.
  function readingShares(uint256 amount, uint256 read) internal pure returns (uint256[] memory shares) {
    shares = new uint256[](read);
    if (read == 0) return shares;
    uint256 sum = 0;
    for (uint256 k = 0; k < read; k++) {
      sum += WHOLE / (k + 1);
    }
    uint256 left = amount;
    for (uint256 k = 0; k < read; k++) {
      shares[k] = amount * (WHOLE / (k + 1)) / sum;
      left -= shares[k];
    }
    shares[0] += left;
  }

  /// @dev |value| of float32 bits in units of 2^(top − 150 − SPARE_BITS). top is at least its exponent, and at least 1.
  function _integer(uint256 bits, uint256 top, bool up) private pure returns (uint256) {
    uint256 exponent = (bits >> 23) & 0xff;
    uint256 significand = bits & 0x7fffff;
    if (exponent == 0) exponent = 1;
    else significand |= 0x800000;
    uint256 below = top - exponent;
    if (below <= SPARE_BITS) return significand << (SPARE_BITS - below);
    below -= SPARE_BITS;
    uint256 down = significand >> below;
    return up && down << below != significand ? down + 1 : down;
  }
}
