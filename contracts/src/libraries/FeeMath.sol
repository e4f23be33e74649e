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

  /// @notice Divides: every part rounded down, the dust and the fixed platform fee to the platform.
  function divide(uint256 used, uint256 platformFee, Split memory split) internal pure returns (Fee memory fee) {
    fee.total = used + platformFee;
    fee.owner = used * split.owner / BASIS_POINTS;
    fee.stakers = used * split.stakers / BASIS_POINTS;
    fee.contributors = used * split.contributors / BASIS_POINTS;
    fee.platform = fee.total - fee.owner - fee.stakers - fee.contributors;
  }

  /// @notice Contributors get `allocated` of their part, what the payout rule gave them; the rest joins the stakers'
  /// part. In place. `allocated` is at most the part.
  function allocate(Fee memory fee, uint256 allocated) internal pure {
    fee.stakers += fee.contributors - allocated;
    fee.contributors = allocated;
  }

  function requireWhole(Split memory split) internal pure {
    uint256 sum = uint256(split.platform) + split.owner + split.stakers + split.contributors;
    if (sum != BASIS_POINTS) revert SplitNotWhole(sum);
  }
}
