// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { ReentrancyGuard } from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import { PullPayments } from "../src/PullPayments.sol";
import { Settlement } from "../src/Settlement.sol";
import { IAdapterRegistry } from "../src/interfaces/IAdapterRegistry.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import {
  Accounting,
  Claim,
  ClaimState,
  ISettlement,
  PayRequest,
  WithdrawItem
} from "../src/interfaces/ISettlement.sol";
import { FeeMath } from "../src/libraries/FeeMath.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Fee, PayoutRule, Split } from "../src/types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "../src/types/Ids.sol";
import { Deployed } from "./support/Deployed.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { ReenteringContributor } from "./support/ReenteringContributor.sol";

contract SettlementTest is Deployed {
  function setUp() public {
    _deploy();
  }

  function _paid() private returns (ClaimId id, Fee memory fee, bytes32[] memory leaves) {
    PayRequest memory request;
    (request, fee, leaves) = _request("receipt", 13, 37, 6000);
    id = _pay(request, fee.total);
  }

  function _final() private returns (ClaimId id, Fee memory fee, bytes32[] memory leaves) {
    (id, fee, leaves) = _paid();
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
  }

  function _item(ClaimId id, uint256 index, uint256 amount, bytes32[] memory leaves)
    private
    view
    returns (WithdrawItem[] memory items)
  {
    items = new WithdrawItem[](1);
    items[0] = WithdrawItem(id, _opening(id), index, amount, MerkleTree.proof(leaves, index));
  }

  function _books() private view {
    Accounting memory a = settlement.accounting();
    eq(a.balance, a.fees + a.bonds + a.pools + a.claimable, "balance");
    eq(a.deposited, a.fees + a.bonds + a.pools + a.claimable + a.withdrawn, "deposits");
  }

  function test_quoteIsTheFormula() public view {
    Fee memory fee = settlement.quote(adapter, 13, 37);
    eq(fee.total, 0.0393 ether, "total");
    eq(fee.contributors, 0.01915 ether, "contributors");
    eq(settlement.platformFee(), PLATFORM_FEE, "the platform fee is in it");
    Split memory split = settlement.split();
    eq((fee.total - PLATFORM_FEE) * split.owner / 10_000, fee.owner, "owner");
    eq((fee.total - PLATFORM_FEE) * split.stakers / 10_000, fee.stakers, "stakers");
  }

  function test_everyoneGetsTheirPart() public {
    (ClaimId id, Fee memory fee, bytes32[] memory leaves) = _final();
    eq(settlement.claimable(platform), fee.platform, "platform");
    eq(settlement.claimable(curator), fee.owner, "owner");
    eq(settlement.claimable(address(treasury)), fee.stakers, "stakers");
    eq(settlement.claimable(payer), BOND, "the bond is back");
    uint256 first = fee.contributors * 6000 / 10_000;
    vm.prank(alice);
    eq(settlement.withdrawPayouts(_item(id, 0, first, leaves)), first, "alice's sum");
    eq(alice.balance, 100 ether + first, "alice");
    vm.prank(bob);
    settlement.withdrawPayouts(_item(id, 1, fee.contributors - first, leaves));
    eq(settlement.claim(id).paidOut, fee.contributors, "all paid out");
    settlement.withdrawFor(address(treasury));
    eq(address(treasury).balance, fee.stakers, "treasury");
    _books();
  }

  function test_nobodyWithdrawsTwice() public {
    (ClaimId id, Fee memory fee, bytes32[] memory leaves) = _final();
    uint256 first = fee.contributors * 6000 / 10_000;
    WithdrawItem[] memory once = _item(id, 0, first, leaves);
    WithdrawItem[] memory twice = new WithdrawItem[](2);
    (twice[0], twice[1]) = (once[0], once[0]);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.PayoutAlreadyWithdrawn.selector, 1, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(twice);
    vm.prank(alice);
    settlement.withdrawPayouts(once);
    yes(settlement.isPayoutWithdrawn(id, 0, 0), "marked");
    vm.expectRevert(abi.encodeWithSelector(ISettlement.PayoutAlreadyWithdrawn.selector, 1, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(once);
  }

  function test_onlyTheContributorAndOnlyTheAmount() public {
    (ClaimId id, Fee memory fee, bytes32[] memory leaves) = _final();
    uint256 first = fee.contributors * 6000 / 10_000;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongProof.selector, 1, 0));
    vm.prank(bob);
    settlement.withdrawPayouts(_item(id, 0, first, leaves));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongProof.selector, 1, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, first + 1, leaves));
  }

  /// @dev A false root can promise more than the fee holds; it never pays more.
  function test_payoutsNeverExceedThePart() public {
    (PayRequest memory request, Fee memory fee,) = _request("greedy", 13, 37, 0);
    bytes32[] memory leaves = new bytes32[](2);
    leaves[0] = _payout(0, alice, fee.contributors);
    leaves[1] = _payout(1, bob, 1);
    request.answer.payoutRoot = MerkleTree.root(leaves);
    ClaimId id = _pay(request, fee.total);
    // Another claim's fee lies in the contract too: it must not be touched.
    (PayRequest memory other, Fee memory otherFee,) = _request("honest", 13, 37, 5000);
    _pay(other, otherFee.total);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, fee.contributors, leaves));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.PayoutsExceedPart.selector, 1, 1, 0));
    vm.prank(bob);
    settlement.withdrawPayouts(_item(id, 1, 1, leaves));
    _books();
  }

  function test_nothingIsPaidBeforeTheWindowIsOver() public {
    (ClaimId id, Fee memory fee, bytes32[] memory leaves) = _paid();
    uint256 deadline = block.timestamp + WINDOW;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, 1, ClaimState.Open));
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, fee.contributors * 6000 / 10_000, leaves));
    vm.warp(deadline);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WindowOpen.selector, 1, deadline));
    settlement.finalize(id);
    vm.warp(deadline + 1);
    settlement.finalize(id);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, 1, ClaimState.Final));
    settlement.finalize(id);
  }

  function test_oneReceiptIsPaidOnce() public {
    (PayRequest memory request, Fee memory fee,) = _request("same", 1, 1, 5000);
    _pay(request, fee.total);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ReceiptAlreadyPaid.selector, request.answer.receiptHash, 1));
    _pay(request, fee.total);
  }

  /// forge-config: default.fuzz.runs = 10000
  function testFuzz_theValueMustBeFeeAndBond(uint96 value) public {
    (PayRequest memory request, Fee memory fee,) = _request("value", 13, 37, 5000);
    vm.assume(value != fee.total + BOND);
    vm.deal(payer, value);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongPayment.selector, value, fee.total, BOND));
    vm.prank(payer);
    settlement.pay{ value: value }(request);
  }

  function test_aSplitChangedMeanwhileIsNoticed() public {
    (PayRequest memory request, Fee memory fee,) = _request("old", 13, 37, 5000);
    vm.prank(governance);
    settlement.setSplit(Split(1000, 2000, 3000, 4000));
    vm.expectRevert(
      abi.encodeWithSelector(ISettlement.FeeChanged.selector, fee.contributors, 0.0383 ether * 4 / uint256(10))
    );
    _pay(request, fee.total);
  }

  function test_badRequestsSayWhich() public {
    (PayRequest memory request, Fee memory fee,) = _request("bad", 13, 37, 5000);
    request.answer.receiptHash = 0;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "receiptHash"));
    _pay(request, fee.total);
    request.answer.receiptHash = "bad";
    request.answer.tokensOut = 0;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokensOut"));
    _pay(request, fee.total);
    request.answer.tokensOut = 1025 - request.answer.tokensIn;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
    _pay(request, fee.total);
    (request.answer.tokensIn, request.answer.tokensOut) = (type(uint32).max, type(uint32).max);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
    _pay(request, fee.total);
    (request.answer.tokensIn, request.answer.tokensOut) = (13, 37);
    request.answer.payoutCount = 0;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "payoutRoot"));
    _pay(request, fee.total);
    request.answer.payoutCount = 2;
    request.answer.payoutRoot = Merkle.emptyRoot();
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "payoutRoot"));
    _pay(request, fee.total);
    request.adapterId = AdapterId.wrap(77);
    request.answer.payoutRoot = "x";
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.UnknownAdapter.selector, 77));
    _pay(request, fee.total);
  }

  function test_whereNoRecordHelpedTheTreasuryGetsThePart() public {
    (PayRequest memory request,,) = _request("none", 13, 37, 5000);
    Fee memory fee = settlement.quote(adapter, 13, 37);
    (request.answer.payoutCount, request.answer.payoutRoot, request.answer.allocated) = (0, Merkle.emptyRoot(), 0);
    ClaimId id = _pay(request, fee.total);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    eq(settlement.claimable(address(treasury)), 0.0383 ether * 7 / uint256(10), "stakers' and contributors' part");
    eq(settlement.heldFees(), 0, "nothing is held");
    _books();
  }

  function test_whatIsNotAllocatedIsTheStakers() public {
    (PayRequest memory request, Fee memory fee,) = _request("weak", 13, 37, 0);
    uint256 allocated = fee.contributors / 3;
    bytes32[] memory leaves = new bytes32[](1);
    leaves[0] = _payout(0, alice, allocated);
    request.answer = _answer("weak", 13, 37, MerkleTree.root(leaves), 1, allocated);
    ClaimId id = _pay(request, fee.total);
    Claim memory c = settlement.claim(id);
    eq(c.contributorsPart, allocated, "contributors can fetch what was allocated");
    eq(c.stakersPart, fee.stakers + fee.contributors - allocated, "stakers");
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    eq(settlement.claimable(address(treasury)), fee.stakers + fee.contributors - allocated, "treasury");
    eq(settlement.claimable(platform), fee.platform, "the platform's part is the same");
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, allocated, leaves));
    eq(settlement.heldFees(), 0, "nothing is held");
    _books();
  }

  function test_whatIsAllocatedFitsThePartAndThePayouts() public {
    (PayRequest memory request, Fee memory fee,) = _request("odd", 13, 37, 5000);
    request.answer.allocated = uint128(fee.contributors + 1);
    vm.expectRevert(
      abi.encodeWithSelector(ISettlement.AllocatedTooMuch.selector, fee.contributors + 1, fee.contributors)
    );
    _pay(request, fee.total);
    request.answer.allocated = 0;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "allocated"));
    _pay(request, fee.total);
    (request.answer.payoutCount, request.answer.payoutRoot, request.answer.allocated) = (0, Merkle.emptyRoot(), 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "allocated"));
    _pay(request, fee.total);
  }

  function test_aRuleChangedMeanwhileIsNoticed() public {
    (PayRequest memory request, Fee memory fee,) = _request("rule", 13, 37, 5000);
    eq(request.ruleVersion, 1, "first version");
    vm.prank(governance);
    settlement.setPayoutRule(PayoutRule(3000, 500, 2500, 2000));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.RuleChanged.selector, 1, 2));
    _pay(request, fee.total);
    request.ruleVersion = 2;
    ClaimId id = _pay(request, fee.total);
    eq(settlement.claim(id).ruleVersion, 2, "the claim names its rule");
    eq(settlement.payoutRule().nullMultiple, 3000, "in force");
    eq(settlement.payoutRuleOf(1).nullMultiple, 2000, "the first is still known");
    eq(settlement.payoutRuleOf(2).clusterCap, 2500, "and the second");
    vm.expectRevert(abi.encodeWithSelector(ISettlement.UnknownRule.selector, 3));
    settlement.payoutRuleOf(3);
  }

  function test_theOwnerAtPaymentIsPaid() public {
    (ClaimId id, Fee memory fee,) = _paid();
    vm.prank(curator);
    adapters.transferFrom(curator, bob, 1);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    eq(settlement.claimable(curator), fee.owner, "the owner when it was paid");
    eq(settlement.claimable(bob), 0, "not the buyer");
  }

  // ---- Refuted claims ----

  function test_onlyTheDisputesContractRefutes() public {
    (ClaimId id,,) = _paid();
    address[4] memory callers = [governance, payer, bob, address(referee)];
    for (uint256 k = 0; k < callers.length; k++) {
      vm.expectRevert(abi.encodeWithSelector(ISettlement.NotDisputes.selector, callers[k]));
      vm.prank(callers[k]);
      settlement.refute(id, bob);
    }
  }

  function _refuted() private returns (ClaimId id, Fee memory fee) {
    (id, fee,) = _paid();
    vm.prank(address(disputes));
    settlement.refute(id, bob);
  }

  function test_aRefutedClaimPaysTheChallengerAndThePool() public {
    (ClaimId id, Fee memory fee) = _refuted();
    eq(settlement.claimable(bob), BOND / 2, "half of the bond");
    eq(settlement.poolOf(datanet), BOND / 2 + fee.contributors, "the other half and the undividable part");
    eq(settlement.claimable(payer), 0, "nothing for the false claim");
    eq(settlement.claimable(address(treasury)), fee.stakers, "stakers");
    eq(settlement.claimable(curator), fee.owner, "owner");
    eq(settlement.heldFees(), 0, "no fee is held");
    eq(settlement.heldBonds(), 0, "no bond is held");
    eq(settlement.claim(id).challenger, bob, "who showed it");
    _books();
    (,, bytes32[] memory leaves) = _request("receipt", 13, 37, 6000);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, 1, ClaimState.Refuted));
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, fee.contributors * 6000 / 10_000, leaves));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, 1, ClaimState.Refuted));
    settlement.finalize(id);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, 1, ClaimState.Refuted));
    vm.prank(address(disputes));
    settlement.refute(id, alice);
  }

  /// @dev The pool reaches contributors as a tenth on top of what the next final claims of the Datanet pay them.
  function test_thePoolJoinsTheNextPayouts() public {
    (, Fee memory lost) = _refuted();
    uint256 pool = BOND / 2 + lost.contributors;
    (PayRequest memory request, Fee memory fee, bytes32[] memory leaves) = _request("next", 13, 37, 6000);
    ClaimId id = _pay(request, fee.total);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    uint256 bonus = fee.contributors / 10;
    eq(settlement.poolOf(datanet), pool - bonus, "a tenth of the payouts was drawn");
    _books();
    uint256 first = fee.contributors * 6000 / 10_000;
    vm.prank(alice);
    eq(settlement.withdrawPayouts(_item(id, 0, first, leaves)), first + first / 10, "alice's part of it");
    vm.prank(bob);
    settlement.withdrawPayouts(_item(id, 1, fee.contributors - first, leaves));
    yes(settlement.heldFees() <= 1, "at most a wei of rounding is left");
    _books();
  }

  function test_aSmallPoolIsDrawnToItsEnd() public {
    _refuted();
    uint256 rounds = 0;
    while (settlement.poolOf(datanet) > 1e15) {
      (PayRequest memory request, Fee memory fee,) = _request(keccak256(abi.encode(rounds++)), 13, 1000, 6000);
      ClaimId id = _pay(request, fee.total);
      vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
      settlement.finalize(id);
      _books();
    }
    yes(rounds > 0 && rounds < 30, "after a few claims");
  }

  function testFuzz_anyoneAddsToAPool(uint64 first, uint64 second) public {
    vm.deal(bob, uint256(first) + second);
    vm.startPrank(bob);
    settlement.addToPool{ value: first }(datanet);
    vm.expectEmit(address(settlement));
    emit ISettlement.PoolGrown(datanet, bob, second);
    settlement.addToPool{ value: second }(datanet);
    vm.stopPrank();
    eq(settlement.poolOf(datanet), uint256(first) + second, "the pool");
    eq(settlement.poolOf(DatanetId.wrap(2)), 0, "no other");
    _books();
    (PayRequest memory request, Fee memory fee,) = _request("next", 13, 37, 6000);
    ClaimId id = _pay(request, fee.total);
    vm.warp(vm.getBlockTimestamp() + WINDOW + 1);
    settlement.finalize(id);
    uint256 pool = uint256(first) + second;
    uint256 bps = pool * 10_000 / fee.contributors;
    uint256 bonus = fee.contributors * (bps < 1000 ? bps : 1000) / 10_000;
    eq(settlement.poolOf(datanet), pool - bonus, "joins the next payouts");
    _books();
  }

  /// @dev As many tokens as can be checked, in an answer by itself.
  function test_theLongestAnswerIsTaken() public {
    (PayRequest memory request, Fee memory fee,) = _request("longest", 1000, 24, 6000);
    ClaimId id = _pay(request, fee.total);
    eq(settlement.claim(id).tokensIn + settlement.claim(id).tokensOut, 1024, "tokens");
  }

  // ---- Bonds ----

  function test_theBondIsThreeDisputesOrThePayouts() public {
    eq(settlement.bond(), BOND, "three times 5,000,000 gas");
    eq(settlement.bondFor(1 ether), 1 ether, "at least the payouts");
    eq(settlement.bondFor(0), BOND, "of however many answers");
    (PayRequest memory request, Fee memory fee,) = _request("dear", 13, 1000, 6000);
    yes(fee.contributors > BOND, "a dear answer");
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongPayment.selector, fee.total + BOND, fee.total, fee.contributors));
    vm.prank(payer);
    settlement.pay{ value: fee.total + BOND }(request);
    ClaimId id = _pay(request, fee.total);
    eq(settlement.claim(id).bond, fee.contributors, "the claim's bond");
    eq(settlement.heldBonds(), fee.contributors, "is held");
  }

  // ---- Governance ----

  function testFuzz_splitsMustBeWhole(uint16 a, uint16 b, uint16 c, uint16 d) public {
    uint256 sum = uint256(a) + b + c + d;
    vm.assume(sum != 10_000);
    vm.expectRevert(abi.encodeWithSelector(FeeMath.SplitNotWhole.selector, sum));
    vm.prank(governance);
    settlement.setSplit(Split(a, b, c, d));
  }

  function test_governedNumbersHaveBounds() public {
    vm.startPrank(governance);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.OutOfBounds.selector, "platform part", 3001, 0, 3000));
    settlement.setSplit(Split(3001, 1000, 999, 5000));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.OutOfBounds.selector, "contributors part", 2999, 3000, 10_000));
    settlement.setSplit(Split(1000, 4001, 2000, 2999));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.OutOfBounds.selector, "platform fee", 1 ether + 1, 0, 1 ether));
    settlement.setPlatformFee(1 ether + 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector, "platform"));
    settlement.setPlatform(address(0));
    bytes4 bounds = ISettlement.OutOfBounds.selector;
    vm.expectRevert(abi.encodeWithSelector(bounds, "multiple of the noise", 999, 1000, 10_000));
    settlement.setPayoutRule(PayoutRule(999, 1000, 5000, 2000));
    vm.expectRevert(abi.encodeWithSelector(bounds, "multiple of the noise", 10_001, 1000, 10_000));
    settlement.setPayoutRule(PayoutRule(10_001, 1000, 5000, 2000));
    vm.expectRevert(abi.encodeWithSelector(bounds, "reserve", 10_001, 0, 10_000));
    settlement.setPayoutRule(PayoutRule(2000, 10_001, 5000, 2000));
    vm.expectRevert(abi.encodeWithSelector(bounds, "cap of a cluster", 999, 1000, 10_000));
    settlement.setPayoutRule(PayoutRule(2000, 1000, 999, 2000));
    vm.expectRevert(abi.encodeWithSelector(bounds, "cap of a cluster", 10_001, 1000, 10_000));
    settlement.setPayoutRule(PayoutRule(2000, 1000, 10_001, 2000));
    vm.expectRevert(abi.encodeWithSelector(bounds, "retrieval part", 5001, 0, 5000));
    settlement.setPayoutRule(PayoutRule(2000, 1000, 5000, 5001));
    vm.stopPrank();
    vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
    vm.prank(alice);
    settlement.setPayoutRule(PayoutRule(2000, 1000, 5000, 2000));
    vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
    vm.prank(alice);
    settlement.setPlatformFee(0);
  }

  // ---- Hostile receivers ----

  function test_reenteringGetsNothingMore() public {
    ReenteringContributor attacker = new ReenteringContributor(settlement);
    (PayRequest memory request, Fee memory fee,) = _request("attack", 13, 37, 0);
    bytes32[] memory leaves = new bytes32[](1);
    leaves[0] = _payout(0, address(attacker), fee.contributors);
    (request.answer.payoutRoot, request.answer.payoutCount) = (MerkleTree.root(leaves), 1);
    ClaimId id = _pay(request, fee.total);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    vm.expectRevert(abi.encodeWithSelector(PullPayments.TransferRefused.selector, address(attacker), fee.contributors));
    attacker.take(id, _opening(id), fee.contributors, true);
    eq(attacker.reason(), bytes4(0), "all of it was undone");
    attacker.take(id, _opening(id), fee.contributors, false);
    eq(address(attacker).balance, fee.contributors, "once");
    eq(attacker.reason(), ReentrancyGuard.ReentrancyGuardReentrantCall.selector, "the inner call was stopped");
  }

  /// forge-config: default.fuzz.runs = 10000
  function testFuzz_conservation(uint32 tokensIn, uint32 tokensOut, uint16 aliceBps) public {
    tokensOut = uint32(bound(tokensOut, 1, 1024));
    tokensIn = uint32(bound(tokensIn, 0, 1024 - tokensOut));
    (PayRequest memory request, Fee memory fee, bytes32[] memory leaves) =
      _request("any", tokensIn, tokensOut, bound(aliceBps, 0, 10_000));
    vm.deal(payer, fee.total + settlement.bondFor(fee.contributors));
    ClaimId id = _pay(request, fee.total);
    _books();
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    _books();
    uint256 first = fee.contributors * bound(aliceBps, 0, 10_000) / 10_000;
    if (first > 0) {
      vm.prank(alice);
      settlement.withdrawPayouts(_item(id, 0, first, leaves));
    }
    _books();
    Claim memory c = settlement.claim(id);
    eq(c.paidOut, first, "paid out");
  }

  function test_emptyAndOversizedWithdrawalsAreRefused() public {
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ItemCount.selector, 0, 200));
    settlement.withdrawPayouts(new WithdrawItem[](0));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ItemCount.selector, 201, 200));
    settlement.withdrawPayouts(new WithdrawItem[](201));
    // A payout of nothing is proved, and still nothing is sent.
    (PayRequest memory request, Fee memory fee, bytes32[] memory leaves) = _request("zero", 13, 37, 0);
    ClaimId id = _pay(request, fee.total);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    vm.expectRevert(abi.encodeWithSelector(PullPayments.NothingToWithdraw.selector, alice));
    vm.prank(alice);
    settlement.withdrawPayouts(_item(id, 0, 0, leaves));
  }

  function test_unknownClaimsSaySo() public {
    bytes memory unknown = abi.encodeWithSelector(ISettlement.UnknownClaim.selector, 5);
    ClaimId id = ClaimId.wrap(5);
    vm.expectRevert(unknown);
    settlement.claim(id);
    vm.expectRevert(unknown);
    settlement.finalize(id);
  }

  function testFuzz_pagesCoverEveryIdOnce(uint8 more, uint8 first, uint8 limit) public {
    uint256 total = bound(more, 0, 6);
    for (uint32 k = 1; k <= total; k++) {
      (PayRequest memory request, Fee memory fee,) = _request(bytes32(uint256(k)), 1, k, 5000);
      _pay(request, fee.total);
    }
    Claim[] memory page = settlement.page(first, limit);
    uint256 from = first == 0 ? 1 : first;
    uint256 expected = from > total ? 0 : total - from + 1;
    eq(page.length, expected < limit ? expected : limit, "length");
    for (uint256 k = 0; k < page.length; k++) {
      eq(page[k].tokensOut, from + k, "the claim of that id");
    }
  }

  function test_aClaimKeepsTheTermsItWasPaidBy() public {
    (ClaimId id, Fee memory fee,) = _paid();
    vm.startPrank(governance);
    settlement.setSplit(Split(0, 3000, 0, 7000));
    settlement.setPlatformFee(0.5 ether);
    vm.stopPrank();
    vm.prank(curator);
    adapters.setPrices(adapter, 1, 1);
    Claim memory c = settlement.claim(id);
    eq(c.total, fee.total, "total");
    eq(c.ownerPart, fee.owner, "owner");
    eq(c.stakersPart, fee.stakers, "stakers");
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    eq(settlement.claimable(platform), fee.platform, "platform");
    _books();
  }

  function test_governanceChangesWhoIsPaidFromNowOn() public {
    (ClaimId id, Fee memory fee,) = _paid();
    vm.prank(governance);
    settlement.setPlatform(bob);
    vm.warp(block.timestamp + WINDOW + 1);
    settlement.finalize(id);
    eq(settlement.claimable(bob), fee.platform, "the platform when it is final");
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector, "treasury"));
    new Settlement(governance, platform, adapters, disputes, runs, address(0), 0, 1, 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector, "disputes"));
    new Settlement(governance, platform, adapters, IDisputes(address(0)), runs, address(treasury), 0, 1, 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector, "runs"));
    new Settlement(governance, platform, adapters, disputes, IRuns(address(0)), address(treasury), 0, 1, 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector, "platform"));
    new Settlement(governance, address(0), adapters, disputes, runs, address(treasury), 0, 1, 1);
  }
}
