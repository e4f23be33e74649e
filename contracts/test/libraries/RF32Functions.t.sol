// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Functions } from "../../src/libraries/rf32/RF32Functions.sol";
import { Test } from "../support/Test.sol";

/// @notice Exact points, domains and identities; the bits are held to TypeScript's in src/chain/rf32-parity.test.ts.
contract RF32FunctionsTest is Test {
  uint32 private constant OUT = 0x59000000;
  uint32 private constant NOT_A_NUMBER = 0x7fc00000;

  function _f(uint32 bits) private pure returns (Float32) {
    return Float32.wrap(bits);
  }

  function _eq(Float32 got, uint32 wanted, string memory what) private pure {
    eq(Float32.unwrap(got), wanted, what);
  }

  /// @dev How many float32 lie between two of the same sign.
  function _places(Float32 a, Float32 b) private pure returns (uint256) {
    (uint256 x, uint256 y) = (Float32.unwrap(a), Float32.unwrap(b));
    return x > y ? x - y : y - x;
  }

  function _within(uint32 bits, uint256 least, uint256 most) private pure returns (Float32) {
    return _f(uint32((bits & 0x7fffff) | ((least + (bits >> 23) % (most - least + 1)) << 23)));
  }

  function test_exactPoints() public pure {
    Float32 one = RF32.ONE;
    _eq(RF32Functions.exp(_f(0)), 0x3f800000, "e^0");
    _eq(RF32Functions.exp(one), 0x402df854, "e");
    _eq(RF32Functions.log(one), 0, "ln 1");
    _eq(RF32Functions.sigmoid(_f(0)), 0x3f000000, "1/2");
    _eq(RF32Functions.sqrt(_f(0)), 0, "the root of 0");
    _eq(RF32Functions.div(_f(0), one), 0, "0 / 1");
    _eq(RF32Functions.div(_f(0), one.negate()), 0, "0 / -1 is +0");
    for (int256 n = -40; n <= 40; n++) {
      eq(Float32.unwrap(RF32Functions.div(one, one.scale2(n))), Float32.unwrap(one.scale2(-n)), "powers of two");
    }
  }

  function test_outsideTheirDomains() public pure {
    Float32 minus = RF32.ONE.negate();
    _eq(RF32Functions.exp(_f(0x420c0001)), OUT, "e^x above 35");
    _eq(RF32Functions.exp(_f(0xc28a0001)), 0, "e^x below -69");
    _eq(RF32Functions.div(minus, _f(0)), OUT, "-1 / 0");
    _eq(RF32Functions.rsqrt(_f(0)), OUT, "1 / root of 0");
    _eq(RF32Functions.rsqrt(minus), OUT, "1 / root of -1");
    _eq(RF32Functions.log(_f(0)), OUT | 0x80000000, "ln 0");
    _eq(RF32Functions.log(minus), OUT | 0x80000000, "ln -1");
    _eq(RF32Functions.sqrt(minus), 0, "root of -1");
    eq(
      Float32.unwrap(RF32Functions.sigmoid(_f(0xc20c0000))), Float32.unwrap(RF32Functions.exp(_f(0xc20c0000))), "e^-35"
    );
  }

  function test_noNumberGivesNone() public pure {
    Float32 nan = _f(0xffc00001);
    _eq(RF32Functions.exp(nan), NOT_A_NUMBER, "exp");
    _eq(RF32Functions.log(nan), NOT_A_NUMBER, "log");
    _eq(RF32Functions.rsqrt(nan), NOT_A_NUMBER, "rsqrt");
    _eq(RF32Functions.sigmoid(nan), NOT_A_NUMBER, "sigmoid");
    _eq(RF32Functions.div(nan, RF32.ONE), NOT_A_NUMBER, "NaN / 1");
    _eq(RF32Functions.div(RF32.ONE, nan), NOT_A_NUMBER, "1 / NaN");
    _eq(RF32Functions.sqrt(nan), 0, "sqrt, as in TypeScript");
  }

  /// @notice No bits make a function revert: whoever judges a step always gets an answer.
  function testFuzz_everyArgumentHasAnAnswer(uint32 x, uint32 y) public pure {
    (Float32 a, Float32 b) = (_f(x), _f(y));
    RF32Functions.exp(a);
    RF32Functions.log(a);
    RF32Functions.rsqrt(a);
    RF32Functions.sqrt(a);
    RF32Functions.sigmoid(a);
    RF32Functions.div(a, b);
  }

  /// @notice Within the errors that docs/arithmetic.md states.
  function testFuzz_inverses(uint32 x, uint32 y) public pure {
    Float32 a = _within(x, 100, 150);
    Float32 b = _within(y, 105, 140);
    // Three places of the quotient, a half of the product, and up to a factor of two between their places.
    yes(_places(RF32Functions.div(a, b).mul(b), a) <= 8, "a / b * b");
    Float32 root = RF32Functions.sqrt(a);
    yes(_places(root.mul(root), a) <= 16, "root squared");
    yes(_places(RF32Functions.rsqrt(a).mul(root), RF32.ONE) <= 12, "root over root");
  }

  function testFuzz_signsAndOrder(uint32 x, uint32 y) public pure {
    Float32 a = _within(x, 100, 150);
    Float32 b = _within(y, 100, 150);
    eq(
      Float32.unwrap(RF32Functions.div(a.negate(), b)), Float32.unwrap(RF32Functions.div(a, b)) | 0x80000000, "-a / b"
    );
    eq(
      Float32.unwrap(RF32Functions.div(a, b.negate())), Float32.unwrap(RF32Functions.div(a, b)) | 0x80000000, "a / -b"
    );
    // A polynomial of rounded steps may dip by a place, over a binade it may not.
    if (a.mul(_f(0x40000000)).lessThan(b)) {
      yes(RF32Functions.log(a).lessThan(RF32Functions.log(b)), "logarithms rise");
      yes(!RF32Functions.sigmoid(b).lessThan(RF32Functions.sigmoid(a)), "the logistic function rises");
    }
  }
}
