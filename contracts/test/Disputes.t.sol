// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuard } from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import { Disputes } from "../src/Disputes.sol";
import { PayoutJudge } from "../src/PayoutJudge.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { Clock, DemandState, IGames, Place } from "../src/interfaces/IGames.sol";
import { ClaimState, ISettlement, PayRequest, WithdrawItem } from "../src/interfaces/ISettlement.sol";
import { TraceMatrix } from "../src/interfaces/IReferee.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { AnswerOpening } from "../src/types/Answers.sol";
import { Disputing } from "./support/Disputing.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { RefusingContributor } from "./support/RefusingContributor.sol";
import { ReenteringChallenger } from "./support/ReenteringChallenger.sol";
import { SameTrace } from "./support/SameTrace.sol";
import { SelfDestructing } from "./support/SelfDestructing.sol";

/// @notice The games, and everyone who would cheat in them. The arithmetic is the referee's and tested there.
contract DisputesTest is Disputing {
  ClaimId private _id;

  function setUp() public {
    _deploy();
    _id = _paidClaim("receipt");
  }

  // ---- A false step ----

  function test_aFalseStepLosesTheBond() public {
    uint256 part = settlement.claim(_id).contributorsPart;
    _prove(bob, _id, _stepCall(_id, true, SALT));
    _is(_id, ClaimState.Refuted);
    eq(settlement.claimable(bob), BOND / 2, "half of the bond");
    eq(settlement.poolOf(datanet), BOND / 2 + part, "half of it, and the part, for contributors");
    eq(settlement.claimable(payer), 0, "none back to the claimant");
    _solvent();
  }

  function test_aWrongProofRevertsAndCostsOnlyGas() public {
    bytes memory data = _stepCall(_id, false, SALT);
    uint256 before = bob.balance;
    _commit(bob, _id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, 1));
    eq(bob.balance, before, "no bond was at stake");
    _finalAt(_id, _deadline(_id) + 1);
    eq(settlement.claimable(payer), BOND, "an honest claimant loses nothing");
  }

  function test_proofsNeedTheirCommitment() public {
    bytes memory data = _stepCall(_id, true, SALT);
    bytes memory none = abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, data));
    _refused(bob, data, none);
    // A commitment to the same step with another salt is another.
    _commit(bob, _id, _stepCall(_id, true, "other"));
    _nextBlock();
    _refused(bob, data, none);
  }

  function test_aProofComesABlockLaterAndNotTooLate() public {
    bytes memory data = _stepCall(_id, true, SALT);
    _commit(bob, _id, data);
    _refused(bob, data, abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    uint256 proveBy = vm.getBlockTimestamp() + PROVE;
    vm.roll(vm.getBlockNumber() + 3);
    vm.warp(proveBy + 1);
    _refused(bob, data, abi.encodeWithSelector(IGames.ProofTooLate.selector, proveBy));
    vm.warp(proveBy);
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
  }

  function test_anAnswerThatIsNotTheClaimsConvictsNobody() public {
    ClaimId other = _paidClaim("other");
    bytes memory data = abi.encodeCall(IDisputes.proveStep, (_id, _opening(other), _step(666), SALT));
    _commit(bob, _id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IDisputes.WrongAnswer.selector, 1, 0));
  }

  // ---- Challengers who cheat ----

  /// @dev Who sees a proof on its way cannot make it theirs: their commitment comes a block too late, and another's
  /// commitment is of no use to them.
  function test_aSeenProofCannotBeStolen() public {
    bytes memory data = _stepCall(_id, true, SALT);
    _commit(bob, _id, data);
    _nextBlock();
    // Alice sees the transaction, and bids more for her place in the block.
    bytes32 hers = _commitment(alice, data);
    _refused(alice, data, abi.encodeWithSelector(IGames.NotCommitted.selector, alice, hers));
    _commit(alice, _id, data);
    _refused(alice, data, abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    vm.prank(alice);
    disputes.commit(_id.game(), _commitment(bob, data));
    _send(bob, data);
    eq(settlement.claim(_id).challenger, bob, "who found it");
    _nextBlock();
    _refused(alice, data, abi.encodeWithSelector(IGames.NotOpen.selector, 1));
  }

  function test_ofManyChallengersTheFirstProofWins() public {
    bytes memory first = _stepCall(_id, true, "bob's");
    bytes memory second = _stepCall(_id, true, "alice's");
    _commit(alice, _id, second);
    _commit(bob, _id, first);
    _nextBlock();
    _send(bob, first);
    _refused(alice, second, abi.encodeWithSelector(IGames.NotOpen.selector, 1));
    eq(settlement.claimable(alice), 0, "nothing for the second");
    eq(settlement.claimable(bob), BOND / 2, "half for the first");
  }

  function test_anOldProofProvesNothingAgain() public {
    bytes memory data = _stepCall(_id, true, SALT);
    _prove(bob, _id, data);
    _refused(bob, data, abi.encodeWithSelector(IGames.NotOpen.selector, 1));
    // Nor about another claim of the same answer's content: the call names its claim.
    ClaimId next = _paidClaim("next");
    bytes memory moved = _stepCall(next, true, SALT);
    _refused(bob, moved, abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, moved)));
    _is(next, ClaimState.Open);
  }

  function test_noChallengeBeginsAfterTheWindow() public {
    uint256 deadline = _deadline(_id);
    vm.warp(deadline + 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, 1, deadline));
    vm.prank(bob);
    disputes.commit(_id.game(), "x");
    vm.deal(bob, DEMAND_BOND);
    vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, 1, deadline));
    vm.prank(bob);
    disputes.demand{ value: DEMAND_BOND }(_id.game(), _one(Place(0, 0, 0, 0, 0)));
  }

  /// @dev Commitments cost gas and hold a claim for one proveTime beyond the window, however many there are.
  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_spamHoldsAClaimOnce(uint8 many, uint32 seed) public {
    uint256 deadline = _deadline(_id);
    for (uint256 k = 0; k < many % 40; k++) {
      uint256 time = vm.getBlockTimestamp() + uint256(keccak256(abi.encode(seed, k))) % 3;
      if (time > deadline) break;
      vm.warp(time);
      vm.roll(vm.getBlockNumber() + 1);
      vm.prank(bob);
      disputes.commit(_id.game(), keccak256(abi.encode(k)));
    }
    yes(disputes.heldUntil(_id.game()) <= deadline + PROVE, "not again and again");
    _finalAt(_id, deadline + PROVE + 1);
    eq(settlement.claimable(payer), BOND, "an honest claimant loses nothing");
  }

  // ---- The end of the window ----

  /// @dev At any time either the proof or the finalisation can go through, never both: no block has a race.
  /// forge-config: default.fuzz.runs = 10000
  function testFuzz_finalisationAndProofNeverRace(uint8 committed, uint8 later) public {
    uint256 paid = vm.getBlockTimestamp();
    bytes memory data = _stepCall(_id, true, SALT);
    vm.warp(paid + bound(committed, 0, WINDOW));
    _commit(bob, _id, data);
    vm.roll(vm.getBlockNumber() + 1);
    vm.warp(vm.getBlockTimestamp() + bound(later, 0, 2 * WINDOW));
    bool proves = vm.getBlockTimestamp() <= disputes.commitmentOf(bob, _commitment(bob, data)).proveBy;
    if (proves) {
      vm.expectPartialRevert(
        vm.getBlockTimestamp() <= _deadline(_id) ? ISettlement.WindowOpen.selector : ISettlement.ClaimHeld.selector
      );
      settlement.finalize(_id);
      _send(bob, data);
      _is(_id, ClaimState.Refuted);
    } else {
      vm.expectPartialRevert(IGames.ProofTooLate.selector);
      this.send(bob, data);
      if (vm.getBlockTimestamp() > _deadline(_id)) settlement.finalize(_id);
    }
    _solvent();
  }

  function test_aCommitmentInTheLastSecondCounts() public {
    bytes memory data = _stepCall(_id, true, SALT);
    uint256 deadline = _deadline(_id);
    vm.warp(deadline);
    _commit(bob, _id, data);
    vm.warp(deadline + 1);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ClaimHeld.selector, 1, deadline + PROVE));
    settlement.finalize(_id);
    vm.roll(vm.getBlockNumber() + 1);
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
  }

  // ---- Claimants who cheat ----

  /// @dev Convicting oneself first, to save the bond, loses at least half of it.
  function test_disputingOneselfLosesHalf() public {
    uint256 before = payer.balance;
    ClaimId id = _paidClaim("mine");
    address puppet = person("puppet");
    _prove(puppet, id, _stepCall(id, true, SALT));
    eq(settlement.claimable(puppet) + settlement.claimable(payer), BOND / 2, "half of the bond is gone");
    yes(payer.balance + BOND / 2 < before, "and the fee");
    yes(settlement.poolOf(datanet) >= BOND / 2, "to the contributors");
  }

  /// @dev A claimant's own commitments and demands take nobody's place and no time away.
  function test_burningOnesOwnTimeKeepsNobodyOut() public {
    address puppet = person("puppet");
    for (uint32 k = 0; k < 50; k++) {
      vm.prank(puppet);
      disputes.commit(_id.game(), keccak256(abi.encode(k)));
      _demand(puppet, _id, Place(0, k % 10, k / 10, 0, 0));
    }
    _demand(bob, _id, Place(0, 8, 98, 0, 0));
    for (uint32 k = 0; k < 50; k++) {
      _reveal(_id, Place(0, k % 10, k / 10, 0, 0));
    }
    _reveal(_id, Place(0, 8, 98, 0, 0));
    vm.warp(_deadline(_id));
    _demand(bob, _id, Place(0, 9, 99, 0, 0));
    uint256 due = disputes.demandOf(_id.game(), Place(0, 9, 99, 0, 0)).due;
    eq(due, _deadline(_id) + REPLY, "as if nothing had been demanded before");
    vm.warp(due + 1);
    disputes.convictSilence(_id.game(), Place(0, 9, 99, 0, 0));
    eq(settlement.claim(_id).challenger, bob, "the silence was to bob");
    _solvent();
  }

  function test_oneAnswerIsPaidOnceByItself() public {
    (PayRequest memory request, Fee memory fee,) = _request("receipt", 13, 37, 6000);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.ReceiptAlreadyPaid.selector, bytes32("receipt"), 1));
    _pay(request, fee.total);
  }

  /// @dev Two claims about the same computation stand and fall each by itself.
  function test_overlappingClaimsAreJudgedApart() public {
    ClaimId twin = _paidClaim("twin");
    eq(answers[twin].traceRoot, answers[_id].traceRoot, "the same trace");
    _prove(bob, twin, _stepCall(twin, true, SALT));
    _is(twin, ClaimState.Refuted);
    _is(_id, ClaimState.Open);
    _prove(bob, _id, _stepCall(_id, true, "again"));
    eq(settlement.claimable(bob), BOND, "half of each bond");
    _solvent();
  }

  // ---- Withheld data ----

  function test_whatIsDemandedIsShownAndPaid() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    eq(disputes.heldUntil(_id.game()), type(uint256).max, "not final with an open demand");
    _reveal(_id, place);
    eq(uint256(disputes.demandOf(_id.game(), place).state), uint256(DemandState.Answered), "answered");
    eq(disputes.claimable(payer), DEMAND_BOND, "the claimant is paid for the reply");
    _solvent();
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, 1, place));
    disputes.convictSilence(_id.game(), place);
    uint256 held = disputes.heldUntil(_id.game());
    _finalAt(_id, (held > _deadline(_id) ? held : _deadline(_id)) + 1);
  }

  function test_silenceLosesTheClaim() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    uint256 due = vm.getBlockTimestamp() + REPLY;
    vm.warp(due);
    vm.expectRevert(abi.encodeWithSelector(IGames.ReplyNotDue.selector, due));
    disputes.convictSilence(_id.game(), place);
    vm.warp(due + 1);
    // Late is silent.
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.ReplyTooLate.selector, due));
    disputes.reveal(_id, opening, _shown(3, 2, SameTrace.values()));
    // Anyone may say so; who demanded it has won.
    vm.prank(alice);
    disputes.convictSilence(_id.game(), place);
    eq(settlement.claim(_id).challenger, bob, "the demander");
    eq(settlement.claimable(bob), BOND / 2, "half of the bond");
    eq(disputes.claimable(bob), DEMAND_BOND, "and the demand's bond back");
    _solvent();
  }

  function test_garbageAndHalvesAreNoReply() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotTheLeaf.selector, place));
    disputes.reveal(_id, opening, _shown(3, 2, "garbage of a leaf"));
    vm.expectRevert(abi.encodeWithSelector(IGames.NotTheLeaf.selector, place));
    disputes.reveal(_id, opening, _shown(3, 2, "values"));
    // Another leaf than the one that was demanded.
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, 1, Place(0, 3, 1, 0, 0)));
    disputes.reveal(_id, opening, _shown(3, 1, SameTrace.values()));
    opening.answer.traceRoot = "another";
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, 1, 0));
    disputes.reveal(_id, opening, _shown(3, 2, SameTrace.values()));
    _is(_id, ClaimState.Open);
  }

  /// @dev Data that comes at the last moment still leaves time to prove with.
  function test_afterALateReplyThereIsTimeToProve() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    uint256 deadline = _deadline(_id);
    vm.warp(deadline);
    _demand(bob, _id, place);
    uint256 due = disputes.demandOf(_id.game(), place).due;
    vm.warp(due);
    _reveal(_id, place);
    bytes memory data = _stepCall(_id, true, SALT);
    vm.warp(due + PROVE);
    _commit(bob, _id, data);
    vm.expectPartialRevert(ISettlement.ClaimHeld.selector);
    settlement.finalize(_id);
    _nextBlock();
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
    yes(disputes.clockOf(_id.game()).heldUntil <= deadline + WINDOW, "hard stop");
  }

  function test_oneDemandForEachLeaf() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, place);
    vm.deal(alice, 1 ether);
    vm.startPrank(alice);
    vm.expectRevert(abi.encodeWithSelector(IGames.AlreadyDemanded.selector, 1, place));
    disputes.demand{ value: DEMAND_BOND }(_id.game(), _one(place));
    // Others beside it.
    disputes.demand{ value: DEMAND_BOND }(_id.game(), _one(Place(0, 3, 3, 0, 0)));
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, 1, DEMAND_BOND));
    disputes.demand{ value: 1 }(_id.game(), _one(Place(0, 3, 4, 0, 0)));
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, 1, 1));
    disputes.demand{ value: DEMAND_BOND }(_id.game(), _one(Place(1, 3, 4, 0, 0)));
    vm.stopPrank();
  }

  /// @dev Nobody can be asked for what there is not.
  function test_aPlaceThatThereIsNotIsNoTrap() public {
    Place memory beyondLeaves = Place(0, 3, 256, 0, 0);
    Place memory beyondProgram = Place(0, 10, 0, 0, 0);
    Place memory real = Place(0, 3, 2, 0, 0);
    _demand(bob, _id, beyondLeaves);
    _demand(bob, _id, beyondProgram);
    _demand(bob, _id, real);
    AnswerOpening memory opening = _opening(_id);
    disputes.showNoSuchPlace(_id, opening, _matrix(3), beyondLeaves);
    TraceMatrix memory outside = _matrix(10);
    // The header has to be the program's own.
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, Place(0, 3, 2, 0, 0)));
    disputes.showNoSuchPlace(_id, opening, _matrix(3), real);
    outside.header.instructionCount = 0;
    referee.shape(10, 1, 1, 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, beyondProgram));
    disputes.showNoSuchPlace(_id, opening, outside, beyondProgram);
    outside.header.instructionCount = 10;
    disputes.showNoSuchPlace(_id, opening, outside, beyondProgram);
    eq(disputes.claimable(payer), 2 * DEMAND_BOND, "paid for both");
    _reveal(_id, real);
    eq(disputes.clockOf(_id.game()).open, 0, "nothing is open");
    _solvent();
  }

  /// @dev Who asks for many rows pays for each, and the claimant gets more time with each; from the ninth on nothing changes.
  function testFuzz_manyDemandsCannotOutrunAClaimant(uint8 many) public {
    _outrun(uint32(bound(many, 1, 16)));
  }

  function test_twoHundredDemandsCannotOutrunAClaimant() public {
    _outrun(200);
  }

  function _outrun(uint32 n) private {
    uint256 deadline = _deadline(_id);
    vm.warp(deadline);
    for (uint32 k = 0; k < n; k++) {
      _demand(bob, _id, Place(0, 1, k, 0, 0));
      uint256 due = disputes.demandOf(_id.game(), Place(0, 1, k, 0, 0)).due;
      uint256 fair = deadline + REPLY + uint256(REPLY) * (k < 8 ? k : 8) / 32;
      eq(due, fair < deadline + WINDOW / 2 ? fair : deadline + WINDOW / 2, "more time with each, up to a quarter");
    }
    for (uint32 k = 0; k < n; k++) {
      _reveal(_id, Place(0, 1, k, 0, 0));
    }
    eq(disputes.claimable(payer), n * DEMAND_BOND, "the claimant earned all their bonds");
    Clock memory clock = disputes.clockOf(_id.game());
    yes(clock.heldUntil <= deadline + WINDOW, "held for twice the window at most");
    _finalAt(_id, uint256(clock.heldUntil) + 1);
    _solvent();
  }

  function test_bondsOfOpenDemandsComeBackWhenTheClaimFalls() public {
    Place memory place = Place(0, 3, 2, 0, 0);
    _demand(alice, _id, place);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotRefuted.selector, 1));
    disputes.takeBack(_id.game(), place);
    _prove(bob, _id, _stepCall(_id, true, SALT));
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, 1));
    disputes.reveal(_id, opening, _shown(3, 2, SameTrace.values()));
    disputes.takeBack(_id.game(), place);
    eq(disputes.claimable(alice), DEMAND_BOND, "back");
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, 1, place));
    disputes.takeBack(_id.game(), place);
    uint256 before = alice.balance;
    disputes.withdrawFor(alice);
    eq(alice.balance, before + DEMAND_BOND, "fetched");
    _solvent();
  }

  // ---- Receivers ----

  function test_aContributorThatRefusesHoldsUpNobody() public {
    RefusingContributor refusing = new RefusingContributor(settlement);
    (PayRequest memory request, Fee memory fee,) = _request("refusing", 13, 37, 0);
    bytes32[] memory leaves = new bytes32[](2);
    leaves[0] = _payout(0, alice, fee.contributors / 2);
    leaves[1] = _payout(1, address(refusing), fee.contributors - fee.contributors / 2);
    request.answer.payoutRoot = MerkleTree.root(leaves);
    ClaimId id = _pay(request, fee.total);
    _finalAt(id, _deadline(id) + 1);
    WithdrawItem[] memory items = new WithdrawItem[](1);
    items[0] = WithdrawItem(id, _opening(id), 1, fee.contributors - fee.contributors / 2, MerkleTree.proof(leaves, 1));
    vm.expectPartialRevert(bytes4(keccak256("TransferRefused(address,uint256)")));
    refusing.take(items);
    items[0] = WithdrawItem(id, _opening(id), 0, fee.contributors / 2, MerkleTree.proof(leaves, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(items);
    refusing.relent();
    items[0] = WithdrawItem(id, _opening(id), 1, fee.contributors - fee.contributors / 2, MerkleTree.proof(leaves, 1));
    refusing.take(items);
    _solvent();
  }

  function test_aChallengerThatReentersGetsNothingMore() public {
    ReenteringChallenger attacker = new ReenteringChallenger(settlement);
    bytes memory data = _stepCall(_id, true, SALT);
    _prove(address(attacker), _id, data);
    settlement.withdrawFor(address(attacker));
    eq(address(attacker).balance, BOND / 2, "half of the bond, once");
    eq(attacker.reason(), ReentrancyGuard.ReentrancyGuardReentrantCall.selector, "the inner call was stopped");
    _solvent();
  }

  function test_forcedEtherChangesNoBooks() public {
    vm.deal(address(this), 3 ether);
    new SelfDestructing{ value: 1 ether }(payable(address(settlement)));
    new SelfDestructing{ value: 2 ether }(payable(address(disputes)));
    _solvent();
    _demand(bob, _id, Place(0, 1, 1, 0, 0));
    _reveal(_id, Place(0, 1, 1, 0, 0));
    _finalAt(_id, _deadline(_id) + 1);
    disputes.withdrawFor(payer);
    settlement.withdrawFor(payer);
    _solvent();
    eq(address(disputes).balance, 2 ether, "only what was forced in is left");
    (bool taken,) = address(disputes).call{ value: 1 }("");
    yes(!taken, "takes nothing that is for nothing");
  }

  // ---- Deployment ----

  function test_timesFitTheWindow() public {
    // Four rounds, each reply at the last moment.
    PayoutJudge judge = new PayoutJudge(referee);
    uint40[2][4] memory times = [[uint40(0), 5], [uint40(5), 0], [uint40(6), 5], [uint40(5), 7]];
    for (uint256 k = 0; k < times.length; k++) {
      vm.expectRevert(abi.encodeWithSelector(IGames.TimesDoNotFit.selector, times[k][0], times[k][1], WINDOW));
      new Disputes(settlement, referee, judge, datanets, times[k][0], times[k][1]);
    }
    new Disputes(settlement, referee, judge, datanets, 5, 6);
    eq(disputes.demandBond(Place(0, 0, 0, 0, 0)), DEMAND_BOND, "a reply of 300,000 gas, and a leaf");
  }
}
