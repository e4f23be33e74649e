// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";

/// @notice A stretch of a row of an input.
struct Run {
  uint256 input;
  uint256 row;
  uint256 column;
}

/// @title The sums of RF32 over stretches of rows
/// @notice As `sum`, `nthBlock` and `fold` in src/attribution/trace/element.ts: as they stand, neither flushed nor judged.
library Sums {
  uint256 internal constant BLOCK = 256;

  /// @notice Terms of block b of `count` terms; 0 beyond the last.
  function termsOf(uint256 b, uint256 count) internal pure returns (uint256) {
    uint256 first = b * BLOCK;
    if (first >= count) return 0;
    return count - first < BLOCK ? count - first : BLOCK;
  }

  /// @notice Σ product(a, b) over `count` terms, block by block.
  function ofProducts(Element memory e, Run memory a, Run memory b, uint256 count)
    internal
    pure
    returns (Float32 total)
  {
    for (uint256 first = 0; first < count; first += BLOCK) {
      total = total.add(blockOfProducts(e, a, b, first, termsOf(first / BLOCK, count)));
    }
  }

  /// @notice Σ product(a, b) over at most 256 terms from `first` on.
  function blockOfProducts(Element memory e, Run memory a, Run memory b, uint256 first, uint256 terms)
    internal
    pure
    returns (Float32)
  {
    return RF32Sums.ofProducts(read(e, a, first, terms), read(e, b, first, terms));
  }

  /// @notice Σ mul(a, b) over `count` terms, block by block.
  function ofMultiplied(Element memory e, Run memory a, Run memory b, uint256 count)
    internal
    pure
    returns (Float32 total)
  {
    for (uint256 first = 0; first < count; first += BLOCK) {
      uint256 terms = termsOf(first / BLOCK, count);
      total = total.add(RF32Sums.ofMultiplied(read(e, a, first, terms), read(e, b, first, terms)));
    }
  }

  /// @notice Σ a over `count` terms, block by block.
  function ofValues(Element memory e, Run memory a, uint256 count) internal pure returns (Float32 total) {
    for (uint256 first = 0; first < count; first += BLOCK) {
      total = total.add(RF32Sums.ofValues(read(e, a, first, termsOf(first / BLOCK, count))));
    }
  }

  /// @notice `count` block sums added in order.
  function fold(Element memory e, Run memory a, uint256 count) internal pure returns (Float32 total) {
    return chain(RF32.ZERO, read(e, a, 0, count), 0, count);
  }

  /// @notice `total`, then `count` values from value `first` on, added in order.
  function chain(Float32 total, bytes memory values, uint256 first, uint256 count) internal pure returns (Float32) {
    // A block whose first term is the sum so far: +0 and that is that.
    uint256 most = BLOCK - 1;
    for (uint256 done = 0; done < count; done += most) {
      uint256 some = count - done < most ? count - done : most;
      bytes memory terms = new bytes(4 * (some + 1));
      RF32Sums.setValue(terms, 0, total);
      assembly ("memory-safe") {
        mcopy(add(terms, 0x24), add(add(values, 0x20), shl(2, add(first, done))), shl(2, some))
      }
      total = RF32Sums.ofValues(terms);
    }
    return total;
  }

  /// @notice The greatest of `count` values.
  function greatest(Element memory e, Run memory a, uint256 count) internal pure returns (Float32 most) {
    bytes memory values = read(e, a, 0, count);
    most = RF32Sums.valueAt(values, 0);
    for (uint256 t = 1; t < count; t++) {
      most = RF32.max(most, RF32Sums.valueAt(values, t));
    }
  }

  /// @notice `count` values of a run from its value `first` on.
  function read(Element memory e, Run memory a, uint256 first, uint256 count) internal pure returns (bytes memory) {
    return e.run(a.input, a.row, a.column + first, count);
  }
}
