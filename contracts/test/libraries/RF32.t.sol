// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Harness } from "../support/RF32Harness.sol";
import { Test } from "../support/Test.sol";

/// @notice One value at a time against whole-number arithmetic that knows nothing of floating point;
/// src/chain/rf32-parity.test.ts compares with TypeScript bit for bit.
contract RF32Test is Test {
  RF32Harness private _harness;

  uint32 private constant NOT_A_NUMBER = 0x7fc00000;
  uint32 private constant INFINITY = 0x7f800000;
  uint32 private constant MINUS = 0x80000000;

  function setUp() public {
    _harness = new RF32Harness();
  }

  function _f(uint32 bits) private pure returns (Float32) {
    return Float32.wrap(bits);
  }

  function _eq(Float32 got, uint32 wanted, string memory what) private pure {
    eq(Float32.unwrap(got), wanted, what);
  }

  /// @dev A float32 with an exponent field from `least` to `most`.
  function _within(uint32 bits, uint256 least, uint256 most) private pure returns (Float32) {
    uint256 field = least + ((bits >> 23) & 0xff) % (most - least + 1);
    return _f(uint32((bits & 0x807fffff) | (field << 23)));
  }

  /// @dev The value times 2^(150 − unit), for exponent fields of at least `unit`.
  function _integer(Float32 value, uint256 unit) private pure returns (int256) {
    uint256 bits = Float32.unwrap(value);
    if (bits & 0x7fffffff == 0) return 0;
    int256 magnitude = int256(((bits & 0x7fffff) | 0x800000) << (((bits >> 23) & 0xff) - unit));
    return bits >> 31 == 0 ? magnitude : -magnitude;
  }

  function _distance(int256 a, int256 b) private pure returns (uint256) {
    return a > b ? uint256(a - b) : uint256(b - a);
  }

  /// @dev No neighbour is nearer to the exact result, and at the same distance this one is even.
  function _nearest(Float32 got, int256 exact, uint256 unit) private pure {
    uint256 here = _distance(_integer(got, unit), exact);
    uint32 bits = Float32.unwrap(got);
    for (uint32 step = 0; step < 2; step++) {
      uint256 there = _distance(_integer(_f(step == 0 ? bits + 1 : bits - 1), unit), exact);
      yes(here < there || (here == there && bits & 1 == 0), "nearest, ties to even");
    }
    yes(exact == 0 || (exact < 0) == (bits >> 31 == 1), "sign");
  }

  /// @notice Every pair that a sum can meet: 2^-123 to 2^100.
  function testFuzz_sumsAreNearest(uint32 x, uint32 y, uint8 apart) public pure {
    Float32 a = _within(x, 30, 227);
    // Half of them close to each other, where bits cancel and halves lie.
    Float32 b = apart < 128
      ? _within(y, 30, 227)
      : _f(uint32((y & 0x807fffff) | (((uint256(Float32.unwrap(a) >> 23) & 0xff) - apart % 27) << 23)));
    int256 exact = _integer(a, 3) + _integer(b, 3);
    Float32 sum = a.add(b);
    if (exact == 0) return _eq(sum, 0, "opposites");
    _nearest(sum, exact, 3);
    eq(Float32.unwrap(b.add(a)), Float32.unwrap(sum), "in either order");
    eq(Float32.unwrap(a.sub(b.negate())), Float32.unwrap(sum), "as a difference");
  }

  /// @notice Products of every two values that a tensor may hold.
  function testFuzz_productsAreNearest(uint32 x, uint32 y, bool coarse) public pure {
    // Few bits in each: products of 25 bits are ties.
    if (coarse) (x, y) = ((x & 0xfffff000) | 0x1000, (y & 0xfffff800) | 0x800);
    Float32 a = _within(x, 27, 176);
    Float32 b = _within(y, 27, 176);
    Float32 p = a.mul(b);
    uint256 fields = (uint256(Float32.unwrap(a) >> 23) & 0xff) + (uint256(Float32.unwrap(b) >> 23) & 0xff);
    // In units of the significands' product: 2^(fields − 300).
    int256 exact = int256((uint256(Float32.unwrap(a)) & 0x7fffff) | 0x800000)
      * int256((uint256(Float32.unwrap(b)) & 0x7fffff) | 0x800000);
    if ((x ^ y) >> 31 == 1) exact = -exact;
    if (Float32.unwrap(p) == 0) {
      // 2^-100 less half a last place rounds up.
      yes(fields <= 153 && _distance(exact, 0) < (2 ** 25 - 1) << (176 - fields), "flushed below 2^-100");
    } else {
      yes(Float32.unwrap(p) & 0x7fffffff >= 0x0d800000, "stored from 2^-100");
      // The greatest lies just below a neighbour out of range.
      if (fields > 150 && fields < 400) _nearest(p, exact, fields - 150);
    }
    eq(Float32.unwrap(b.mul(a)), Float32.unwrap(p), "in either order");
  }

  function testFuzz_matrixProductsFlushTheirOperands(uint32 x, uint32 y) public pure {
    Float32 a = _within(x, 70, 90);
    Float32 b = _within(y, 77, 176);
    bool counts = Float32.unwrap(a) & 0x7fffffff >= 0x26800000;
    eq(
      Float32.unwrap(a.product(b)) & 0x7fffffff,
      counts ? Float32.unwrap(a.mul(b)) & 0x7fffffff : 0,
      "2^-50 counts, less does not"
    );
  }

  function testFuzz_orderIsThatOfTheNumbers(uint32 x, uint32 y) public pure {
    Float32 a = _within(x, 30, 227);
    Float32 b = _within(y, 30, 227);
    (int256 left, int256 right) = (_integer(a, 3), _integer(b, 3));
    yes(a.lessThan(b) == (left < right), "less than");
    eq(Float32.unwrap(a.max(b)), Float32.unwrap(left > right ? a : b), "the greater");
  }

  function testFuzz_wholeNumbers(int32 n, uint32 divisor) public pure {
    int256 limited = int256(n) % 2 ** 24;
    eq(uint256(RF32.fromInt(limited).floor()), uint256(limited), "there and back");
    uint256 d = 1 + divisor % (2 ** 24 - 1);
    Float32 inverse = RF32.inverse(d);
    // 1/d in units of 2^-124, of which a last place has at least 2^76: the rest cannot make a neighbour nearer.
    uint256 got = uint256(_integer(inverse, 26));
    uint256 place = uint256(_integer(_f(Float32.unwrap(inverse) + 1), 26)) - got;
    yes(_distance(int256(got * d), 2 ** 124) * 2 <= place * d, "within half a place");
  }

  function test_knownAnswers() public pure {
    Float32 one = RF32.ONE;
    _eq(one.add(one), 0x40000000, "1 + 1");
    _eq(one.add(_f(0x33800000)), 0x3f800000, "a tie to the even below");
    _eq(_f(0x3f800001).add(_f(0x33800000)), 0x3f800002, "a tie to the even above");
    _eq(one.sub(one), 0, "opposites");
    _eq(_f(MINUS).add(_f(MINUS)), MINUS, "zeros below zero");
    _eq(_f(MINUS).add(_f(0)), 0, "zeros of both signs");
    _eq(_f(1).add(_f(1)), 2, "subnormal");
    _eq(_f(1).add(_f(MINUS | 2)), MINUS | 1, "subnormal, below zero");
    _eq(_f(0x0d800000).add(_f(MINUS | 0x7fffff)), 0x0d800000, "a power of two less the greatest subnormal");
    _eq(_f(0x7f7fffff).add(_f(0x7f7fffff)), INFINITY, "beyond every number");
    _eq(_f(0x7f7fffff).mul(_f(0xff7fffff)), INFINITY | MINUS, "and below");
    _eq(_f(0x2e000000).mul(_f(0x1f000000)), 0x0d800000, "2^-35 times 2^-65 is 2^-100");
    _eq(_f(0x2e000000).mul(_f(0x1effffff)), 0, "less is stored as 0");
    _eq(_f(0x26800000).product(_f(0x26800000)), 0x0d800000, "the least product");
    _eq(_f(0x267fffff).product(_f(0x58800000)), 0, "an operand below 2^-50");
    _eq(one.negate().product(_f(0)), MINUS, "a zero of a product keeps its sign");
    _eq(_f(0x0d7fffff).store(), 0, "below 2^-100");
    _eq(_f(0x8d800000).store(), 0x8d800000, "-2^-100");
    _eq(one.scale2(-100), 0x0d800000, "2^-100");
    _eq(one.scale2(-101), 0, "2^-101");
    _eq(one.negate().scale2(50), 0xd8800000, "-2^50");
    _eq(one.negate().scale2(200), 0xd9000000, "beyond: -2^51");
    _eq(_f(1).scale2(20), 0, "a subnormal number");
    _eq(RF32.fromInt(0), 0, "0");
    _eq(RF32.fromInt(-(2 ** 24 + 3)), 0xcb800002, "-2^24 - 3, a tie");
    _eq(RF32.fromInt(type(int64).max), 0x5f000000, "2^63 - 1");
    _eq(RF32.fromInt(2 ** 128 - 2 ** 103), INFINITY, "rounds beyond every number");
    _eq(RF32.fromInt(2 ** 128 - 2 ** 103 - 1), 0x7f7fffff, "the greatest number");
    _eq(RF32.inverse(1), 0x3f800000, "1/1");
    _eq(RF32.inverse(3), 0x3eaaaaab, "1/3");
    eq(RF32.log2(1), 0, "log2 1");
    eq(RF32.log2(type(uint256).max), 255, "log2 of the greatest");
  }

  function test_log2OfEveryPlace() public pure {
    for (uint256 k = 0; k < 256; k++) {
      eq(RF32.log2(1 << k), k, "a power");
      eq(RF32.log2((1 << k) | ((1 << k) - 1)), k, "all ones");
    }
  }

  function test_infiniteAndNaN() public pure {
    Float32 nan = _f(0x7f800001);
    Float32 infinite = _f(INFINITY);
    _eq(nan.add(RF32.ONE), NOT_A_NUMBER, "NaN + 1");
    _eq(RF32.ONE.add(nan), NOT_A_NUMBER, "1 + NaN");
    _eq(infinite.add(nan), NOT_A_NUMBER, "infinity + NaN");
    _eq(infinite.sub(infinite), NOT_A_NUMBER, "infinity - infinity");
    _eq(infinite.add(infinite), INFINITY, "infinity + infinity");
    _eq(RF32.ONE.sub(infinite), INFINITY | MINUS, "1 - infinity");
    _eq(infinite.mul(_f(0)), NOT_A_NUMBER, "infinity times 0");
    _eq(_f(0).mul(infinite), NOT_A_NUMBER, "0 times infinity");
    _eq(nan.mul(RF32.ONE), NOT_A_NUMBER, "NaN times 1");
    _eq(RF32.ONE.mul(nan), NOT_A_NUMBER, "1 times NaN");
    _eq(infinite.mul(_f(0xbf800000)), INFINITY | MINUS, "infinity times -1");
    _eq(_f(1).mul(_f(0x7f000000)), 0x34800000, "the least subnormal times 2^127");
    _eq(_f(1).mul(_f(1)), 0, "subnormal numbers");
    yes(!nan.lessThan(RF32.ONE) && !RF32.ONE.lessThan(nan), "a NaN is in no order");
    _eq(nan.max(RF32.ONE), NOT_A_NUMBER, "the greater of NaN and 1");
    _eq(RF32.ONE.max(nan), NOT_A_NUMBER, "the greater of 1 and NaN");
    _eq(_f(MINUS).max(_f(0)), 0, "the greater zero");
    yes(nan.isNaN() && !infinite.isNaN(), "what is no number");
    yes(!nan.isInRange() && !infinite.isInRange() && !_f(0x58800001).isInRange() && _f(0xd8800000).isInRange(), "range");
    yes(_f(0).isStorable() && !_f(MINUS).isStorable() && !_f(1).isStorable(), "zeros");
    yes(_f(0x8d800000).isStorable() && _f(0xd8800000).isStorable() && !_f(0x58800001).isStorable(), "ends");
  }

  function test_floor() public {
    eq(uint256(_f(0x3f7fffff).floor()), 0, "just below 1");
    eq(uint256(_f(0xbf000000).floor()), uint256(int256(-1)), "-1/2");
    eq(uint256(_f(0xc2280000).floor()), uint256(int256(-42)), "-42");
    eq(uint256(_f(0x4f000000).floor()), 2 ** 31, "2^31");
    eq(uint256(_f(1).floor()), 0, "subnormal");
    eq(uint256(_f(MINUS | 1).floor()), uint256(int256(-1)), "subnormal below zero");
    vm.expectRevert(abi.encodeWithSelector(RF32.RF32NotWhole.selector, _f(0x4f000001)));
    _harness.floor(_f(0x4f000001));
  }

  function test_whatHasNoAnswerReverts() public {
    vm.expectRevert(abi.encodeWithSelector(RF32.RF32NoInverse.selector, 0));
    _harness.inverse(0);
    vm.expectRevert(abi.encodeWithSelector(RF32.RF32NoInverse.selector, 2 ** 24));
    _harness.inverse(2 ** 24);
    vm.expectRevert(abi.encodeWithSelector(RF32.RF32OutOfRange.selector, _f(0x58800001)));
    _harness.requireInRange(_f(0x58800001));
    vm.expectRevert(abi.encodeWithSelector(RF32.RF32OutOfRange.selector, _f(0x7fc00000)));
    _harness.requireInRange(_f(0x7fc00000));
    _harness.requireInRange(_f(0xd8800000));
  }
}
