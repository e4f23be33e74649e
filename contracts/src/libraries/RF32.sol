// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The bits of a float32 (IEEE 754 binary32).
type Float32 is uint32;

using RF32 for Float32 global;

/// @title RF32, version 2: one value at a time
/// @notice The same bits as src/arithmetic/rf32.ts for every argument that is a number; rules and reasons in
/// docs/arithmetic.md. What has no bits of its own in TypeScript is fixed here: a NaN is always 0x7fc00000 and stays one.
/// @dev Nothing here reverts on a value out of range but `requireInRange`: whoever judges a claim has to be able to say
/// that an honest run would have ended (`isInRange`), which a revert would keep from being said.
library RF32 {
  /// @notice NaN, infinite or of magnitude above 2^50: RF32 ends a run there.
  error RF32OutOfRange(Float32 value);
  /// @notice Only 1 … 2^24 − 1 have an inverse here.
  error RF32NoInverse(uint256 divisor);
  /// @notice No whole number of at most 2^31.
  error RF32NotWhole(Float32 value);

  uint256 internal constant SIGN = 0x80000000;
  uint256 internal constant MAGNITUDE = 0x7fffffff;
  /// @dev 2^-100: what is smaller is stored as +0.
  uint256 internal constant TINY = 0x0d800000;
  /// @dev 2^-50: smaller operands of matrix products count as 0.
  uint256 internal constant OPERAND_TINY = 0x26800000;
  /// @dev 2^50: what is greater ends a run.
  uint256 internal constant HUGE = 0x58800000;
  uint256 internal constant INFINITY = 0x7f800000;
  uint256 internal constant NOT_A_NUMBER = 0x7fc00000;

  Float32 internal constant ZERO = Float32.wrap(0);
  Float32 internal constant ONE = Float32.wrap(0x3f800000);

  /// @notice The product rounded once, +0 where it is below 2^-100 (`mul` in rf32.ts).
  function mul(Float32 a, Float32 b) internal pure returns (Float32) {
    (uint256 bits, bool ordinary) = _multiply(Float32.unwrap(a), Float32.unwrap(b));
    return ordinary ? _wrap(bits) : store(_wrap(_multiplyOdd(Float32.unwrap(a), Float32.unwrap(b))));
  }

  /// @notice One product of a matrix product: operands below 2^-50 count as 0, rounded once, never fused.
  function product(Float32 a, Float32 b) internal pure returns (Float32) {
    (uint256 x, uint256 y) = (Float32.unwrap(operand(a)), Float32.unwrap(operand(b)));
    (uint256 bits, bool ordinary) = _multiply(x, y);
    return _wrap(ordinary ? bits : _multiplyOdd(x, y));
  }

  /// @notice The sum rounded once to nearest, ties to even.
  function add(Float32 a, Float32 b) internal pure returns (Float32) {
    return _wrap(_sum(Float32.unwrap(a), Float32.unwrap(b)));
  }

  function sub(Float32 a, Float32 b) internal pure returns (Float32) {
    return _wrap(_sum(Float32.unwrap(a), Float32.unwrap(b) ^ SIGN));
  }

  /// @notice −a, also of a zero.
  function negate(Float32 a) internal pure returns (Float32) {
    return _wrap(Float32.unwrap(a) ^ SIGN);
  }

  /// @notice What a tensor stores for a: +0 where |a| < 2^-100.
  function store(Float32 a) internal pure returns (Float32) {
    return _magnitude(a) < TINY ? ZERO : a;
  }

  /// @notice What a matrix product reads for a: +0 where |a| < 2^-50.
  function operand(Float32 a) internal pure returns (Float32) {
    return _magnitude(a) < OPERAND_TINY ? ZERO : a;
  }

  /// @notice Whether a run may store a: a number of magnitude at most 2^50.
  function isInRange(Float32 a) internal pure returns (bool) {
    return _magnitude(a) <= HUGE;
  }

  /// @notice Whether a row of a tensor may hold a: +0, or 2^-100 ≤ |a| ≤ 2^50.
  function isStorable(Float32 a) internal pure returns (bool) {
    uint256 magnitude = _magnitude(a);
    return (magnitude >= TINY && magnitude <= HUGE) || Float32.unwrap(a) == 0;
  }

  function requireInRange(Float32 a) internal pure {
    if (!isInRange(a)) revert RF32OutOfRange(a);
  }

  function isNaN(Float32 a) internal pure returns (bool) {
    return _magnitude(a) > INFINITY;
  }

  /// @notice a < b as numbers: the zeros are equal, a NaN is less than nothing.
  function lessThan(Float32 a, Float32 b) internal pure returns (bool) {
    return _key(a) < _key(b) && !isNaN(a) && !isNaN(b);
  }

  /// @notice The greater (`Math.max`): +0 above −0, NaN where either is.
  function max(Float32 a, Float32 b) internal pure returns (Float32 greater) {
    if (isNaN(a) || isNaN(b)) return _wrap(NOT_A_NUMBER);
    greater = a;
    assembly ("memory-safe") {
      // As signed integers, the magnitude of what is below zero turned around, float32 are in order.
      let x := signextend(3, a)
      let y := signextend(3, b)
      if slt(xor(x, shr(225, sar(31, x))), xor(y, shr(225, sar(31, y)))) { greater := b }
    }
  }

  /// @notice a · 2^n by the exponent field; +0 below 2^-100, 2^51 with a's sign where the result passes 2^50.
  function scale2(Float32 a, int256 n) internal pure returns (Float32) {
    uint256 bits = Float32.unwrap(a);
    uint256 exponent = (bits >> 23) & 0xff;
    int256 shifted = int256(exponent) + n;
    if (exponent == 0 || shifted < 27) return ZERO;
    if (shifted > 178) return _wrap((bits & SIGN) | 0x59000000);
    return _wrap((bits & 0x807fffff) | (uint256(shifted) << 23));
  }

  /// @notice The greatest whole number not above a, for |a| ≤ 2^31.
  function floor(Float32 a) internal pure returns (int256 whole) {
    uint256 bits = Float32.unwrap(a);
    if (bits & MAGNITUDE > 0x4f000000) revert RF32NotWhole(a);
    uint256 exponent = (bits >> 23) & 0xff;
    uint256 significand = exponent == 0 ? bits & 0x7fffff : (bits & 0x7fffff) | 0x800000;
    // In units of 2^-150, so that nothing is lost before the one shift down.
    whole = int256(significand << (exponent == 0 ? 1 : exponent));
    if (bits & SIGN != 0) whole = -whole;
    assembly ("memory-safe") {
      whole := sar(150, whole)
    }
  }

  /// @notice The float32 nearest to n, |n| < 2^249: exact up to 2^24, infinite from 2^128 on.
  function fromInt(int256 n) internal pure returns (Float32) {
    if (n == 0) return ZERO;
    return n < 0 ? _wrap(_round(SIGN, uint256(-n), 150)) : _wrap(_round(0, uint256(n), 150));
  }

  /// @notice The float32 nearest to 1/n (`Math.fround(1 / n)`): the means of norms and of influence.
  function inverse(uint256 n) internal pure returns (Float32) {
    if (n == 0 || n >> 24 != 0) revert RF32NoInverse(n);
    // 73 bits or more of the quotient. It lies at least 2^-73 from every half of a last place, so what is cut off below
    // 2^-96 decides nothing.
    return _wrap(_round(0, (1 << 96) / n, 150 - 96));
  }

  /// @dev Of a number above 0.
  function log2(uint256 x) internal pure returns (uint256 r) {
    assembly ("memory-safe") {
      r := shl(7, gt(x, 0xffffffffffffffffffffffffffffffff))
      r := or(r, shl(6, gt(shr(r, x), 0xffffffffffffffff)))
      r := or(r, shl(5, gt(shr(r, x), 0xffffffff)))
      r := or(r, shl(4, gt(shr(r, x), 0xffff)))
      r := or(r, shl(3, gt(shr(r, x), 0xff)))
      x := shr(r, x)
      // The last of eight bits: halves of a table of 16 nibbles.
      let high := shl(2, gt(x, 15))
      r := or(or(r, high), and(shr(shl(2, shr(high, x)), 0x3333333322221100), 15))
    }
  }

  function _wrap(uint256 bits) private pure returns (Float32) {
    return Float32.wrap(uint32(bits));
  }

  function _magnitude(Float32 a) private pure returns (uint256) {
    return Float32.unwrap(a) & MAGNITUDE;
  }

  /// @dev Ordered as the numbers are; 0 for both zeros.
  function _key(Float32 a) private pure returns (int256) {
    int256 magnitude = int256(_magnitude(a));
    return Float32.unwrap(a) & SIGN == 0 ? magnitude : -magnitude;
  }

  /// @dev sign · magnitude · 2^(unit − 150) rounded to nearest even, with subnormal numbers and infinity; magnitude is
  /// above 0 and below 2^250, unit above −200.
  function _round(uint256 sign, uint256 magnitude, int256 unit) private pure returns (uint256 bits) {
    uint256 top = log2(magnitude);
    assembly ("memory-safe") {
      let drop := sub(top, 23)
      let field := add(unit, drop)
      if slt(field, 1) {
        // Below 2^-126 the grid stays.
        drop := sub(1, unit)
        field := 1
      }
      switch sgt(drop, 0)
      case 1 {
        // Half of the last kept bit, less one where that bit is even.
        let half := shl(sub(drop, 1), 1)
        bits := shr(drop, add(add(magnitude, sub(half, 1)), and(shr(drop, magnitude), 1)))
      }
      default { bits := shl(sub(0, drop), magnitude) }
      // The leading bit adds one to the field below it, and so does a carry.
      bits := add(shl(23, sub(field, 1)), bits)
      if gt(bits, 0x7f7fffff) { bits := 0x7f800000 }
      bits := or(bits, sign)
    }
  }

  /// @dev a · b rounded once, +0 below 2^-100; ordinary where both are normal numbers.
  function _multiply(uint256 a, uint256 b) private pure returns (uint256 bits, bool ordinary) {
    assembly ("memory-safe") {
      let e := and(shr(23, a), 0xff)
      let f := and(shr(23, b), 0xff)
      ordinary := and(lt(sub(e, 1), 254), lt(sub(f, 1), 254))
      if ordinary {
        let p := mul(or(and(a, 0x7fffff), 0x800000), or(and(b, 0x7fffff), 0x800000))
        // 47 or 48 bits: 23 or 24 of them go.
        let drop := add(23, shr(47, p))
        e := sub(add(add(e, f), drop), 151)
        p := shr(drop, add(add(p, sub(shl(sub(drop, 1), 1), 1)), and(shr(drop, p), 1)))
        // The leading bit adds one to the field below it, and so does a carry. Below zero the field has run out.
        p := add(shl(23, e), p)
        if sgt(p, 0x0d7fffff) {
          if gt(p, 0x7f7fffff) { p := 0x7f800000 }
          bits := or(p, and(xor(a, b), 0x80000000))
        }
      }
    }
  }

  /// @dev Zeros, which keep a sign, subnormal numbers, infinities and NaN.
  function _multiplyOdd(uint256 a, uint256 b) private pure returns (uint256) {
    unchecked {
      uint256 sign = (a ^ b) & SIGN;
      a &= MAGNITUDE;
      b &= MAGNITUDE;
      if (a >= INFINITY || b >= INFINITY) {
        return a > INFINITY || b > INFINITY || a == 0 || b == 0 ? NOT_A_NUMBER : sign | INFINITY;
      }
      if (a == 0 || b == 0) return sign;
      (uint256 e, uint256 f) = (a >> 23, b >> 23);
      a = e == 0 ? a : (a & 0x7fffff) | 0x800000;
      b = f == 0 ? b : (b & 0x7fffff) | 0x800000;
      return _round(sign, a * b, int256((e == 0 ? 1 : e) + (f == 0 ? 1 : f)) - 150);
    }
  }

  /// @dev a + b rounded once.
  function _sum(uint256 a, uint256 b) private pure returns (uint256 bits) {
    bool ordinary;
    assembly ("memory-safe") {
      let e := and(shr(23, a), 0xff)
      let f := and(shr(23, b), 0xff)
      if lt(e, f) {
        // a has the greater exponent.
        let t := a
        a := b
        b := t
        t := e
        e := f
        f := t
      }
      if and(gt(f, 0), lt(e, 255)) {
        let distance := sub(e, f)
        switch gt(distance, 25)
        case 1 {
          // Less than a quarter of the last place.
          bits := a
          ordinary := 1
        }
        default {
          // 24 zeros below, so that rounding always drops something.
          let sum := shl(add(distance, 24), or(and(a, 0x7fffff), 0x800000))
          let other := shl(24, or(and(b, 0x7fffff), 0x800000))
          bits := and(a, 0x80000000)
          switch and(xor(a, b), 0x80000000)
          case 0 { sum := add(sum, other) }
          default {
            sum := sub(sum, other)
            if slt(sum, 0) {
              sum := sub(0, sum)
              bits := xor(bits, 0x80000000)
            }
          }
          // Where the leading bit is: at a's, one above, one below, or searched.
          let drop := add(distance, 24)
          let near := shr(add(distance, 46), sum)
          switch near
          case 2 { }
          case 3 { }
          case 1 { drop := sub(drop, 1) }
          case 0 {
            // Only neighbours in exponent cancel so much: 24 bits or less remain.
            e := shr(24, sum)
            let low := shl(4, gt(e, 0xffff))
            low := or(low, shl(3, gt(shr(low, e), 0xff)))
            e := shr(low, e)
            let high := shl(2, gt(e, 15))
            drop := add(1, add(or(low, high), and(shr(shl(2, shr(high, e)), 0x3333333322221100), 15)))
          }
          default { drop := add(drop, 1) }
          e := sub(add(f, drop), 24)
          switch sum
          case 0 {
            bits := 0
            ordinary := 1
          }
          default {
            ordinary := sgt(e, 0)
            sum := shr(drop, add(add(sum, sub(shl(sub(drop, 1), 1), 1)), and(shr(drop, sum), 1)))
            sum := add(shl(23, sub(e, 1)), sum)
            if gt(sum, 0x7f7fffff) { sum := 0x7f800000 }
            bits := or(bits, sum)
          }
        }
      }
    }
    if (!ordinary) bits = _sumOdd(a, b);
  }

  /// @dev Zeros, subnormal numbers, infinities and NaN; a has the greater exponent. Its significand is shifted up by the
  /// distance, at most 48: what lies further below is less than half of a last place wherever it lies.
  function _sumOdd(uint256 a, uint256 b) private pure returns (uint256) {
    if (a & MAGNITUDE >= INFINITY) return _sumSpecial(a, b);
    uint256 sign = a & SIGN;
    uint256 magnitude;
    uint256 unit;
    assembly ("memory-safe") {
      let e := and(shr(23, a), 0xff)
      let f := and(shr(23, b), 0xff)
      magnitude := or(and(a, 0x7fffff), shl(23, gt(e, 0)))
      let other := or(and(b, 0x7fffff), shl(23, gt(f, 0)))
      e := add(e, iszero(e))
      f := add(f, iszero(f))
      let distance := sub(e, f)
      if gt(distance, 48) { distance := 48 }
      unit := sub(e, distance)
      magnitude := shl(distance, magnitude)
      switch and(xor(a, b), 0x80000000)
      case 0 { magnitude := add(magnitude, other) }
      default {
        magnitude := sub(magnitude, other)
        if slt(magnitude, 0) {
          magnitude := sub(0, magnitude)
          sign := xor(sign, 0x80000000)
        }
      }
    }
    // Opposites give +0; only two zeros below zero give −0.
    return magnitude == 0 ? a & b & SIGN : _round(sign, magnitude, int256(unit));
  }

  /// @dev a is infinite or NaN; b may be.
  function _sumSpecial(uint256 a, uint256 b) private pure returns (uint256) {
    if (a & MAGNITUDE > INFINITY || b & MAGNITUDE > INFINITY) return NOT_A_NUMBER;
    return b & MAGNITUDE == INFINITY && a != b ? NOT_A_NUMBER : a;
  }
}
