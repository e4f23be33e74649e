// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PayoutMath } from "../../src/libraries/PayoutMath.sol";
import { PayoutRule } from "../../src/types/Fees.sol";
import { Test } from "../support/Test.sol";

/// @notice Invariants over random answers; src/chain/parity.test.ts compares with the TypeScript rule to the wei.
contract PayoutMathTest is Test {
  uint256 private constant AMOUNT = 1_000_000;
  /// @dev Float32 bits of 1.
  uint32 private constant ONE = 0x3f800000;

  struct Answer {
    uint256 amount;
    uint32[] scores;
    uint32[] noise;
    address[] contributors;
    PayoutRule rule;
  }

  function _divide(Answer memory a) private pure returns (uint256[] memory) {
    return PayoutMath.divide(a.amount, a.scores, a.noise, a.contributors, a.rule);
  }

  function _sum(uint256[] memory parts) private pure returns (uint256 sum) {
    for (uint256 k = 0; k < parts.length; k++) {
      sum += parts[k];
    }
  }

  /// @dev Up to 12 records with noise near 1 and scores from far below it to far above, of up to 4 contributors.
  function _answer(uint256 seed) private pure returns (Answer memory a) {
    uint256 n = 1 + seed % 12;
    a = Answer({
      amount: uint128(uint256(keccak256(abi.encode(seed, "amount")))),
      scores: new uint32[](n),
      noise: new uint32[](n),
      contributors: new address[](n),
      rule: PayoutRule(uint16(1000 + seed % 9001), uint16(seed % 10_001), uint16(1000 + seed % 9001), uint16(seed % 5001))
    });
    for (uint256 k = 0; k < n; k++) {
      uint256 r = uint256(keccak256(abi.encode(seed, k)));
      // Any significand and sign, exponents from 2^-4 to 2^11.
      a.scores[k] = uint32(r & 0x807fffff) | uint32(123 + ((r >> 40) & 15)) << 23;
      a.noise[k] = uint32((r >> 64) & 0x7fffff) | uint32(126 + ((r >> 104) & 1)) << 23;
      a.contributors[k] = address(uint160(1 + k / 3));
    }
  }

  function _one(uint32 score, uint32 noise) private pure returns (Answer memory a) {
    a = Answer(AMOUNT, new uint32[](1), new uint32[](1), new address[](1), PayoutRule(2000, 1000, 10_000, 2000));
    (a.scores[0], a.noise[0], a.contributors[0]) = (score, noise, address(1));
  }

  function test_knownAnswers() public pure {
    // 5 with noise 1: evidence 3, reserve 1.
    eq(_divide(_one(0x40a00000, ONE))[0], 750_000, "three quarters");
    eq(_divide(_one(0x40000000, ONE))[0], 0, "two standard deviations are noise");
    eq(_divide(_one(0xc0a00000, ONE))[0], 0, "harm earns nothing");
    eq(_divide(_one(0, 0))[0], 0, "nothing");
    eq(_divide(_one(1, 0x80000000))[0], AMOUNT, "the least score without noise");
    eq(_divide(_one(0x7f7fffff, 1))[0], AMOUNT - 1, "the greatest score, the least noise");
    Answer memory a = _one(0x40a00000, ONE);
    a.rule.clusterCap = 5000;
    eq(_divide(a)[0], 500_000, "the cap");
    a.amount = type(uint128).max;
    eq(_divide(a)[0], type(uint128).max / uint256(2), "the greatest amount");
    (a.scores, a.noise, a.contributors) = (new uint32[](0), new uint32[](0), new address[](0));
    eq(_divide(a).length, 0, "no records");
    eq(PayoutMath.noiseMultiple(1, 2000), 2000, "one record");
    eq(PayoutMath.noiseMultiple(332, 2000), 4059, "332 records");
    eq(PayoutMath.noiseMultiple(1024, 2000), 4226, "1024 records");
    eq(PayoutMath.noiseMultiple(1025, 2000), 4387, "1025 records");
  }

  function divideOutside(Answer calldata a) external pure returns (uint256[] memory) {
    return PayoutMath.divide(a.amount, a.scores, a.noise, a.contributors, a.rule);
  }

  function test_whatCannotBeDividedIsRefused() public {
    Answer memory a = _one(0x7f800000, ONE);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutNotFinite.selector, 0, 0x7f800000));
    this.divideOutside(a);
    a = _one(ONE, 0x7fc00000);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutNotFinite.selector, 0, 0x7fc00000));
    this.divideOutside(a);
    a = _one(ONE, 0xbf800000);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutNotFinite.selector, 0, 0xbf800000));
    this.divideOutside(a);
    a = _one(ONE, ONE);
    a.amount = 2 ** 128;
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutTooMuch.selector, 2 ** 128));
    this.divideOutside(a);
    a.noise = new uint32[](2);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutLengths.selector, 1, 2, 1));
    this.divideOutside(a);
    a.scores = new uint32[](2);
    a.contributors = new address[](2);
    (a.contributors[0], a.contributors[1], a.amount) = (address(2), address(1), 1);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutNotAscending.selector, 1));
    this.divideOutside(a);
  }

  function divideAmongOutside(Answer memory a, uint256[] memory which, address[] memory contributors)
    external
    pure
    returns (uint256[] memory)
  {
    return PayoutMath.divideAmong(a.amount, a.scores, a.noise, which, contributors, a.rule);
  }

  /// @dev Who is named among those who stand out is paid as if all were named; one who is paid cannot be left out.
  function testFuzz_amongThoseWhoStandOut(uint256 seed) public {
    Answer memory a = _answer(seed);
    uint256 n = a.scores.length;
    uint256[] memory all = new uint256[](n);
    for (uint256 k = 0; k < n; k++) {
      all[k] = k;
    }
    uint256[] memory parts = _divide(a);
    uint256[] memory same = this.divideAmongOutside(a, all, a.contributors);
    uint256 paid = n;
    for (uint256 k = 0; k < n; k++) {
      eq(same[k], parts[k], "the same");
      if (parts[k] > 0) paid = k;
    }
    if (paid == n) return;
    uint256[] memory which = new uint256[](n - 1);
    address[] memory contributors = new address[](n - 1);
    for (uint256 k = 0; k + 1 < n; k++) {
      uint256 record = k < paid ? k : k + 1;
      (which[k], contributors[k]) = (record, a.contributors[record]);
    }
    vm.expectPartialRevert(PayoutMath.PayoutLeftOut.selector);
    this.divideAmongOutside(a, which, contributors);
  }

  function test_whatCannotBeDividedAmongSomeIsRefused() public {
    Answer memory a = _one(0, 0);
    uint256[] memory which = new uint256[](1);
    eq(this.divideAmongOutside(a, which, a.contributors)[0], 0, "nothing");
    a.amount = 2 ** 128;
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutTooMuch.selector, 2 ** 128));
    this.divideAmongOutside(a, which, a.contributors);
    vm.expectRevert(abi.encodeWithSelector(PayoutMath.PayoutLengths.selector, 1, 1, 1));
    this.divideAmongOutside(a, new uint256[](0), a.contributors);
  }

  function testFuzz_partsFitTheAmountAndTheCap(uint256 seed) public pure {
    Answer memory a = _answer(seed);
    uint256[] memory parts = _divide(a);
    yes(_sum(parts) <= a.amount, "no more than there is");
    uint256 cap = a.amount * a.rule.clusterCap / 10_000;
    for (uint256 k = 0; k < parts.length; k++) {
      yes(parts[k] <= cap, "cap");
      yes(parts[k] == 0 || a.scores[k] >> 31 == 0, "a record that hurts earns nothing");
    }
  }

  function testFuzz_theOrderOfRecordsDoesNotMatter(uint256 seed) public pure {
    Answer memory a = _answer(seed);
    uint256 n = a.scores.length;
    uint256[] memory parts = _divide(a);
    // Turned round within each contributor.
    uint256[] memory from = new uint256[](n);
    Answer memory b = _answer(seed);
    for (uint256 k = 0; k < n; k++) {
      uint256 first = k / 3 * 3;
      uint256 last = first + 2 < n ? first + 2 : n - 1;
      from[k] = first + last - k;
      (b.scores[k], b.noise[k]) = (a.scores[from[k]], a.noise[from[k]]);
    }
    uint256[] memory turned = _divide(b);
    for (uint256 k = 0; k < n; k++) {
      eq(turned[k], parts[from[k]], "the same part");
    }
    // Whose name comes first.
    for (uint256 k = 0; k < n; k++) {
      (b.scores[k], b.noise[k]) = (a.scores[n - 1 - k], a.noise[n - 1 - k]);
      b.contributors[k] = address(uint160(1000) - uint160(a.contributors[n - 1 - k]));
    }
    turned = _divide(b);
    for (uint256 k = 0; k < n; k++) {
      eq(turned[k], parts[n - 1 - k], "the same part under other names");
    }
  }

  /// @notice Where none of their records hurts, identities change nothing, to the wei.
  function testFuzz_splittingGainsNothing(uint256 seed) public pure {
    Answer memory a = _answer(seed);
    for (uint256 k = 0; k < a.scores.length; k++) {
      if (a.contributors[k] == address(2)) a.scores[k] &= 0x7fffffff;
    }
    uint256[] memory parts = _divide(a);
    for (uint256 k = 3; k < a.scores.length; k++) {
      a.contributors[k] = address(uint160(k < 6 ? 10 + k : 100 + k / 3));
    }
    uint256[] memory split = _divide(a);
    for (uint256 k = 0; k < parts.length; k++) {
      eq(split[k], parts[k], "the same part");
    }
  }

  /// @notice Nobody has to join others to be paid: together they never get more than apart (but for rounding).
  function testFuzz_mergingGainsNothing(uint256 seed) public pure {
    Answer memory a = _answer(seed);
    uint256 apart = _sum(_divide(a));
    for (uint256 k = 0; k < a.scores.length; k++) {
      a.contributors[k] = address(1);
    }
    yes(_sum(_divide(a)) <= apart + a.scores.length, "together");
  }
}
