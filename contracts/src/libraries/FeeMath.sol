// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Fee, Split } from "../types/Fees.sol";

/// @title The fee of one answer, in whole wei
/// @notice The same integers as `computeFee` in src/protocol/fee.ts.
library FeeMath {
  /// @notice The four parts of a split must sum to 10,000 basis points.
  /// @param sum what they sum to, in basis points
  error SplitNotWhole(uint256 sum);

  uint256 internal constant BASIS_POINTS = 10_000;

  /// @notice usage = floor((tokensIn · rateIn + tokensOut · rateOut) / 1000); rates in wei per 1,000 tokens.
  function usage(uint256 tokensIn, uint256 tokensOut, uint256 rateIn, uint256 rateOut) internal pure returns (uint256) {
    return (tokensIn * rateIn + tokensOut * rateOut) / 1000;
  }

  /// @notice Divides: every part rounded down, the dust and the fixed platform fee to the platform. Where no record
  /// helped (`anyPositive` is false) the contributors' part joins the stakers' part.
  function divide(uint256 used, uint256 platformFee, Split memory split, bool anyPositive)
    internal
    pure
    returns (Fee memory fee)
  {
    uint256 contributors = used * split.contributors / BASIS_POINTS;
    fee.total = used + platformFee;
    fee.owner = used * split.owner / BASIS_POINTS;
    fee.stakers = used * split.stakers / BASIS_POINTS;
    if (anyPositive) fee.contributors = contributors;
    else fee.stakers += contributors;
    fee.platform = fee.total - fee.owner - fee.stakers - fee.contributors;
  }

  function requireWhole(Split memory split) internal pure {
    uint256 sum = uint256(split.platform) + split.owner + split.stakers + split.contributors;
    if (sum != BASIS_POINTS) revert SplitNotWhole(sum);
  }
}
