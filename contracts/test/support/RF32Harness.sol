// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../../src/libraries/RF32.sol";
import { RF32Functions } from "../../src/libraries/rf32/RF32Functions.sol";
import { RF32Sums } from "../../src/libraries/rf32/RF32Sums.sol";

/// @notice RF32 from outside, many values a call: for `eth_call` (src/chain/rf32-parity.test.ts) and for tests of reverts.
contract RF32Harness {
  /// @notice Ten results for each pair, in the order of `scalarNames` in src/arithmetic/vectors.ts.
  function scalars(uint32[] calldata a, uint32[] calldata b) external pure returns (uint32[] memory results) {
    uint256 n = a.length;
    results = new uint32[](10 * n);
    for (uint256 i = 0; i < n; i++) {
      (Float32 x, Float32 y) = (Float32.wrap(a[i]), Float32.wrap(b[i]));
      results[i] = Float32.unwrap(x.add(y));
      results[n + i] = Float32.unwrap(x.sub(y));
      results[2 * n + i] = Float32.unwrap(x.mul(y));
      results[3 * n + i] = Float32.unwrap(x.product(y));
      results[4 * n + i] = Float32.unwrap(RF32Functions.div(x, y));
      results[5 * n + i] = Float32.unwrap(RF32Functions.exp(x));
      results[6 * n + i] = Float32.unwrap(RF32Functions.rsqrt(x));
      results[7 * n + i] = Float32.unwrap(RF32Functions.sqrt(x));
      results[8 * n + i] = Float32.unwrap(RF32Functions.log(x));
      results[9 * n + i] = Float32.unwrap(RF32Functions.sigmoid(x));
    }
  }

  /// @notice For each pair: the greater, a < b, what is stored of a, its place in the range, 2^((b mod 512) − 256) · a.
  function helpers(uint32[] calldata a, uint32[] calldata b) external pure returns (uint32[] memory results) {
    uint256 n = a.length;
    results = new uint32[](5 * n);
    for (uint256 i = 0; i < n; i++) {
      (Float32 x, Float32 y) = (Float32.wrap(a[i]), Float32.wrap(b[i]));
      results[i] = Float32.unwrap(x.max(y));
      results[n + i] = x.lessThan(y) ? 1 : 0;
      results[2 * n + i] = Float32.unwrap(x.store());
      results[3 * n + i] = (x.isInRange() ? 1 : 0) + (x.isStorable() ? 2 : 0) + (x.isNaN() ? 4 : 0);
      results[4 * n + i] = Float32.unwrap(x.scale2(int256(uint256(b[i] & 511)) - 256));
    }
  }

  /// @notice For each whole number: itself as a float32, and its inverse where it has one.
  function wholes(int256[] calldata n) external pure returns (uint32[] memory results) {
    results = new uint32[](2 * n.length);
    for (uint256 i = 0; i < n.length; i++) {
      results[i] = Float32.unwrap(RF32.fromInt(n[i]));
      if (n[i] > 0 && n[i] < 2 ** 24) results[n.length + i] = Float32.unwrap(RF32.inverse(uint256(n[i])));
    }
  }

  /// @notice For each pair of rows: Σ product, Σ mul, Σ of a, Σ of a's squares.
  function sums(bytes[] calldata a, bytes[] calldata b) external pure returns (uint32[] memory results) {
    uint256 n = a.length;
    results = new uint32[](4 * n);
    for (uint256 i = 0; i < n; i++) {
      (bytes memory x, bytes memory y) = (a[i], b[i]);
      results[i] = Float32.unwrap(RF32Sums.ofProducts(x, y));
      results[n + i] = Float32.unwrap(RF32Sums.ofMultiplied(x, y));
      results[2 * n + i] = Float32.unwrap(RF32Sums.ofValues(x));
      results[3 * n + i] = Float32.unwrap(RF32Sums.ofMultiplied(x, x));
    }
  }

  function floor(Float32 a) external pure returns (int256) {
    return a.floor();
  }

  function inverse(uint256 n) external pure returns (Float32) {
    return RF32.inverse(n);
  }

  function requireInRange(Float32 a) external pure {
    a.requireInRange();
  }

  function valueAt(bytes memory row, uint256 k) external pure returns (Float32) {
    return RF32Sums.valueAt(row, k);
  }

  function setValue(bytes memory row, uint256 k, Float32 value) external pure returns (bytes memory) {
    RF32Sums.setValue(row, k, value);
    return row;
  }
}
