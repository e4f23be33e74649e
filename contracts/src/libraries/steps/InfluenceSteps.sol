// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Influence: sketches, their dot products, the scores' noise
/// @notice Operations 0x60 … 0x64 of src/attribution/trace/element.ts, by their names there.
library InfluenceSteps {
  uint256 private constant MINUS = 0x80000000;

  /// @notice [1, D]: (what was there) + Σ ± x over the members of a slot. Inputs x[R,C] read as one list, pairs[1,2·D] of
  /// (first, end) of each slot, members[1,·], whose top bit is the sign, and what was there [1,D], if anything.
  function sketch(Element memory e) internal pure returns (Float32) {
    uint256 first = _bits(e, 1, 2 * e.column);
    uint256 count = _bits(e, 1, 2 * e.column + 1) - first;
    Float32 total;
    for (uint256 done = 0; done < count; done += Sums.BLOCK) {
      total = total.add(_members(e, first + done, Sums.termsOf(done / Sums.BLOCK, count)));
    }
    return (e.instruction.inputCount > 3 ? e.get(3, 0, e.column) : RF32.ZERO).add(total).store();
  }

  /// @notice [n, B]: block sums of text[1,D] · rows[n,D].
  function rowBlocks(Element memory e) internal pure returns (Float32) {
    return _block(e, Run(1, e.row, 0));
  }

  /// @notice [1, n] of blocks [n,B].
  function fold(Element memory e) internal pure returns (Float32) {
    return Sums.fold(e, Run(0, e.column, 0), e.columns(0)).store();
  }

  /// @notice [1, B]: block sums of text[1,D] with itself.
  function squareRowBlocks(Element memory e) internal pure returns (Float32) {
    return _block(e, Run(0, 0, 0));
  }

  /// @notice [1, n]: noise[1,n] · √(squares[1,1]). Inputs noise, squares.
  function noise(Element memory e) internal pure returns (Float32) {
    return e.get(0, 0, e.column).mul(RF32Functions.sqrt(e.get(1, 0, 0)));
  }

  function _block(Element memory e, Run memory other) private pure returns (Float32) {
    uint256 first = e.column * Sums.BLOCK;
    return Sums.blockOfProducts(e, Run(0, 0, 0), other, first, Sums.termsOf(e.column, e.columns(0)));
  }

  /// @dev The sum of `count` members from `first` on, at most 256.
  function _members(Element memory e, uint256 first, uint256 count) private pure returns (Float32) {
    uint256 columns = e.columns(0);
    bytes memory terms = new bytes(4 * count);
    for (uint256 k = 0; k < count; k++) {
      uint256 member = _bits(e, 2, first + k);
      uint256 flat = member & ~MINUS;
      Float32 value = e.get(0, flat / columns, flat % columns);
      RF32Sums.setValue(terms, k, member & MINUS == 0 ? value : RF32.ZERO.sub(value));
    }
    return RF32Sums.ofValues(terms);
  }

  /// @dev A whole number of a row, held by its bits.
  function _bits(Element memory e, uint256 input, uint256 column) private pure returns (uint256) {
    return Float32.unwrap(e.get(input, 0, column));
  }
}
