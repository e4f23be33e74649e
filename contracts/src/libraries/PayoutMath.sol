// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { PayoutRule } from "../types/Fees.sol";

/// @title The payout rule: what each record earns of one answer, in whole wei
/// @notice The same integers as `dividePayout` in src/protocol/payout-rule.ts; formulas and reasons in docs/payout.md.
/// @dev Linked, not inlined: whoever settles disputes calls it, and its code is on chain once.
library PayoutMath {
  /// @notice The three lists must be as long as each other, and at most MOST_RECORDS long.
  error PayoutLengths(uint256 scores, uint256 noise, uint256 contributors);
  /// @notice Bits of a float32 that is infinite or not a number, or of noise below zero.
  error PayoutNotFinite(uint256 index, uint32 bits);
  /// @notice Records must come grouped: contributors in ascending order.
  error PayoutNotAscending(uint256 index);
  /// @notice The amount must be below 2^128 wei.
  error PayoutTooMuch(uint256 amount);
  /// @notice As many records stand out from their noise as `standing`; those that are named are only `named` of them.
  error PayoutLeftOut(uint256 named, uint256 standing);

  struct Pot {
    uint256 amount;
    /// Most for one record, wei.
    uint256 cap;
    /// Reserve and all weights: a weight's part of it is its part of the amount.
    uint256 whole;
  }

  uint256 internal constant MOST_RECORDS = 2 ** 24;
  uint256 internal constant BASIS_POINTS = 10_000;
  /// @dev 2 ln 2 in millionths: what one doubling of the records adds to the square of the multiple.
  uint256 private constant PER_DOUBLING = 1_386_294;
  /// @dev Scores keep 57 bits below the last bit of the greatest, so a sum of 2^24 of them stays below 2^106.
  uint256 private constant SPARE_BITS = 57;

  /// @notice Wei for each record, in the order given; what they do not add up to returns to the pool.
  /// @param amount the contributors' part of the fee, wei
  /// @param scores float32 bits of each record's influence; positive helped
  /// @param noise float32 bits of that score's standard deviation where record and answer are unrelated
  /// @param contributors who committed each record first, ascending: the order of records changes nothing but this
  /// @param rule the rule's parameters, within the bounds that Settlement keeps
  function divide(
    uint256 amount,
    uint32[] memory scores,
    uint32[] memory noise,
    address[] memory contributors,
    PayoutRule memory rule
  ) external pure returns (uint256[] memory parts) {
    uint256 n = scores.length;
    if (noise.length != n || contributors.length != n || n > MOST_RECORDS) {
      revert PayoutLengths(n, noise.length, contributors.length);
    }
    if (amount >> 128 != 0) revert PayoutTooMuch(amount);
    if (n == 0) return new uint256[](0);
    (int256[] memory evidence, uint256 reserve,) = _evidence(scores, noise, rule, n);
    return _parts(amount, evidence, contributors, rule, reserve);
  }

  /// @notice As `divide`, of records that are most of them noise: wei for the records `which`, in their order. Those that are not
  /// among them get nothing.
  /// @param scores as in divide, of all records; a record with neither score nor noise is no part of the rule
  /// @param which different records, all of those among them that stand out from their noise
  /// @param contributors of those records, ascending
  function divideAmong(
    uint256 amount,
    uint32[] memory scores,
    uint32[] memory noise,
    uint256[] memory which,
    address[] memory contributors,
    PayoutRule memory rule
  ) external pure returns (uint256[] memory parts) {
    if (noise.length != scores.length || contributors.length != which.length || scores.length > MOST_RECORDS) {
      revert PayoutLengths(scores.length, noise.length, contributors.length);
    }
    if (amount >> 128 != 0) revert PayoutTooMuch(amount);
    uint256 counted = _counted(scores, noise);
    if (counted == 0) return new uint256[](which.length);
    (int256[] memory all, uint256 reserve, uint256 standing) = _evidence(scores, noise, rule, counted);
    int256[] memory evidence = new int256[](which.length);
    uint256 named = 0;
    for (uint256 k = 0; k < which.length; k++) {
      evidence[k] = all[which[k]];
      if (evidence[k] != 0) named++;
    }
    if (named != standing) revert PayoutLeftOut(named, standing);
    return _parts(amount, evidence, contributors, rule, reserve);
  }

  /// @notice √(z² + 2 ln 2 · ⌈log2 n⌉) in thousandths, rounded down.
  function noiseMultiple(uint256 records, uint256 nullMultiple) public pure returns (uint256) {
    uint256 doublings = records < 2 ? 0 : Math.log2(records - 1) + 1;
    return Math.sqrt(nullMultiple * nullMultiple + PER_DOUBLING * doublings);
  }

  /// @dev Wei of records with this evidence.
  function _parts(
    uint256 amount,
    int256[] memory evidence,
    address[] memory contributors,
    PayoutRule memory rule,
    uint256 reserve
  ) private pure returns (uint256[] memory parts) {
    parts = new uint256[](evidence.length);
    Pot memory pot = Pot(amount, amount * rule.clusterCap / BASIS_POINTS, reserve + _allWeights(evidence, contributors));
    for (uint256 first = 0; first < evidence.length;) {
      first = _payGroup(parts, evidence, contributors, first, pot);
    }
  }

  /// @dev Records with a score or noise; of either sign, zero is none.
  function _counted(uint32[] memory scores, uint32[] memory noise) private pure returns (uint256 counted) {
    unchecked {
      for (uint256 k = 0; k < scores.length; k++) {
        if ((scores[k] | noise[k]) << 1 != 0) counted++;
      }
    }
  }

  /// @dev Each score moved towards zero by its threshold, and the reserve, all in one unit, for a rule about n records; how many
  /// are not zero then.
  function _evidence(uint32[] memory scores, uint32[] memory noise, PayoutRule memory rule, uint256 n)
    private
    pure
    returns (int256[] memory evidence, uint256 reserve, uint256 standing)
  {
    uint256 top = _topExponent(scores, noise);
    uint256 multiple = noiseMultiple(n, rule.nullMultiple);
    uint256 allNoise = 0;
    evidence = new int256[](scores.length);
    // Values are below 2^82 and MOST_RECORDS of them at most, multiples below 2^15: nothing overflows. Checked, it costs twice as
    // much, and fewer records could be judged.
    unchecked {
      for (uint256 k = 0; k < evidence.length; k++) {
        uint256 score = scores[k];
        uint256 one = _integer(noise[k], top, true);
        allNoise += one;
        if (score << 225 == 0) continue;
        uint256 magnitude = _integer(score, top, false);
        uint256 threshold = (one * multiple + 999) / 1000;
        if (magnitude <= threshold) continue;
        int256 above = int256(magnitude - threshold);
        evidence[k] = score >> 31 == 0 ? above : -above;
        standing++;
      }
    }
    reserve = Math.ceilDiv(allNoise * rule.reserve, 1000 * n);
  }

  function _topExponent(uint32[] memory scores, uint32[] memory noise) private pure returns (uint256 top) {
    top = 1;
    unchecked {
      for (uint256 k = 0; k < scores.length; k++) {
        (uint256 score, uint256 one) = (scores[k], noise[k]);
        (uint256 ofScore, uint256 ofNoise) = ((score >> 23) & 0xff, (one >> 23) & 0xff);
        if (ofScore == 0xff) revert PayoutNotFinite(k, uint32(score));
        if (ofNoise == 0xff || one > 0x80000000) revert PayoutNotFinite(k, uint32(one));
        if (ofScore > top) top = ofScore;
        if (ofNoise > top) top = ofNoise;
      }
    }
  }

  /// @dev |value| of float32 bits in units of 2^(top − 150 − SPARE_BITS).
  function _integer(uint256 bits, uint256 top, bool up) private pure returns (uint256) {
    unchecked {
      // top is at least every exponent, and at least 1.
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

  function _allWeights(int256[] memory evidence, address[] memory contributors) private pure returns (uint256 sum) {
    uint256 first = 0;
    while (first < evidence.length) {
      if (first > 0 && contributors[first] <= contributors[first - 1]) revert PayoutNotAscending(first);
      uint256 weight;
      (first, weight,) = _group(evidence, contributors, first);
      sum += weight;
    }
  }

  /// @dev amount · evidence / whole for each record that helped, at most the cap; what the contributor's records that
  /// hurt have cost is taken from all of them in proportion.
  function _payGroup(
    uint256[] memory parts,
    int256[] memory evidence,
    address[] memory contributors,
    uint256 first,
    Pot memory pot
  ) private pure returns (uint256 end) {
    uint256 weight;
    uint256 positive;
    (end, weight, positive) = _group(evidence, contributors, first);
    if (weight == 0) return end;
    uint256 gross = 0;
    for (uint256 k = first; k < end; k++) {
      if (evidence[k] <= 0) continue;
      uint256 part = pot.amount * uint256(evidence[k]) / pot.whole;
      parts[k] = part < pot.cap ? part : pot.cap;
      gross += parts[k];
    }
    uint256 harm = Math.ceilDiv(pot.amount * (positive - weight), pot.whole);
    if (harm == 0) return end;
    uint256 net = gross > harm ? gross - harm : 0;
    for (uint256 k = first; k < end; k++) {
      if (parts[k] > 0) parts[k] = parts[k] * net / gross;
    }
  }

  /// @dev One contributor's records are first … end − 1; `weight` is their signed sum or 0, `positive` what is above 0.
  function _group(int256[] memory evidence, address[] memory contributors, uint256 first)
    private
    pure
    returns (uint256 end, uint256 weight, uint256 positive)
  {
    int256 sum = 0;
    for (end = first; end < evidence.length && contributors[end] == contributors[first]; end++) {
      sum += evidence[end];
      if (evidence[end] > 0) positive += uint256(evidence[end]);
    }
    if (sum > 0) weight = uint256(sum);
  }
}
