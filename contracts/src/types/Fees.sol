// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice How the fee for use is divided, in basis points. The four sum to 10,000.
struct Split {
  uint16 platform;
  uint16 owner;
  uint16 stakers;
  uint16 contributors;
}

/// @notice One fee in its parts, all in wei. total = platform + owner + stakers + contributors, exactly.
struct Fee {
  uint256 total;
  uint256 platform;
  uint256 owner;
  uint256 stakers;
  uint256 contributors;
}

/// @notice Parameters of the payout rule, see docs/payout.md.
struct PayoutRule {
  /// How many standard deviations of its noise one record alone must stand above zero, in thousandths.
  uint16 nullMultiple;
  /// The reserve, in thousandths of the mean noise of a record.
  uint16 reserve;
  /// Most that one cluster of copies earns of one answer, in basis points of the contributors' part.
  uint16 clusterCap;
  /// Part of the contributors' part for records that were read with the question, where any were, in basis points.
  uint16 retrievalPart;
}
