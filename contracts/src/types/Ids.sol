// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Identifiers as types of their own, so that an adapter's id can never be passed where a claim's is meant.
/// All count from 1; 0 means "none".

/// @notice A Datanet: the token id in DatanetRegistry.
type DatanetId is uint256;

/// @notice One batch of records brought to a Datanet: the id in Contributions.
type ContributionId is uint256;

/// @notice An adapter: the token id in AdapterRegistry.
type AdapterId is uint256;

/// @notice A paid answer's claim: the id in Settlement.
type ClaimId is uint256;
