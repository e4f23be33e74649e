// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ContributionId, DatanetId } from "../types/Ids.sol";

enum ContributionState {
  None,
  Pending,
  Accepted,
  Rejected,
  Reclaimed
}

/// @notice A batch of records by one address, with a stake.
struct Contribution {
  DatanetId datanet;
  address contributor;
  /// Unix time, seconds.
  uint40 submittedAt;
  /// Records in the batch.
  uint32 count;
  ContributionState state;
  /// Wei staked on the batch.
  uint128 stake;
  /// Wei of the stake that a rejection took.
  uint128 slashed;
  /// Records the curator took.
  uint32 acceptedCount;
  /// recordsRoot() of the batch, see src/protocol/record.ts.
  bytes32 recordsRoot;
  /// recordsRoot() of the records that the curator took; equal to recordsRoot when all were.
  bytes32 acceptedRoot;
}

/// @title Records brought to Datanets, the stake on them, and the curator's decision
interface IContributions {
  event ContributionSubmitted(
    ContributionId indexed id,
    DatanetId indexed datanet,
    address indexed contributor,
    bytes32 recordsRoot,
    string cid,
    uint32 count,
    uint256 stake
  );
  event ContributionAccepted(
    ContributionId indexed id,
    DatanetId indexed datanet,
    address indexed contributor,
    bytes32 acceptedRoot,
    uint32 acceptedCount,
    string reason
  );
  event ContributionRejected(
    ContributionId indexed id,
    DatanetId indexed datanet,
    address indexed contributor,
    string reason,
    uint256 slashed,
    uint256 returned
  );
  event ContributionReclaimed(ContributionId indexed id, DatanetId indexed datanet, address indexed contributor);

  /// @notice There is no contribution with this id.
  error UnknownContribution(ContributionId id);
  /// @notice Only the Datanet's curator may review.
  error NotCurator(DatanetId datanet, address caller);
  /// @notice Only the contributor may take it back.
  error NotContributor(ContributionId id, address caller);
  /// @notice The contribution was already decided or taken back.
  error AlreadyDecided(ContributionId id, ContributionState state);
  /// @notice The stake sent is below what the Datanet asks, in wei.
  error StakeTooLow(uint256 sent, uint256 asked);
  /// @notice The stake sent is above the bound, in wei.
  error StakeTooHigh(uint256 sent, uint256 most);
  /// @notice Too few or too many records in a batch.
  error RecordCount(uint256 count, uint256 most);
  /// @notice A root is zero.
  error MissingRoot();
  /// @notice The accepted records must be 1 to all of the batch; all of them have the batch's own root.
  error WrongSelection(uint256 acceptedCount, uint256 count);
  /// @notice A rejection may slash at most half of the stake; basis points.
  error SlashTooHigh(uint256 slashBps, uint256 most);
  /// @notice The curator still has time: it can be taken back from `from` on (Unix time, seconds).
  error StillInReview(ContributionId id, uint256 from);
}
