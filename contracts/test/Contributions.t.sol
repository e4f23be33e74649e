// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "../src/PullPayments.sol";
import { Contribution, ContributionState, IContributions } from "../src/interfaces/IContributions.sol";
import { IDatanetRegistry } from "../src/interfaces/IDatanetRegistry.sol";
import { Text } from "../src/libraries/Text.sol";
import { ContributionId, DatanetId } from "../src/types/Ids.sol";
import { Deployed } from "./support/Deployed.sol";

contract ContributionsTest is Deployed {
  bytes32 private constant ROOT = keccak256("batch");

  function setUp() public {
    _deploy();
  }

  function _submit(uint32 records, uint256 stake) private returns (ContributionId) {
    vm.prank(alice);
    return contributions.submit{ value: stake }(datanet, ROOT, CID, records);
  }

  function _state(ContributionId id) private view returns (uint256) {
    return uint256(contributions.contribution(id).state);
  }

  function test_theStakeIsLockedUntilTheReview() public {
    ContributionId id = _submit(3, 0.03 ether);
    eq(contributions.claimable(alice), 0, "locked");
    eq(contributions.totalStaked(), 0.03 ether, "staked");
    vm.expectRevert(abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, alice));
    vm.prank(alice);
    contributions.withdraw();
    vm.prank(curator);
    contributions.accept(id, ROOT, 3, "");
    eq(contributions.claimable(alice), 0.03 ether, "claimable");
    uint256 before = alice.balance;
    vm.prank(alice);
    contributions.withdraw();
    eq(alice.balance, before + 0.03 ether, "withdrawn");
    vm.expectRevert(abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, alice));
    vm.prank(alice);
    contributions.withdraw();
  }

  function testFuzz_aStakeBelowTheAskedIsRefused(uint32 records, uint256 stake) public {
    records = uint32(bound(records, 1, 1000));
    stake = bound(stake, 0, MIN_STAKE * records - 1);
    vm.expectRevert(abi.encodeWithSelector(IContributions.StakeTooLow.selector, stake, MIN_STAKE * records));
    _submit(records, stake);
  }

  function test_aStakeIsBounded() public {
    vm.deal(alice, 4 * uint256(type(uint128).max));
    uint256 most = contributions.MOST_STAKE();
    vm.expectRevert(abi.encodeWithSelector(IContributions.StakeTooHigh.selector, most + 1, most));
    _submit(1, most + 1);
    _submit(1, most);
    (uint256 balance, uint256 staked, uint256 credited, uint256 deposited, uint256 withdrawn) =
      contributions.accounting();
    eq(balance, most, "balance");
    eq(staked + credited + withdrawn, deposited, "books");
  }

  function test_whatWasNotSubmittedIsNotReviewed() public {
    ContributionId none = ContributionId.wrap(9);
    vm.expectRevert(abi.encodeWithSelector(IContributions.UnknownContribution.selector, none));
    vm.prank(curator);
    contributions.accept(none, ROOT, 3, "");
    vm.expectRevert(abi.encodeWithSelector(IContributions.UnknownContribution.selector, none));
    contributions.reclaim(none);
  }

  function test_batchSizeIsBounded() public {
    vm.expectRevert(abi.encodeWithSelector(IContributions.RecordCount.selector, 0, 100_000));
    _submit(0, 1 ether);
    vm.expectRevert(abi.encodeWithSelector(IContributions.RecordCount.selector, 100_001, 100_000));
    _submit(100_001, 1 ether);
  }

  function test_onlyTheCuratorReviewsAndOnce() public {
    ContributionId id = _submit(3, 0.03 ether);
    vm.expectRevert(abi.encodeWithSelector(IContributions.NotCurator.selector, 1, alice));
    vm.prank(alice);
    contributions.accept(id, ROOT, 3, "");
    vm.prank(curator);
    contributions.accept(id, ROOT, 3, "");
    vm.expectRevert(abi.encodeWithSelector(IContributions.AlreadyDecided.selector, 1, ContributionState.Accepted));
    vm.prank(curator);
    contributions.reject(id, "no", 0);
  }

  function test_aCuratorCanTakeSome() public {
    ContributionId id = _submit(5, 0.05 ether);
    vm.startPrank(curator);
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "reason", 0, 1000));
    contributions.accept(id, "some", 2, "");
    vm.expectRevert(abi.encodeWithSelector(IContributions.WrongSelection.selector, 5, 5));
    contributions.accept(id, "some", 5, "not the batch's root");
    vm.expectRevert(abi.encodeWithSelector(IContributions.WrongSelection.selector, 2, 5));
    contributions.accept(id, ROOT, 2, "the batch's root for fewer");
    vm.expectRevert(abi.encodeWithSelector(IContributions.WrongSelection.selector, 6, 5));
    contributions.accept(id, "more", 6, "more than there are");
    vm.expectRevert(abi.encodeWithSelector(IContributions.WrongSelection.selector, 0, 5));
    contributions.accept(id, "none", 0, "none");
    contributions.accept(id, "some", 2, "three were not about exploits");
    vm.stopPrank();
    Contribution memory c = contributions.contribution(id);
    eq(c.acceptedCount, 2, "accepted");
    eq(c.acceptedRoot, "some", "root");
    eq(contributions.claimable(alice), 0.05 ether, "the whole stake is back");
  }

  function testFuzz_slashingSplitsTheStakeExactly(uint128 extra, uint16 slashBps) public {
    extra = uint128(bound(extra, 0, 10 ether));
    slashBps = uint16(bound(slashBps, 0, 5000));
    ContributionId id = _submit(1, MIN_STAKE + extra);
    vm.prank(curator);
    contributions.reject(id, "copied", slashBps);
    uint256 slashed = uint256(MIN_STAKE + extra) * slashBps / 10_000;
    eq(contributions.claimable(address(treasury)), slashed, "treasury");
    eq(contributions.claimable(alice), MIN_STAKE + extra - slashed, "contributor");
    eq(contributions.contribution(id).slashed, slashed, "recorded");
    if (slashed > 0) {
      contributions.withdrawFor(address(treasury));
      eq(address(treasury).balance, slashed, "collected by anyone, for the treasury only");
    }
  }

  function testFuzz_neverMoreThanHalfIsSlashed(uint16 slashBps) public {
    slashBps = uint16(bound(slashBps, 5001, type(uint16).max));
    ContributionId id = _submit(1, MIN_STAKE);
    vm.expectRevert(abi.encodeWithSelector(IContributions.SlashTooHigh.selector, slashBps, 5000));
    vm.prank(curator);
    contributions.reject(id, "too much", slashBps);
  }

  function test_aRejectionNeedsAReason() public {
    ContributionId id = _submit(1, MIN_STAKE);
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "reason", 0, 1000));
    vm.prank(curator);
    contributions.reject(id, "", 0);
  }

  function test_anUnreviewedStakeIsNeverStuck() public {
    ContributionId id = _submit(1, MIN_STAKE);
    uint256 from = block.timestamp + REVIEW;
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IContributions.StillInReview.selector, 1, from));
    vm.prank(alice);
    contributions.reclaim(id);
    vm.warp(from);
    vm.expectRevert(abi.encodeWithSelector(IContributions.NotContributor.selector, 1, bob));
    vm.prank(bob);
    contributions.reclaim(id);
    vm.prank(alice);
    contributions.reclaim(id);
    eq(_state(id), uint256(ContributionState.Reclaimed), "state");
    eq(contributions.claimable(alice), MIN_STAKE, "claimable");
    vm.expectRevert(abi.encodeWithSelector(IContributions.AlreadyDecided.selector, 1, ContributionState.Reclaimed));
    vm.prank(curator);
    contributions.accept(id, ROOT, 1, "");
  }

  function test_unknownOnesSaySo() public {
    vm.expectRevert(abi.encodeWithSelector(IContributions.UnknownContribution.selector, 4));
    contributions.contribution(ContributionId.wrap(4));
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.UnknownDatanet.selector, 4));
    vm.prank(alice);
    contributions.submit{ value: 1 ether }(DatanetId.wrap(4), ROOT, CID, 1);
  }

  function test_whatIsMissingIsRefused() public {
    vm.startPrank(alice);
    vm.expectRevert(IContributions.MissingRoot.selector);
    contributions.submit{ value: MIN_STAKE }(datanet, 0, CID, 1);
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "cid", 0, 128));
    contributions.submit{ value: MIN_STAKE }(datanet, ROOT, "", 1);
    vm.stopPrank();
    ContributionId id = _submit(2, 2 * MIN_STAKE);
    vm.expectRevert(IContributions.MissingRoot.selector);
    vm.prank(curator);
    contributions.accept(id, 0, 1, "no root");
  }

  function testFuzz_pagesCoverEveryIdOnce(uint8 more, uint8 first, uint8 limit) public {
    uint256 total = bound(more, 0, 6);
    for (uint32 k = 1; k <= total; k++) {
      _submit(k, MIN_STAKE * k);
    }
    Contribution[] memory page = contributions.page(first, limit);
    uint256 from = first == 0 ? 1 : first;
    uint256 expected = from > total ? 0 : total - from + 1;
    eq(page.length, expected < limit ? expected : limit, "length");
    for (uint256 k = 0; k < page.length; k++) {
      eq(page[k].count, from + k, "the contribution of that id");
    }
  }
}
