// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PayoutMath } from "../../src/libraries/PayoutMath.sol";
import { PayoutRule } from "../../src/types/Fees.sol";
import { Test } from "../support/Test.sol";

/// @notice One record's arithmetic; src/chain/payout-judge.test.ts compares whole answers with the app's, to the wei.
contract PayoutMathTest is Test {
  /// @dev Float32 bits of 1.
  uint32 private constant ONE = 0x3f800000;
  /// @dev 1 in the units of an answer whose greatest exponent is 1's.
  uint256 private constant UNIT = 1 << 80;

  function test_noiseMultiple() public pure {
    eq(PayoutMath.noiseMultiple(0, 2000), 2000, "no record");
    eq(PayoutMath.noiseMultiple(1, 2000), 2000, "one record");
    eq(PayoutMath.noiseMultiple(332, 2000), 4059, "332 records");
    eq(PayoutMath.noiseMultiple(1024, 2000), 4226, "1024 records");
    eq(PayoutMath.noiseMultiple(1025, 2000), 4387, "1025 records");
  }

  function test_evidence() public pure {
    // 5 with noise 1, top 129: units of 2^-78.
    (uint256 one, uint256 positive, uint256 negative) = PayoutMath.evidence(0x40a00000, ONE, 129, 1, 2000);
    eq(one, UNIT / 4, "noise");
    eq(positive, 3 * UNIT / 4, "three above");
    eq(negative, 0, "nothing against");
    (, positive, negative) = PayoutMath.evidence(0xc0a00000, ONE, 129, 1, 2000);
    eq(positive, 0, "harm is nothing for");
    eq(negative, 3 * UNIT / 4, "three against");
    (, positive, negative) = PayoutMath.evidence(0x40000000, ONE, 128, 1, 2000);
    eq(positive + negative, 0, "two standard deviations are noise");
    // The least score and noise beside the greatest: cut off, and rounded up.
    (one, positive,) = PayoutMath.evidence(1, 1, 254, 1, 2000);
    eq(one, 1, "noise is never nothing");
    eq(positive, 0, "a score may be");
    (one, positive,) = PayoutMath.evidence(0x7f7fffff, 0, 254, 1, 2000);
    eq(one, 0, "no noise");
    eq(positive, 0xffffff << 57, "the greatest score");
  }

  function test_topExponentAndCounts() public pure {
    eq(PayoutMath.topExponent(0, 0x80000000), 1, "at least 1");
    eq(PayoutMath.topExponent(0xc0a00000, ONE), 129, "of the score");
    eq(PayoutMath.topExponent(1, ONE), 127, "of the noise");
    yes(!PayoutMath.counts(0x80000000, 0), "zeros");
    yes(!PayoutMath.counts(0, 0x80000000), "with a sign too");
    yes(PayoutMath.counts(1, 0) && PayoutMath.counts(0, 1), "anything else");
  }

  function topOutside(uint32 score, uint32 noise) external pure returns (uint256) {
    return PayoutMath.topExponent(score, noise);
  }

  function test_whatIsNoNumberIsRefused() public {
    uint32[4] memory scores = [0x7f800000, 0xffc00000, ONE, ONE];
    uint32[4] memory noise = [ONE, ONE, 0x7fc00000, 0xbf800000];
    for (uint256 k = 0; k < 4; k++) {
      uint32 bits = k < 2 ? scores[k] : noise[k];
      vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutNotFinite.selector, bits));
      this.topOutside(scores[k], noise[k]);
    }
  }

  function reserveOf(uint256 allNoise, uint256 records, PayoutRule calldata rule) external pure returns (uint256) {
    return PayoutMath.reserve(allNoise, records, rule);
  }

  function grossOf(uint256 amount, uint256 positive, uint256 whole, PayoutRule calldata rule)
    external
    pure
    returns (uint256)
  {
    return PayoutMath.gross(amount, positive, whole, rule);
  }

  function readingOf(uint256 amount, uint256 read, PayoutRule calldata rule) external pure returns (uint256) {
    return PayoutMath.forReading(amount, read, rule);
  }

  function test_reserveGrossPaid() public view {
    PayoutRule memory rule = PayoutRule(2000, 1500, 5000, 2000);
    eq(this.reserveOf(10, 3, rule), 5, "15 / 3");
    eq(this.reserveOf(11, 3, rule), 6, "rounded up");
    eq(this.reserveOf(0, 0, rule), 0, "of no record");
    eq(this.grossOf(1000, 3, 10, rule), 300, "a part");
    eq(this.grossOf(1000, 9, 10, rule), 500, "the cap");
    eq(PayoutMath.paid(300, 300, 1000, 0, 10), 300, "nothing against");
    eq(PayoutMath.paid(300, 400, 1000, 1, 10), 225, "100 of 400 taken from all");
    eq(PayoutMath.paid(300, 400, 1000, 5, 10), 0, "more than all");
    eq(PayoutMath.paid(0, 0, 1000, 5, 0), 0, "nothing of nothing");
    eq(PayoutMath.weight(3, 2), 1, "a weight");
    eq(PayoutMath.weight(2, 3), 0, "none");
    eq(this.readingOf(999, 1, rule), 199, "a fifth, rounded down");
    eq(this.readingOf(999, 0, rule), 0, "nothing was read");
  }

  function testFuzz_readingSharesSumUp(uint128 amount, uint256 read) public pure {
    read = bound(read, 0, 16);
    uint256[] memory shares = PayoutMath.readingShares(amount, read);
    uint256 sum = 0;
    for (uint256 k = 0; k < read; k++) {
      sum += shares[k];
      yes(k == 0 || shares[k] <= shares[k - 1], "by rank");
    }
    eq(sum, read == 0 ? 0 : amount, "all of it");
  }

  function testFuzz_paidIsAtMostTheGross(uint64 part, uint64 rest, uint64 amount, uint64 negative, uint64 whole)
    public
    pure
  {
    vm.assume(whole > 0);
    uint256 all = uint256(part) + rest;
    yes(PayoutMath.paid(part, all, amount, negative, whole) <= part, "no more");
  }
}
