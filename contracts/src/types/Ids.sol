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

/// @notice A game about whether something claimed is false: a claim's id in Disputes, an adapter's in Runs.
type GameId is uint256;

using ClaimGame for ClaimId global;
using RunGame for AdapterId global;

library ClaimGame {
  /// @notice The game in Disputes about this claim.
  function game(ClaimId id) internal pure returns (GameId) {
    return GameId.wrap(ClaimId.unwrap(id));
  }
}

library RunGame {
  /// @notice The game in Runs about this adapter's run.
  function game(AdapterId id) internal pure returns (GameId) {
    return GameId.wrap(AdapterId.unwrap(id));
  }
}
