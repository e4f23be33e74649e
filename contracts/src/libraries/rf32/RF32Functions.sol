// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";

/// @title RF32, version 2: division, roots, exponential, logarithm, logistic function
/// @notice Step by step the functions of src/arithmetic/rf32.ts, so the same bits; accuracy in docs/arithmetic.md.
/// @dev Outside a function's domain the result is 2^51 or −2^51, which no run stores. A NaN gives a NaN.
library RF32Functions {
  Float32 private constant HALF = Float32.wrap(0x3f000000);
  Float32 private constant THREE_HALVES = Float32.wrap(0x3fc00000);
  Float32 private constant TWO = Float32.wrap(0x40000000);
  Float32 private constant OUT = Float32.wrap(0x59000000);
  Float32 private constant MINUS_OUT = Float32.wrap(0xd9000000);
  Float32 private constant NOT_A_NUMBER = Float32.wrap(0x7fc00000);
  /// @dev 48/17 and 16/17: the straight line nearest to 1/m.
  Float32 private constant RECIPROCAL_A = Float32.wrap(0x4034b4b5);
  Float32 private constant RECIPROCAL_B = Float32.wrap(0x3f70f0f1);
  Float32 private constant LOG2E = Float32.wrap(0x3fb8aa3b);
  /// @dev ln 2 in two parts; the first has 12 significant bits.
  Float32 private constant LN2_HIGH = Float32.wrap(0x3f317000);
  Float32 private constant LN2_LOW = Float32.wrap(0x3805fdf4);
  /// @dev 1/720, 1/120, 1/24, 1/6, 1/2, 1, 1 from the left, 32 bits each.
  uint256 private constant EXP = 0x3ab60b613c0888893d2aaaab3e2aaaab3f0000003f8000003f800000;
  /// @dev 2/9, 2/7, 2/5, 2/3, 2.
  uint256 private constant LOG = 0x003e638e393e9249253ecccccd3f2aaaab40000000;

  /// @notice e^x: 0 below −69, 2^51 above 35.
  function exp(Float32 x) internal pure returns (Float32) {
    if (x.isNaN()) return NOT_A_NUMBER;
    if (x.lessThan(Float32.wrap(0xc28a0000))) return RF32.ZERO;
    if (Float32.wrap(0x420c0000).lessThan(x)) return OUT;
    int256 n = x.mul(LOG2E).add(HALF).floor();
    Float32 whole = RF32.fromInt(n);
    Float32 r = x.sub(whole.mul(LN2_HIGH)).sub(whole.mul(LN2_LOW));
    return _polynomial(EXP, 7, r).scale2(n);
  }

  /// @notice a / b; 2^51 for b = 0.
  function div(Float32 a, Float32 b) internal pure returns (Float32 quotient) {
    if (b.isNaN()) return NOT_A_NUMBER;
    uint256 bits = Float32.unwrap(b);
    uint256 exponent = (bits >> 23) & 0xff;
    if (exponent == 0) return OUT;
    Float32 scaled = a.mul(reciprocalOfSignificand(_wrap((bits & 0x7fffff) | 0x3f800000)));
    if (scaled.isNaN()) return NOT_A_NUMBER;
    quotient = scaled.scale2(127 - int256(exponent));
    if (bits & RF32.SIGN != 0 && Float32.unwrap(quotient) != 0) quotient = quotient.negate();
  }

  /// @notice 1/m for 1 ≤ m < 2: a linear estimate and three Newton steps.
  function reciprocalOfSignificand(Float32 m) internal pure returns (Float32 y) {
    y = RECIPROCAL_A.sub(m.mul(RECIPROCAL_B)).mul(HALF);
    for (uint256 i = 0; i < 3; i++) {
      y = y.mul(TWO.sub(m.mul(y)));
    }
  }

  /// @notice 1/√x for x > 0, else 2^51.
  function rsqrt(Float32 x) internal pure returns (Float32 y) {
    if (x.isNaN()) return NOT_A_NUMBER;
    uint256 bits = Float32.unwrap(x);
    uint256 exponent = (bits >> 23) & 0xff;
    if (bits & RF32.SIGN != 0 || exponent == 0) return OUT;
    // An even power of two is taken out: m is in [1, 4).
    uint256 odd = (exponent + 1) & 1;
    uint256 m = (bits & 0x7fffff) | ((127 + odd) << 23);
    y = _wrap(0x5f3759df - (m >> 1));
    Float32 half = _wrap(m).mul(HALF);
    for (uint256 i = 0; i < 4; i++) {
      y = y.mul(THREE_HALVES.sub(half.mul(y.mul(y))));
    }
    return y.scale2((127 + int256(odd) - int256(exponent)) / 2);
  }

  /// @notice √x = x · 1/√x; 0 for x ≤ 0 and for a NaN, as in TypeScript.
  function sqrt(Float32 x) internal pure returns (Float32) {
    return RF32.ZERO.lessThan(x) ? x.mul(rsqrt(x)) : RF32.ZERO;
  }

  /// @notice ln x for x > 0, else −2^51.
  function log(Float32 x) internal pure returns (Float32) {
    if (x.isNaN()) return NOT_A_NUMBER;
    uint256 bits = Float32.unwrap(x);
    if (bits & RF32.SIGN != 0 || bits >> 23 == 0) return MINUS_OUT;
    // The significand is taken in [√½, √2): 0x3f3504f3 is the float32 just below √½.
    int256 e = (int256(bits) - 0x3f3504f3) >> 23;
    Float32 m = _wrap(uint256(int256(bits) - (e << 23)));
    Float32 s = div(m.sub(RF32.ONE), m.add(RF32.ONE));
    Float32 p = _polynomial(LOG, 5, s.mul(s));
    Float32 power = RF32.fromInt(e);
    return power.mul(LN2_HIGH).add(p.mul(s).add(power.mul(LN2_LOW)));
  }

  /// @notice 1 / (1 + e^-x); e^x below −34, where e^-x would leave the range.
  function sigmoid(Float32 x) internal pure returns (Float32) {
    if (x.lessThan(Float32.wrap(0xc2080000))) return exp(x);
    return div(RF32.ONE, RF32.ONE.add(exp(x.negate())));
  }

  /// @dev Horner's scheme over `count` coefficients, the highest power's leftmost.
  function _polynomial(uint256 coefficients, uint256 count, Float32 x) private pure returns (Float32 p) {
    uint256 shift = 32 * (count - 1);
    p = _wrap(coefficients >> shift);
    while (shift > 0) {
      shift -= 32;
      p = p.mul(x).add(_wrap(coefficients >> shift));
    }
  }

  function _wrap(uint256 bits) private pure returns (Float32) {
    return Float32.wrap(uint32(bits));
  }
}
