// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { FeeMath } from "../../src/libraries/FeeMath.sol";
import { Fee, Split } from "../../src/types/Fees.sol";
import { Test } from "../support/Test.sol";

contract FeeMathTest is Test {
  Split private _default = Split(1000, 2000, 2000, 5000);

  function test_knownAnswer() public view {
    // 13 tokens at 0.1 and 37 at 1 OPEN per 1,000: 0.0383 OPEN, plus 0.001.
    uint256 used = FeeMath.usage(13, 37, 0.1 ether, 1 ether);
    eq(used, 0.0383 ether, "usage");
    Fee memory fee = FeeMath.divide(used, 0.001 ether, _default);
    eq(fee.total, 0.0393 ether, "total");
    eq(fee.platform, 0.00483 ether, "platform");
    eq(fee.owner, 0.00766 ether, "owner");
    eq(fee.stakers, 0.00766 ether, "stakers");
    eq(fee.contributors, 0.01915 ether, "contributors");
  }

  function test_dustGoesToThePlatform() public view {
    Fee memory fee = FeeMath.divide(9, 0, _default);
    eq(fee.contributors, 4, "contributors");
    eq(fee.owner, 1, "owner");
    eq(fee.platform, 3, "platform");
  }

  function test_whatIsNotAllocatedIsTheStakers() public view {
    Fee memory fee = FeeMath.divide(1000, 7, _default);
    FeeMath.allocate(fee, 100);
    eq(fee.contributors, 100, "contributors");
    eq(fee.stakers, 600, "stakers");
    FeeMath.allocate(fee, 0);
    eq(fee.contributors, 0, "contributors");
    eq(fee.stakers, 700, "stakers");
    eq(fee.platform, 107, "platform");
  }

  function testFuzz_partsSumToTheTotal(uint128 used, uint64 platformFee, uint16 a, uint16 b, uint16 c, uint256 given)
    public
    pure
  {
    a = uint16(bound(a, 0, 10_000));
    b = uint16(bound(b, 0, 10_000 - a));
    c = uint16(bound(c, 0, 10_000 - a - b));
    Split memory split = Split(a, b, c, uint16(10_000 - a - b - c));
    FeeMath.requireWhole(split);
    Fee memory fee = FeeMath.divide(used, platformFee, split);
    eq(fee.platform + fee.owner + fee.stakers + fee.contributors, fee.total, "sum");
    eq(fee.total, uint256(used) + platformFee, "total");
    yes(fee.platform >= platformFee, "the platform has at least its fee");
    uint256 platformBefore = fee.platform;
    given = bound(given, 0, fee.contributors);
    FeeMath.allocate(fee, given);
    eq(fee.contributors, given, "allocated");
    eq(fee.platform, platformBefore, "the platform gains nothing from what is not allocated");
    eq(fee.platform + fee.owner + fee.stakers + fee.contributors, fee.total, "sum after allocating");
  }
}
