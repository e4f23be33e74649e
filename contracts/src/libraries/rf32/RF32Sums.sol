// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";

/// @title RF32, version 2: sums of at most 256 terms, and of blocks
/// @notice The same bits as `blockSum` in src/arithmetic/rf32.ts over `product`, over `mul` or over the values themselves.
/// Rows are packed as row hashes take them (src/protocol/tensors.ts): 4 bytes a value, little-endian.
///
/// @dev How a term costs some 350 gas. A running sum is an integer in units of 2^-124: every product and every sum is a
/// multiple of 2^-123 and below 2^109, so it fits a word with its sign, and adding is one instruction. Rounding to
/// 24 bits needs the place of the leading bit; that of the sum before is tried first, and only where it has moved is it
/// searched. The product of two significands has 47 or 48 bits, so nothing is searched there. The fields of eight values
/// are taken apart in one word at once. Where a value is no value that a tensor may store the same sum is taken
/// operation by operation, slower and for any bits.
library RF32Sums {
  /// @notice A block has at most 256 terms.
  error RF32BlockTooLong(uint256 terms);
  /// @notice Rows of one sum must be as long as each other, in whole values.
  error RF32RowLengths(uint256 a, uint256 b);
  /// @notice A row has no value of this number.
  error RF32NoSuchValue(uint256 number, uint256 values);

  uint256 internal constant BLOCK = 256;

  /// @dev The same 32 bits eight times; written out, because assembly takes no expressions.
  uint256 private constant SIGNS = 0x8000000080000000800000008000000080000000800000008000000080000000;
  uint256 private constant MAGNITUDES = 0x7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff7fffffff;
  uint256 private constant FRACTIONS = 0x007fffff007fffff007fffff007fffff007fffff007fffff007fffff007fffff;
  uint256 private constant LEADING = 0x0080000000800000008000000080000000800000008000000080000000800000;
  uint256 private constant TWOS = 0x0000000200000002000000020000000200000002000000020000000200000002;
  uint256 private constant EXPONENTS = 0x000000ff000000ff000000ff000000ff000000ff000000ff000000ff000000ff;
  uint256 private constant BYTES_0_2 = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
  uint256 private constant BYTES_0_1 = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
  /// @dev 2^31 less 2^-100 and less 2^-50 as bits: added to a magnitude they carry into the sign's place from there on.
  uint256 private constant AT_LEAST_TINY = 0x7280000072800000728000007280000072800000728000007280000072800000;
  uint256 private constant AT_LEAST_OPERAND = 0x5980000059800000598000005980000059800000598000005980000059800000;
  /// @dev 2^31 − 1 less 2^50, which a tensor may hold, and less 2^100, which a term may reach: carry above them.
  uint256 private constant ABOVE_HUGE = 0x277fffff277fffff277fffff277fffff277fffff277fffff277fffff277fffff;
  uint256 private constant ABOVE_TERM = 0x0e7fffff0e7fffff0e7fffff0e7fffff0e7fffff0e7fffff0e7fffff0e7fffff;

  /// @notice One block of a matrix product: Σ product(a[k], b[k]) from +0 in increasing k.
  function ofProducts(bytes memory a, bytes memory b) internal pure returns (Float32 sum) {
    uint256 terms = _terms(a, b);
    bool ordinary;
    (sum, ordinary) = _ofTerms(a, b, terms, AT_LEAST_OPERAND);
    if (ordinary) return sum;
    sum = RF32.ZERO;
    for (uint256 k = 0; k < terms; k++) {
      sum = sum.add(valueAt(a, k).product(valueAt(b, k)));
    }
  }

  /// @notice One block of a reduction over element-wise products: Σ mul(a[k], b[k]); with b = a the sum of squares.
  function ofMultiplied(bytes memory a, bytes memory b) internal pure returns (Float32 sum) {
    uint256 terms = _terms(a, b);
    bool ordinary;
    (sum, ordinary) = _ofTerms(a, b, terms, AT_LEAST_TINY);
    if (ordinary) return sum;
    sum = RF32.ZERO;
    for (uint256 k = 0; k < terms; k++) {
      sum = sum.add(valueAt(a, k).mul(valueAt(b, k)));
    }
  }

  /// @notice One block of a plain sum.
  function ofValues(bytes memory a) internal pure returns (Float32 sum) {
    uint256 terms = _terms(a, a);
    bool ordinary;
    (sum, ordinary) = _ofValues(a, terms);
    if (ordinary) return sum;
    sum = RF32.ZERO;
    for (uint256 k = 0; k < terms; k++) {
      sum = sum.add(valueAt(a, k));
    }
  }

  /// @notice Block sums added to +0 in their order: the second half of rule 3.
  function ofBlocks(Float32[] memory sums) internal pure returns (Float32 total) {
    for (uint256 k = 0; k < sums.length; k++) {
      total = total.add(sums[k]);
    }
  }

  /// @notice Value k of a packed row.
  function valueAt(bytes memory row, uint256 k) internal pure returns (Float32 value) {
    if (k >= row.length >> 2) revert RF32NoSuchValue(k, row.length >> 2);
    assembly ("memory-safe") {
      let w := mload(add(add(row, 0x20), shl(2, k)))
      value := or(or(byte(0, w), shl(8, byte(1, w))), or(shl(16, byte(2, w)), shl(24, byte(3, w))))
    }
  }

  /// @notice Writes value k of a packed row: terms that are themselves results, such as exponentials.
  function setValue(bytes memory row, uint256 k, Float32 value) internal pure {
    if (k >= row.length >> 2) revert RF32NoSuchValue(k, row.length >> 2);
    assembly ("memory-safe") {
      let to := add(add(row, 0x20), shl(2, k))
      mstore8(to, value)
      mstore8(add(to, 1), shr(8, value))
      mstore8(add(to, 2), shr(16, value))
      mstore8(add(to, 3), shr(24, value))
    }
  }

  function _terms(bytes memory a, bytes memory b) private pure returns (uint256 terms) {
    if (a.length != b.length || a.length & 3 != 0) revert RF32RowLengths(a.length, b.length);
    terms = a.length >> 2;
    if (terms > BLOCK) revert RF32BlockTooLong(terms);
  }

  /// @dev Not ordinary: a value above 2^50, infinite or NaN, or neither 0 nor at least 2^-100.
  /// @param least AT_LEAST_OPERAND or AT_LEAST_TINY: smaller values count as 0
  function _ofTerms(bytes memory a, bytes memory b, uint256 terms, uint256 least)
    private
    pure
    returns (Float32 result, bool ordinary)
  {
    ordinary = true;
    uint256 sum = 0;
    assembly ("memory-safe") {
      let end := add(add(a, 0x20), shl(2, terms))
      a := add(a, 0x20)
      b := add(b, 0x20)
      // Bits that rounding drops; the leading bit's place; half of the last kept bit less one; what is kept.
      let drop := 1
      let leading := 24
      let half := 0
      let kept := not(1)
      for { } lt(a, end) { } {
        let x := inOrder(mload(a))
        let y := inOrder(mload(b))
        a := add(a, 0x20)
        b := add(b, 0x20)
        // Beyond the last value lies whatever memory holds.
        if gt(a, end) {
          x := first(x, sub(a, end))
          y := first(y, sub(a, end))
        }
        if odd(and(x, MAGNITUDES), and(y, MAGNITUDES)) {
          ordinary := 0
          break
        }
        let exponents := add(and(shr(23, x), EXPONENTS), and(shr(23, y), EXPONENTS))
        // 2 where the product is below zero.
        let signs := and(shr(30, xor(x, y)), TWOS)
        {
          // Lanes of ones where both values count.
          let counts := and(and(add(and(x, MAGNITUDES), least), add(and(y, MAGNITUDES), least)), SIGNS)
          counts := or(counts, sub(counts, shr(31, counts)))
          x := and(or(and(x, FRACTIONS), LEADING), counts)
          y := or(and(y, FRACTIONS), LEADING)
        }
        for { let lane := 256 } lane { } {
          lane := sub(lane, 32)
          let p := mul(and(shr(lane, x), 0xffffff), and(shr(lane, y), 0xffffff))
          // 1 where the product has 48 bits: one more is dropped.
          let more := shr(47, p)
          // Rounded, and put in its place: a negative shift moves every bit out.
          p := shl(
            sub(add(and(shr(lane, exponents), 0x1ff), more), 153),
            shr(add(23, more), add(add(p, or(0x3fffff, shl(22, more))), and(shr(add(23, more), p), 1)))
          )
          // Below 2^-100 a product counts as 0.
          sum := add(sum, mul(mul(p, gt(p, 0xffffff)), sub(1, and(shr(lane, signs), 2))))
          // 1 or −2 where the leading bit is where it was, and only those differ from their half in the last bit alone.
          p := sar(leading, sum)
          if iszero(eq(xor(p, sar(1, p)), 1)) {
            drop := dropped(sum, drop)
            leading := add(drop, 23)
            kept := shl(drop, not(0))
            half := sub(shl(sub(drop, 1), 1), 1)
          }
          sum := and(add(add(sum, half), and(shr(drop, sum), 1)), kept)
        }
      }

      // The bytes of each value in the order of the machine.
      function inOrder(w) -> v {
        v := or(shl(8, and(w, BYTES_0_2)), and(shr(8, w), BYTES_0_2))
        v := or(shl(16, and(v, BYTES_0_1)), and(shr(16, v), BYTES_0_1))
      }
      function first(w, unused) -> v {
        v := shl(shl(3, unused), shr(shl(3, unused), w))
      }
      // Whether a magnitude is above 2^50, or below 2^-100 and not zero.
      function odd(m, n) -> is {
        let small := or(and(add(m, MAGNITUDES), not(add(m, AT_LEAST_TINY))), and(add(n, MAGNITUDES), not(add(n, AT_LEAST_TINY))))
        is := and(or(or(add(m, ABOVE_HUGE), add(n, ABOVE_HUGE)), small), SIGNS)
      }
      // How many bits a sum drops where the one before dropped so many: at least one, which is 0 in every sum.
      function dropped(x, before) -> r {
        // The magnitude, or one less below zero, which differs only where nothing is rounded.
        x := xor(x, sar(255, x))
        // Mostly the leading bit is one below or one above where it was.
        let near := shr(add(before, 22), x)
        switch near
        case 1 { r := sub(before, gt(before, 1)) }
        default {
          switch shr(2, near)
          case 1 { r := add(before, 1) }
          default {
            // Else the place of the last bit: of eight after five halvings, of one by a table of 16 nibbles.
            r := shl(7, gt(x, 0xffffffffffffffffffffffffffffffff))
            r := or(r, shl(6, gt(shr(r, x), 0xffffffffffffffff)))
            r := or(r, shl(5, gt(shr(r, x), 0xffffffff)))
            r := or(r, shl(4, gt(shr(r, x), 0xffff)))
            r := or(r, shl(3, gt(shr(r, x), 0xff)))
            x := shr(r, x)
            let high := shl(2, gt(x, 15))
            r := or(or(r, high), and(shr(shl(2, shr(high, x)), 0x3333333322221100), 15))
            r := add(1, mul(sub(r, 24), gt(r, 24)))
          }
        }
      }
    }
    result = _encode(sum);
  }

  /// @dev Not ordinary: a term above 2^100, infinite or NaN, or neither 0 nor at least 2^-100.
  function _ofValues(bytes memory a, uint256 terms) private pure returns (Float32 result, bool ordinary) {
    ordinary = true;
    uint256 sum = 0;
    assembly ("memory-safe") {
      let end := add(add(a, 0x20), shl(2, terms))
      let drop := 1
      let leading := 24
      let half := 0
      let kept := not(1)
      for { a := add(a, 0x20) } lt(a, end) { } {
        let x := inOrder(mload(a))
        a := add(a, 0x20)
        if gt(a, end) { x := first(x, sub(a, end)) }
        if odd(and(x, MAGNITUDES)) {
          ordinary := 0
          break
        }
        for { let lane := 256 } lane { } {
          lane := sub(lane, 32)
          let v := shr(lane, x)
          // A zero's field is 0: the shift by 2^256 − 26 leaves nothing of its leading bit.
          let p := shl(sub(and(shr(23, v), 0xff), 26), or(and(v, 0x7fffff), 0x800000))
          sum := add(sum, mul(p, sub(1, and(shr(30, v), 2))))
          // 1 or −2 where the leading bit is where it was, and only those differ from their half in the last bit alone.
          p := sar(leading, sum)
          if iszero(eq(xor(p, sar(1, p)), 1)) {
            drop := dropped(sum, drop)
            leading := add(drop, 23)
            kept := shl(drop, not(0))
            half := sub(shl(sub(drop, 1), 1), 1)
          }
          sum := and(add(add(sum, half), and(shr(drop, sum), 1)), kept)
        }
      }

      // The bytes of each value in the order of the machine.
      function inOrder(w) -> v {
        v := or(shl(8, and(w, BYTES_0_2)), and(shr(8, w), BYTES_0_2))
        v := or(shl(16, and(v, BYTES_0_1)), and(shr(16, v), BYTES_0_1))
      }
      function first(w, unused) -> v {
        v := shl(shl(3, unused), shr(shl(3, unused), w))
      }
      // Whether a magnitude is above 2^100, or below 2^-100 and not zero.
      function odd(m) -> is {
        is := and(or(add(m, ABOVE_TERM), and(add(m, MAGNITUDES), not(add(m, AT_LEAST_TINY)))), SIGNS)
      }
      // How many bits a sum drops where the one before dropped so many: at least one, which is 0 in every sum.
      function dropped(x, before) -> r {
        // The magnitude, or one less below zero, which differs only where nothing is rounded.
        x := xor(x, sar(255, x))
        // Mostly the leading bit is one below or one above where it was.
        let near := shr(add(before, 22), x)
        switch near
        case 1 { r := sub(before, gt(before, 1)) }
        default {
          switch shr(2, near)
          case 1 { r := add(before, 1) }
          default {
            // Else the place of the last bit: of eight after five halvings, of one by a table of 16 nibbles.
            r := shl(7, gt(x, 0xffffffffffffffffffffffffffffffff))
            r := or(r, shl(6, gt(shr(r, x), 0xffffffffffffffff)))
            r := or(r, shl(5, gt(shr(r, x), 0xffffffff)))
            r := or(r, shl(4, gt(shr(r, x), 0xffff)))
            r := or(r, shl(3, gt(shr(r, x), 0xff)))
            x := shr(r, x)
            let high := shl(2, gt(x, 15))
            r := or(or(r, high), and(shr(shl(2, shr(high, x)), 0x3333333322221100), 15))
            r := add(1, mul(sub(r, 24), gt(r, 24)))
          }
        }
      }
    }
    result = _encode(sum);
  }

  /// @dev The float32 of a rounded sum in units of 2^-124. No sum but 0 is below 2^-123, so it is normal.
  function _encode(uint256 sum) private pure returns (Float32) {
    unchecked {
      if (sum == 0) return RF32.ZERO;
      uint256 sign = (sum >> 255) << 31;
      if (sign != 0) sum = 0 - sum;
      uint256 top = RF32.log2(sum);
      uint256 significand = top > 23 ? sum >> (top - 23) : sum << (23 - top);
      // The leading bit adds one to the field below it.
      return Float32.wrap(uint32(sign | (((top + 2) << 23) + significand)));
    }
  }
}
