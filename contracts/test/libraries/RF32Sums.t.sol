// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Functions } from "../../src/libraries/rf32/RF32Functions.sol";
import { RF32Sums } from "../../src/libraries/rf32/RF32Sums.sol";
import { RF32Harness } from "../support/RF32Harness.sol";
import { Test } from "../support/Test.sol";

interface Snapshots {
  function snapshotValue(string calldata group, string calldata name, uint256 value) external;
  function isContext(uint8 context) external view returns (bool);
}

/// @notice Sums of blocks against one operation after another, and what they cost (contracts/snapshots/RF32.json).
contract RF32SumsTest is Test {
  RF32Harness private _harness;

  function setUp() public {
    _harness = new RF32Harness();
  }

  /// @dev Exponent fields from `low` on; every `gap`-th value is the opposite of the one before.
  function _row(uint256 seed, uint256 terms, uint256 low, uint256 width, uint256 gap)
    private
    pure
    returns (bytes memory row)
  {
    row = new bytes(4 * terms);
    for (uint256 k = 0; k < terms; k++) {
      uint256 word = uint256(keccak256(abi.encode(seed, k)));
      uint256 bits = (word & 0x807fffff) | ((low + (word >> 64) % width) << 23);
      // Few bits, so that sums and products are ties.
      if (seed & 1 == 1) bits &= 0xfff80000;
      if (k > 0 && k % gap == 0) bits = Float32.unwrap(RF32Sums.valueAt(row, k - 1).negate());
      RF32Sums.setValue(row, k, Float32.wrap(uint32(bits)));
    }
  }

  /// @dev Mostly short rows, which fuzzing has time for, and some of up to 255 terms.
  function _count(uint8 terms) private pure returns (uint256) {
    return terms < 240 ? terms % 40 : terms;
  }

  function _sameAsOneByOne(bytes memory a, bytes memory b) private pure {
    Float32 products;
    Float32 multiplied;
    Float32 values;
    for (uint256 k = 0; k < a.length / 4; k++) {
      (Float32 x, Float32 y) = (RF32Sums.valueAt(a, k), RF32Sums.valueAt(b, k));
      products = products.add(x.product(y));
      multiplied = multiplied.add(x.mul(y));
      values = values.add(x);
    }
    eq(Float32.unwrap(RF32Sums.ofProducts(a, b)), Float32.unwrap(products), "products");
    eq(Float32.unwrap(RF32Sums.ofMultiplied(a, b)), Float32.unwrap(multiplied), "element-wise products");
    eq(Float32.unwrap(RF32Sums.ofValues(a)), Float32.unwrap(values), "values");
  }

  function testFuzz_ordinarySizes(uint256 seed, uint8 terms, uint8 gap) public pure {
    _sameAsOneByOne(_row(seed, _count(terms), 110, 30, 1 + gap % 9), _row(seed ^ 2, _count(terms), 110, 30, 1 + gap % 5));
  }

  function testFuzz_everySize(uint256 seed, uint8 terms) public pure {
    _sameAsOneByOne(_row(seed, _count(terms), 27, 150, 7), _row(seed ^ 2, _count(terms), 27, 150, 300));
  }

  /// @notice Around 2^-50, where operands begin to count.
  function testFuzz_edges(uint256 seed, uint8 terms) public pure {
    _sameAsOneByOne(_row(seed, _count(terms), 74, 6, 7), _row(seed ^ 2, _count(terms), 74, 6, 11));
  }

  /// @notice Sums beside 2^-100, of which all 24 bits and one more come up.
  function testFuzz_least(uint256 seed, uint8 terms) public pure {
    _sameAsOneByOne(_row(seed, _count(terms), 77, 2, 7), _row(seed ^ 2, _count(terms), 77, 1, 11));
    _sameAsOneByOne(_row(seed, _count(terms), 27, 2, 7), _row(seed ^ 2, _count(terms), 127, 1, 11));
  }

  /// @notice Rows that no honest run makes have sums too: the same, taken one by one.
  function testFuzz_anyBits(uint256 seed, uint8 terms, uint8 place, uint32 strange) public pure {
    bytes memory a = _row(seed, 1 + _count(terms), 110, 30, 7);
    bytes memory b = _row(seed ^ 2, 1 + _count(terms), 110, 30, 9);
    RF32Sums.setValue(seed & 4 == 0 ? a : b, place % (1 + _count(terms)), Float32.wrap(strange));
    _sameAsOneByOne(a, b);
  }

  function test_known() public pure {
    bytes memory none = "";
    eq(Float32.unwrap(RF32Sums.ofProducts(none, none)), 0, "nothing");
    bytes memory ones = new bytes(1024);
    for (uint256 k = 0; k < 256; k++) {
      RF32Sums.setValue(ones, k, RF32.ONE);
    }
    eq(Float32.unwrap(RF32Sums.ofProducts(ones, ones)), 0x43800000, "256");
    eq(Float32.unwrap(RF32Sums.ofValues(ones)), 0x43800000, "256 values");
    eq(uint8(ones[2]), 0x80, "little-endian: the third byte of 1");
    eq(uint8(ones[3]), 0x3f, "and its last");
    Float32[] memory blocks = new Float32[](3);
    (blocks[0], blocks[1], blocks[2]) = (Float32.wrap(0x4b800000), RF32.ONE, RF32.ONE);
    eq(Float32.unwrap(RF32Sums.ofBlocks(blocks)), 0x4b800000, "2^24 + 1 + 1, in this order");
    (blocks[0], blocks[2]) = (blocks[2], blocks[0]);
    eq(Float32.unwrap(RF32Sums.ofBlocks(blocks)), 0x4b800001, "1 + 1 + 2^24");
  }

  /// @notice One value that no tensor stores among zeros, where nothing hides what it gives.
  function testFuzz_strangeAlone(uint32 strange, uint32 other, bool small) public pure {
    bytes memory a = new bytes(12);
    bytes memory b = new bytes(12);
    RF32Sums.setValue(a, 1, Float32.wrap(small ? strange & 0x8fffffff : strange));
    RF32Sums.setValue(b, 1, Float32.wrap(small ? 0x58800000 : other));
    _sameAsOneByOne(a, b);
    _sameAsOneByOne(b, a);
  }

  function test_beyondEveryNumber() public pure {
    bytes memory row = new bytes(1024);
    for (uint256 k = 0; k < 256; k++) {
      RF32Sums.setValue(row, k, Float32.wrap(0x7f000000));
    }
    eq(Float32.unwrap(RF32Sums.ofValues(row)), 0x7f800000, "256 times 2^127");
    RF32Sums.setValue(row, 1, Float32.wrap(0x7f800000));
    RF32Sums.setValue(row, 255, Float32.wrap(0xff800000));
    eq(Float32.unwrap(RF32Sums.ofValues(row)), 0x7fc00000, "infinity less infinity");
    for (uint256 k = 0; k < 256; k++) {
      RF32Sums.setValue(row, k, Float32.wrap(0x71800000));
    }
    eq(Float32.unwrap(RF32Sums.ofValues(row)), 0x75800000, "256 times 2^100");
  }

  /// @notice What lies in memory behind a row never counts.
  function testFuzz_whatFollowsARowDoesNotCount(uint256 seed, uint8 terms, uint256 junk) public pure {
    bytes memory a = _row(seed, 200, 110, 30, 7);
    bytes memory b = _row(seed ^ 2, 200, 110, 30, 7);
    uint256 count = terms % 200;
    assembly ("memory-safe") {
      mstore(a, mul(4, count))
      mstore(b, mul(4, count))
      mstore(add(add(a, 0x20), mul(4, count)), junk)
    }
    _sameAsOneByOne(a, b);
  }

  function test_wrongRowsRevert() public {
    bytes[] memory a = new bytes[](1);
    bytes[] memory b = new bytes[](1);
    (a[0], b[0]) = (new bytes(8), new bytes(4));
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32RowLengths.selector, 8, 4));
    _harness.sums(a, b);
    (a[0], b[0]) = (new bytes(7), new bytes(7));
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32RowLengths.selector, 7, 7));
    _harness.sums(a, b);
    (a[0], b[0]) = (new bytes(1028), new bytes(1028));
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32BlockTooLong.selector, 257));
    _harness.sums(a, b);
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32NoSuchValue.selector, 2, 2));
    _harness.valueAt(new bytes(8), 2);
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32NoSuchValue.selector, 2, 2));
    _harness.setValue(new bytes(8), 2, RF32.ONE);
    vm.expectRevert(abi.encodeWithSelector(RF32Sums.RF32NoSuchValue.selector, type(uint256).max, 2));
    _harness.valueAt(new bytes(8), type(uint256).max);
  }

  function _snapshot(string memory name, uint256 gas) private {
    // Not where coverage is taken (context 2): that code is compiled without the optimiser.
    Snapshots forge = Snapshots(address(vm));
    if (!forge.isContext(2)) forge.snapshotValue("RF32", name, gas);
  }

  /// @dev Every sum has its leading bit far from the one before: 2^100, 0, small, 2^100 …
  function _jumping() private pure returns (bytes memory row) {
    row = _row(4, 256, 120, 8, 300);
    for (uint256 k = 0; k + 2 < 256; k += 3) {
      Float32 huge = Float32.wrap(uint32(0x58000000 | (k * 0x7fff)));
      RF32Sums.setValue(row, k, huge);
      RF32Sums.setValue(row, k + 1, huge.negate());
    }
  }

  /// forge-config: default.isolate = false
  function test_gasOfBlocks() public {
    bytes memory a = _row(8, 256, 120, 8, 300);
    bytes memory b = _row(10, 256, 120, 8, 300);
    bytes memory ones = _row(12, 256, 127, 1, 300);
    for (uint256 k = 0; k < 256; k++) {
      RF32Sums.setValue(ones, k, RF32.ONE);
    }
    bytes memory jumping = _jumping();
    uint256 gas = gasleft();
    RF32Sums.ofProducts(a, b);
    gas -= gasleft();
    _snapshot("block of 256 products", gas);
    _snapshot("a product and its sum", gas / 256);
    yes(gas < 125_000, "a block of products");
    gas = gasleft();
    RF32Sums.ofProducts(jumping, ones);
    gas -= gasleft();
    _snapshot("block of 256 products, leading bits far apart", gas);
    yes(gas < 240_000, "the dearest block of products");
    gas = gasleft();
    RF32Sums.ofMultiplied(a, a);
    gas -= gasleft();
    _snapshot("block of 256 squares", gas);
    gas = gasleft();
    RF32Sums.ofValues(a);
    gas -= gasleft();
    _snapshot("block of 256 values", gas);
    RF32Sums.setValue(a, 255, Float32.wrap(0x7f800000));
    gas = gasleft();
    RF32Sums.ofProducts(a, b);
    gas -= gasleft();
    _snapshot("block of 256 products, one infinite", gas);
  }

  /// forge-config: default.isolate = false
  function test_gasOfSteps() public {
    Float32 x = Float32.wrap(0x3fb504f3);
    Float32 y = Float32.wrap(0xbe4ccccd);
    uint256 gas = gasleft();
    x.mul(y);
    _snapshot("mul", gas - gasleft());
    gas = gasleft();
    x.add(y);
    _snapshot("add", gas - gasleft());
    gas = gasleft();
    RF32Functions.div(x, y);
    _snapshot("div", gas - gasleft());
    gas = gasleft();
    RF32Functions.exp(y);
    _snapshot("exp", gas - gasleft());
    gas = gasleft();
    RF32Functions.rsqrt(x);
    _snapshot("rsqrt", gas - gasleft());
    gas = gasleft();
    RF32Functions.sqrt(x);
    _snapshot("sqrt", gas - gasleft());
    gas = gasleft();
    RF32Functions.log(x);
    _snapshot("log", gas - gasleft());
    gas = gasleft();
    RF32Functions.sigmoid(y);
    _snapshot("sigmoid", gas - gasleft());
    gas = gasleft();
    RF32.inverse(3);
    _snapshot("inverse of a whole number", gas - gasleft());
  }
}
