// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "./PullPayments.sol";
import { Contribution, ContributionState, IContributions } from "./interfaces/IContributions.sol";
import { IDatanetRegistry } from "./interfaces/IDatanetRegistry.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Text } from "./libraries/Text.sol";
import { ContributionId, DatanetId } from "./types/Ids.sol";

/// @title Contributions
/// @notice A contributor stakes OPEN on the quality of a batch. The curator takes all or some of it (the stake comes
/// back) or rejects it with a reason, which may cost up to half of the stake. A batch that nobody reviews in time can
/// be taken back, so no stake is ever stuck.
contract Contributions is PullPayments, IContributions {
  /// @notice Most records in one batch.
  uint32 public constant MOST_RECORDS = 100_000;
  /// @notice Most that a rejection can take, in basis points of the stake.
  uint16 public constant MOST_SLASH = 5000;
  /// @notice Most that one batch can carry, in wei.
  uint256 public constant MOST_STAKE = type(uint128).max;

  IDatanetRegistry public immutable datanets;
  /// @notice Where slashed stakes go.
  address public immutable treasury;
  /// @notice How long the curator has, in seconds.
  uint40 public immutable reviewTimeout;

  /// @notice How many contributions there are; ids run from 1 to this.
  uint256 public count;
  /// @notice Stakes of batches not yet decided, in wei.
  uint256 public totalStaked;
  mapping(ContributionId id => Contribution) private _contributions;

  constructor(IDatanetRegistry datanets_, address treasury_, uint40 reviewTimeout_) {
    datanets = datanets_;
    treasury = treasury_;
    reviewTimeout = reviewTimeout_;
  }

  /// @notice Brings a batch of records; the value sent is its stake.
  /// @param recordsRoot Merkle root over the record hashes, in the file's order
  /// @param cid where the file with the records lies
  /// @param records how many they are
  function submit(DatanetId datanet, bytes32 recordsRoot, string calldata cid, uint32 records)
    external
    payable
    returns (ContributionId id)
  {
    Text.requireCid(cid);
    if (records == 0 || records > MOST_RECORDS) revert RecordCount(records, MOST_RECORDS);
    if (recordsRoot == 0) revert MissingRoot();
    uint256 asked = datanets.minStakeOf(datanet) * records;
    if (msg.value < asked) revert StakeTooLow(msg.value, asked);
    if (msg.value > MOST_STAKE) revert StakeTooHigh(msg.value, MOST_STAKE);

    id = ContributionId.wrap(++count);
    Contribution storage c = _contributions[id];
    c.datanet = datanet;
    c.contributor = msg.sender;
    c.submittedAt = uint40(block.timestamp);
    c.count = records;
    c.state = ContributionState.Pending;
    c.stake = uint128(msg.value);
    c.recordsRoot = recordsRoot;
    totalStaked += msg.value;
    _deposited(msg.value);
    emit ContributionSubmitted(id, datanet, msg.sender, recordsRoot, cid, records, msg.value);
  }

  /// @notice The curator takes all or some of the records; the whole stake becomes claimable by the contributor.
  /// @param acceptedRoot recordsRoot of those taken
  /// @param acceptedCount how many, 1 to all
  /// @param reason a word to the contributor; may be empty only when all were taken
  function accept(ContributionId id, bytes32 acceptedRoot, uint32 acceptedCount, string calldata reason) external {
    Contribution storage c = _pendingForCurator(id);
    bool all = acceptedCount == c.count;
    if (acceptedCount == 0 || acceptedCount > c.count || (all != (acceptedRoot == c.recordsRoot))) {
      revert WrongSelection(acceptedCount, c.count);
    }
    if (acceptedRoot == 0) revert MissingRoot();
    if (!all || bytes(reason).length > 0) Text.requireReason(reason);
    c.state = ContributionState.Accepted;
    c.acceptedCount = acceptedCount;
    c.acceptedRoot = acceptedRoot;
    emit ContributionAccepted(id, c.datanet, c.contributor, acceptedRoot, acceptedCount, reason);
    _release(c, 0);
  }

  /// @notice The curator takes none, says why, and may slash up to half of the stake.
  /// @param slashBps part of the stake that goes to the treasury, in basis points
  function reject(ContributionId id, string calldata reason, uint16 slashBps) external {
    Contribution storage c = _pendingForCurator(id);
    Text.requireReason(reason);
    if (slashBps > MOST_SLASH) revert SlashTooHigh(slashBps, MOST_SLASH);
    uint128 slashed = uint128(uint256(c.stake) * slashBps / FeeMath.BASIS_POINTS);
    c.state = ContributionState.Rejected;
    c.slashed = slashed;
    emit ContributionRejected(id, c.datanet, c.contributor, reason, slashed, c.stake - slashed);
    _release(c, slashed);
  }

  /// @notice The contributor takes back a batch that was not reviewed in time, with the whole stake.
  function reclaim(ContributionId id) external {
    Contribution storage c = _pending(id);
    if (c.contributor != msg.sender) revert NotContributor(id, msg.sender);
    uint256 from = uint256(c.submittedAt) + reviewTimeout;
    if (block.timestamp < from) revert StillInReview(id, from);
    c.state = ContributionState.Reclaimed;
    emit ContributionReclaimed(id, c.datanet, msg.sender);
    _release(c, 0);
  }

  function contribution(ContributionId id) public view returns (Contribution memory c) {
    c = _contributions[id];
    if (c.state == ContributionState.None) revert UnknownContribution(id);
  }

  /// @notice Up to `limit` contributions from id `first` on.
  function page(uint256 first, uint256 limit) external view returns (Contribution[] memory out) {
    if (first == 0) first = 1;
    uint256 available = first > count ? 0 : count - first + 1;
    out = new Contribution[](limit < available ? limit : available);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = contribution(ContributionId.wrap(first + k));
    }
  }

  /// @notice deposited = staked + claimable + withdrawn, always; all in wei.
  function accounting()
    external
    view
    returns (uint256 balance, uint256 staked, uint256 credited, uint256 deposited, uint256 withdrawn)
  {
    return (address(this).balance, totalStaked, totalClaimable, totalDeposited, totalWithdrawn);
  }

  function _release(Contribution storage c, uint256 slashed) private {
    totalStaked -= c.stake;
    _credit(c.contributor, c.stake - slashed);
    _credit(treasury, slashed);
  }

  function _pending(ContributionId id) private view returns (Contribution storage c) {
    c = _contributions[id];
    if (c.state == ContributionState.None) revert UnknownContribution(id);
    if (c.state != ContributionState.Pending) revert AlreadyDecided(id, c.state);
  }

  function _pendingForCurator(ContributionId id) private view returns (Contribution storage c) {
    c = _pending(id);
    if (datanets.curatorOf(c.datanet) != msg.sender) revert NotCurator(c.datanet, msg.sender);
  }
}
