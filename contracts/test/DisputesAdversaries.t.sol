// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Disputes } from "../src/Disputes.sol";
import { PayoutJudge } from "../src/PayoutJudge.sol";
import { Settlement } from "../src/Settlement.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IGames, Place } from "../src/interfaces/IGames.sol";
import { BatchRequest, ClaimState, ISettlement, PayRequest, WithdrawItem } from "../src/interfaces/ISettlement.sol";
import { AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { Meddling } from "./support/Meddling.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { SameTrace } from "./support/SameTrace.sol";

/// @notice The adversaries of the games that are about blocks, clocks, prices and amounts; those about what is proved and
/// demanded are in Disputes.t.sol, DisputesNodes.t.sol, DisputesBatch.t.sol and DisputesPayout.t.sol, a day's censorship in
/// DisputesCensorship.t.sol.
contract DisputesAdversariesTest is Disputing {
  ClaimId private _id;

  function setUp() public {
    _deploy();
    _id = _paidClaim("receipt");
  }

  // ---- Claimants ----

  /// @dev What was shown, or proved, of one claim is of no use for the next.
  function test_oldRepliesAndProofsAnswerNoOtherClaim() public {
    (PayRequest memory request, Fee memory fee,) = _request("next", 13, 37, 6000);
    request.answer.traceRoot = keccak256("another trace");
    ClaimId next = _pay(request, fee.total);
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    _reveal(_id, place);
    _demand(bob, next, place);
    AnswerOpening memory old = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, next, 0));
    disputes.reveal(next, old, _shown(3, 2, SameTrace.values()));
    AnswerOpening memory own = _opening(next);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotTheLeaf.selector, place));
    disputes.reveal(next, own, _shown(3, 2, SameTrace.values()));
    vm.warp(uint256(disputes.demandOf(next.game(), place).due) + 1);
    disputes.convictSilence(next.game(), place);
    _is(next, ClaimState.Refuted);
    // Nor do payouts that were proved for one claim fetch anything of another.
    (,, bytes32[] memory leaves) = _request("receipt", 13, 37, 6000);
    ClaimId last = _paidLast();
    _finalAt(last, _deadline(last) + 1);
    WithdrawItem[] memory items = new WithdrawItem[](1);
    items[0] = WithdrawItem(last, old, 0, fee.contributors * 6000 / 10_000, MerkleTree.proof(leaves, 0));
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongProof.selector, last, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(items);
  }

  function _paidLast() private returns (ClaimId) {
    (PayRequest memory request, Fee memory fee,) = _request("last", 13, 37, 5000);
    return _pay(request, fee.total);
  }

  /// @dev A claimant who waits for a challenge and makes the claim final in its block, before or after it: no moment is open
  /// to both.
  function testFuzz_noBlockTakesBothAChallengeAndTheEnd(uint16 time, bool demanded, bool answered) public {
    uint256 start = vm.getBlockTimestamp();
    if (demanded) {
      _demand(alice, _id, Place(0, 1, 1, 0, 0));
      if (answered) _reveal(_id, Place(0, 1, 1, 0, 0));
    }
    vm.warp(start + time % (3 * WINDOW));
    uint256 here = vm.snapshotState();
    bool ends = _tries(address(settlement), abi.encodeCall(Settlement.finalize, (_id)), 0);
    bool afterwards = _tries(address(disputes), abi.encodeCall(IGames.commit, (_id.game(), "x")), 0);
    yes(!(ends && afterwards), "a final claim is not challenged");
    vm.revertToState(here);
    bool begins = _tries(address(disputes), abi.encodeCall(IGames.commit, (_id.game(), "x")), 0);
    bool lost = _tries(address(settlement), abi.encodeCall(Settlement.finalize, (_id)), 0);
    yes(!(begins && lost), "a challenged claim does not become final");
    yes(!(begins && ends), "never both in one block, whatever the order");
    vm.revertToState(here);
    bytes memory call = abi.encodeCall(IGames.demand, (_id.game(), _one(Place(0, 2, 1, 0, 0))));
    yes(!(_tries(address(disputes), call, DEMAND_BOND) && ends), "nor a demand");
  }

  function _tries(address to, bytes memory data, uint256 value) private returns (bool done) {
    vm.deal(bob, 1 ether);
    vm.prank(bob);
    (done,) = to.call{ value: value }(data);
  }

  // ---- Challengers ----

  /// @dev All in the last second, in one transaction: the maker has time for each, and the hard stop holds.
  function test_aHundredPlacesInTheLastSecondCanBeAnswered() public {
    vm.warp(_deadline(_id));
    Place[] memory places = new Place[](100);
    for (uint32 k = 0; k < 100; k++) {
      places[k] = Place(0, k % 10, k / 10, 0, 0);
    }
    _demandAll(bob, _id, places);
    uint256 bonds = (300_000 + 99 * 100_000 + 100 * 45_000) * uint256(GAS_PRICE);
    uint256 last = _deadline(_id) + WINDOW / 2;
    for (uint256 k = 0; k < 100; k++) {
      uint256 due = _deadline(_id) + REPLY + uint256(REPLY) * (k < 8 ? k : 8) / 32;
      eq(disputes.demandOf(_id.game(), places[k]).due, due < last ? due : last, "one after the other");
    }
    for (uint256 k = 0; k < 100; k++) {
      vm.warp(disputes.demandOf(_id.game(), places[k]).due);
      _reveal(_id, places[k]);
    }
    eq(disputes.claimable(address(this)), bonds, "and whoever did it in the last moment was paid for each");
    uint256 held = disputes.heldUntil(_id.game());
    yes(held <= _deadline(_id) + WINDOW, "twice the window at most");
    _finalAt(_id, held + 1);
    _solvent();
  }

  /// @dev A reply that is seen on its way is copied: it pays the maker all the same. Later whoever saves the maker is paid.
  function testFuzz_aCopiedReplyPaysTheMaker(uint8 later) public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    later = uint8(bound(later, 0, REPLY));
    vm.warp(vm.getBlockTimestamp() + later);
    uint256 before = disputes.claimable(bob);
    AnswerOpening memory opening = _opening(_id);
    vm.prank(bob);
    disputes.reveal(_id, opening, _shown(3, 2, SameTrace.values()));
    bool early = later <= REPLY / 2;
    eq(disputes.claimable(payer), early ? DEMAND_BOND : 0, "the maker, in the first half of the time");
    eq(disputes.claimable(bob) - before, early ? 0 : DEMAND_BOND, "then the caller");
    _solvent();
  }

  /// @dev Commitments are made in one game each: one that is still open does not lend its time to another.
  function test_aCommitmentCountsInItsOwnGameOnly() public {
    bytes memory data = _stepCall(_id, true, SALT);
    vm.warp(_deadline(_id) + 1);
    ClaimId next = _paidClaim("next");
    bytes32 commitment = _commitment(bob, data);
    vm.prank(bob);
    vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, 1, _deadline(_id)));
    disputes.commit(_id.game(), commitment);
    vm.prank(bob);
    disputes.commit(next.game(), commitment);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.NotCommitted.selector, bob, commitment));
    eq(disputes.heldUntil(_id.game()), 0, "and holds nothing");
    settlement.finalize(_id);
  }

  /// @dev A claimant who replies in the last second each time, and has puppets demand other places so that there is more
  /// time: the four rounds of a search fit all the same, and a proof after them.
  function test_aSlowClaimantWithPuppetsIsSearchedThrough() public {
    uint40 window = 4 * WINDOW;
    Disputes slow = _disputesFor(window, 4 * PROVE, 24);
    address puppet = person("puppet");
    uint256 start = vm.getBlockTimestamp();
    for (uint32 round = 0; round < 4; round++) {
      for (uint32 k = 0; k < 20; k++) {
        _demand(puppet, _id, Place(0, 9, 20 * round + k, 0, 0));
      }
      Place memory place = Place(0, round, 0, 0, 0);
      _demand(bob, _id, place);
      eq(disputes.demandOf(_id.game(), place).due, start + 30 * (round + 1), "5/4 of the time for a reply");
      for (uint32 k = 0; k < 20; k++) {
        _reveal(_id, Place(0, 9, 20 * round + k, 0, 0));
      }
      vm.warp(start + 30 * (round + 1));
      _reveal(_id, place);
    }
    eq(vm.getBlockTimestamp(), _deadline(_id) + window / 2, "to the last second");
    // No more rounds, and with a puppet's demands no more time.
    vm.expectPartialRevert(IGames.TooLateToBegin.selector);
    slow.demand{ value: DEMAND_BOND }(_id.game(), _one(Place(0, 5, 0, 0, 0)));
    bytes memory data = _stepCall(_id, true, SALT);
    vm.warp(vm.getBlockTimestamp() + 4 * PROVE);
    _commit(bob, _id, data);
    _nextBlock();
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
    _solvent();
  }

  /// @dev Demands on what was shown come after the window, but not so late that a reply has less than its time, and not
  /// where nothing was demanded within it.
  function testFuzz_everyDemandHasItsWholeTime(uint8 first, uint8 second) public {
    uint256 deadline = _deadline(_id);
    vm.warp(deadline - bound(first, 0, WINDOW));
    _demand(bob, _id, Place(0, 1, 0, 0, 0));
    uint256 until = disputes.demandUntil(_id.game());
    uint256 shown = uint256(disputes.demandOf(_id.game(), Place(0, 1, 0, 0, 0)).due) + PROVE;
    eq(until, shown > deadline ? (shown < deadline + 6 ? shown : deadline + 6) : deadline, "until proveTime after a reply");
    vm.warp(vm.getBlockTimestamp() + second % (2 * WINDOW));
    if (vm.getBlockTimestamp() > until) {
      vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, _id, until));
      disputes.demand{ value: DEMAND_BOND }(_id.game(), _one(Place(0, 2, 0, 0, 0)));
    } else {
      _demand(bob, _id, Place(0, 2, 0, 0, 0));
      uint256 due = disputes.demandOf(_id.game(), Place(0, 2, 0, 0, 0)).due;
      yes(due >= vm.getBlockTimestamp() + REPLY && due <= deadline + WINDOW / 2, "all its time, and the hard stop");
    }
  }

  /// @dev The hard stop cuts what open demands would add, never the time itself.
  function test_theHardStopLeavesTheWholeTime() public {
    vm.warp(_deadline(_id));
    _demand(bob, _id, Place(0, 1, 0, 0, 0));
    uint256 until = disputes.demandUntil(_id.game());
    eq(until, _deadline(_id) + WINDOW / 2 - REPLY, "replyTime before it");
    vm.warp(until);
    Place[] memory places = new Place[](10);
    for (uint32 k = 0; k < 10; k++) {
      places[k] = Place(0, 2, k, 0, 0);
    }
    _demandAll(bob, _id, places);
    for (uint32 k = 0; k < 10; k++) {
      eq(disputes.demandOf(_id.game(), places[k]).due, until + REPLY, "all at the hard stop");
    }
    eq(disputes.clockOf(_id.game()).commitUntil, until + REPLY + PROVE, "and time to prove");
  }

  // ---- The chain ----

  /// @dev Who sees what a claimant shows, and has committed before, proves in the same block.
  function test_aProofInTheBlockOfTheReply() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(alice, _id, place);
    bytes memory data = _stepCall(_id, true, SALT);
    _commit(bob, _id, data);
    _nextBlock();
    uint256 here = vm.snapshotState();
    _reveal(_id, place);
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
    eq(disputes.claimable(payer), DEMAND_BOND, "the reply came first and is paid");
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, place));
    disputes.takeBack(_id.game(), place);
    _solvent();
    // The other order.
    vm.revertToState(here);
    _send(bob, data);
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, _id));
    disputes.reveal(_id, opening, _shown(3, 2, SameTrace.values()));
    disputes.takeBack(_id.game(), place);
    eq(disputes.claimable(alice), DEMAND_BOND, "no reply, no pay");
    eq(disputes.claimable(payer), 0, "for the claimant");
    _solvent();
  }

  /// @dev The block with the commitment is replaced, and both transactions come into one block: the proof waits for the
  /// next, and nothing of it is anybody else's meanwhile.
  function test_aReorgDelaysAProofAndStealsNothing() public {
    bytes memory data = _stepCall(_id, true, SALT);
    uint256 before = vm.snapshotState();
    _commit(bob, _id, data);
    _nextBlock();
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
    vm.revertToState(before);
    _is(_id, ClaimState.Open);
    // The proof alone, its commitment gone: seen by all, and of no use.
    vm.roll(vm.getBlockNumber() + 2);
    _refused(bob, data, abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, data)));
    _refused(alice, data, abi.encodeWithSelector(IGames.NotCommitted.selector, alice, _commitment(alice, data)));
    // The commitment is mined again, in the proof's block.
    _commit(bob, _id, data);
    _refused(bob, data, abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    // Alice has read it and commits as well: bob's transaction is as early as hers, and he need not wait for her.
    _commit(alice, _id, data);
    _refused(alice, data, abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    _nextBlock();
    _send(bob, data);
    eq(settlement.claim(_id).challenger, bob, "who found it");
    _refused(alice, data, abi.encodeWithSelector(IGames.NotOpen.selector, _id));
  }

  /// @dev A demand whose block is replaced has its time from the new block on: no reply is late because of that.
  function test_aReorgGivesTheClaimantTheWholeTime() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    uint256 before = vm.snapshotState();
    _demand(bob, _id, place);
    uint256 due = disputes.demandOf(_id.game(), place).due;
    vm.revertToState(before);
    vm.warp(vm.getBlockTimestamp() + 3);
    _demand(bob, _id, place);
    eq(disputes.demandOf(_id.game(), place).due, due + 3, "from its own block on");
    vm.warp(due + 3);
    _reveal(_id, place);
    _is(_id, ClaimState.Open);
  }

  /// @dev Bonds are made for `stressedGasPrice`, which a deployment sets: here 4 gwei, a hundred times 0.04 gwei. At that
  /// price half a bond still pays for a whole dispute at worst and half of another, and the whole bond for three. The
  /// assumption is that gas does not cost more than that for a whole window.
  function test_gasAHundredTimesDearerStillPaysToChallenge() public {
    uint256 ordinary = 0.04 gwei;
    eq(settlement.stressedGasPrice(), 100 * ordinary, "the price that bonds are made for");
    uint256 worst = settlement.STRESSED_GAS() * 100 * ordinary;
    eq(settlement.claim(_id).bond, 3 * worst, "three disputes");
    yes(settlement.claim(_id).bond / 2 >= worst * 3 / 2, "the challenger's half pays for one and a half");
    // A claimant is paid for replies at the same price: 223,000 to 344,000 gas, DisputesGas.t.sol.
    eq(disputes.demandBond(Place(0, 0, 0, 0, 0)), (300_000 + 45_000) * 100 * ordinary, "and a claimant's reply");
    // Nothing that follows from the price moves with the price of the day.
    vm.txGasPrice(1000 * ordinary);
    eq(settlement.bond(), 3 * worst, "bonds are what they were");
    Place[] memory places = new Place[](9);
    for (uint32 k = 0; k < 9; k++) {
      places[k] = Place(0, k, 0, 0, 0);
    }
    uint256 before = bob.balance;
    _demandAll(bob, _id, places);
    for (uint256 k = 0; k < 9; k++) {
      _reveal(_id, places[k]);
    }
    _prove(bob, _id, _stepCall(_id, true, SALT));
    settlement.withdrawFor(bob);
    yes(bob.balance > before, "nine demands paid for, and still something won");
  }

  /// @dev The same contracts with other times, and a claim in them.
  function _disputesFor(uint40 window, uint40 proveTime, uint40 replyTime) private returns (Disputes) {
    PayoutJudge judge = new PayoutJudge(referee);
    address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
    settlement = new Settlement(
      governance, platform, adapters, IDisputes(next), runs, address(treasury), PLATFORM_FEE, window, GAS_PRICE
    );
    disputes = new Disputes(settlement, referee, judge, datanets, proveTime, replyTime);
    _id = _paidClaim("slow");
    return disputes;
  }

  // ---- Contracts ----

  /// @dev In the middle of a payment the same contract's payments are locked, and all else finds its books settled.
  function test_nothingIsGainedInTheMiddleOfAPayment() public {
    ClaimId other = _paidClaim("other");
    Meddling meddler = new Meddling();
    _prove(address(meddler), _id, _stepCall(_id, true, SALT));
    meddler.next(address(settlement), abi.encodeCall(settlement.withdrawFor, (address(meddler))), 0);
    settlement.withdrawFor(address(meddler));
    yes(!meddler.done(), "no second payment");
    eq(address(meddler).balance, BOND / 2, "half of the bond, once");
    _solvent();
    // Demanding with the money while it comes in, and adding to a pool: allowed, and the books are right.
    _prove(address(meddler), other, _stepCall(other, true, SALT));
    ClaimId third = _paidClaim("third");
    bytes memory call = abi.encodeCall(IGames.demand, (third.game(), _one(Place(0, 1, 0, 0, 0))));
    meddler.next(address(disputes), call, DEMAND_BOND);
    settlement.withdrawFor(address(meddler));
    yes(meddler.done(), "demanded");
    eq(disputes.heldBonds(), DEMAND_BOND, "its bond is held");
    _solvent();
    _reveal(third, Place(0, 1, 0, 0, 0));
    _prove(address(meddler), third, _stepCall(third, true, SALT));
    meddler.next(address(settlement), abi.encodeCall(settlement.addToPool, (datanet)), 1 gwei);
    uint256 pool = settlement.poolOf(datanet);
    settlement.withdrawFor(address(meddler));
    yes(meddler.done(), "given");
    eq(settlement.poolOf(datanet), pool + 1 gwei, "to the pool");
    _solvent();
  }

  /// @dev The dearest claim that there can be: 256 answers of 8,192 tokens together at the highest price, all of it allocated.
  function test_theGreatestAmountsOverflowNothing() public {
    uint128 rate = adapters.MOST_RATE();
    vm.prank(curator);
    adapters.setPrices(adapter, rate, rate);
    vm.prank(governance);
    settlement.setPlatformFee(1 ether);
    BatchRequest memory request;
    (request.adapterId, request.answers, request.cid) = (adapter, 256, CID);
    (request.answersRoot, request.ruleVersion) = (keccak256("answers"), 2);
    (request.tokensIn, request.tokensOut) = (8_192 - 1, 1);
    Fee memory fee = settlement.quoteBatch(adapter, 256, request.tokensIn, request.tokensOut);
    eq(fee.total, 8_192 ether + 256 ether, "over eight thousand OPEN");
    (request.contributorsPart, request.allocated) = (fee.contributors, uint128(fee.contributors));
    uint256 value = fee.total + settlement.bondFor(fee.contributors);
    vm.deal(payer, 10 * value);
    uint256 here = vm.snapshotState();
    for (uint256 k = 0; k < 2; k++) {
      vm.prank(payer);
      ClaimId id = settlement.payBatch{ value: value }(request);
      eq(settlement.claim(id).total, fee.total, "as quoted");
      eq(settlement.claim(id).bond, fee.contributors, "the bond is what is at stake");
      _solvent();
      if (k == 0) _finalAt(id, _deadline(id) + 1);
      else _prove(bob, id, _stepOf(id));
      _solvent();
      if (k == 0) vm.revertToState(here);
    }
    eq(settlement.claimable(bob), fee.contributors / 2, "half of it");
    request.tokensIn++;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
    settlement.payBatch(request);
    (request.tokensIn, request.tokensOut) = (type(uint32).max, type(uint32).max);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "tokens"));
    settlement.payBatch(request);
  }

  /// @dev No answer of that batch is known: its silence is what convicts. Returns the call that any challenger makes.
  function _stepOf(ClaimId id) private returns (bytes memory) {
    Place memory place = Place(255, 0, 0, 0, 0);
    _demand(bob, id, place);
    vm.warp(uint256(disputes.demandOf(id.game(), place).due) + 1);
    return abi.encodeCall(IGames.convictSilence, (id.game(), place));
  }
}
