// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuard } from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import { Runs } from "../src/Runs.sol";
import { IAdapterRegistry } from "../src/interfaces/IAdapterRegistry.sol";
import { Clock, IGames, Place } from "../src/interfaces/IGames.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import { ISettlement, PayRequest } from "../src/interfaces/ISettlement.sol";
import { IUnitReferee } from "../src/interfaces/IUnitReferee.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Fee } from "../src/types/Fees.sol";
import { AdapterId } from "../src/types/Ids.sol";
import { Statement, StatementState, UnitOpening } from "../src/types/Runs.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { ReenteringChallenger } from "./support/ReenteringChallenger.sol";
import { SelfDestructing } from "./support/SelfDestructing.sol";
import { Vouching } from "./support/Vouching.sol";

/// @notice Statements about runs: who can make them, what convicts them, where their bonds go. The arithmetic is the
/// referee's and tested there; withheld data in RunsDemands.t.sol.
contract RunsTest is Vouching {
  /// @dev A list of one root.
  bytes private constant ONE = abi.encode(bytes32("a root"));

  function setUp() public {
    _setUp();
  }

  // ---- Vouching ----

  function test_aStatementSaysWhatIsAtStake() public {
    _vouch();
    Statement memory s = runs.statement(adapter);
    eq(s.maker, curator, "maker");
    eq(s.deadline, vm.getBlockTimestamp() + WINDOW, "deadline");
    eq(s.units, UNITS, "units");
    eq(s.bond, STAKE, "bond");
    eq(s.planRoot, MerkleTree.root(_plan()), "plan");
    eq(s.outputsRoot, MerkleTree.root(_outputs()), "outputs");
    _is(StatementState.Open);
    eq(runs.heldStakes(), STAKE, "held");
    _solvent();
  }

  function test_onlyTheOwnerVouchesAndOnce() public {
    vm.expectRevert(abi.encodeWithSelector(IRuns.NotTheOwner.selector, adapter, alice));
    vm.prank(alice);
    runs.vouch{ value: STAKE }(adapter, "plan", "outputs", 1, ONE);
    AdapterId none = AdapterId.wrap(9);
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.UnknownAdapter.selector, none));
    vm.prank(curator);
    runs.vouch{ value: STAKE }(none, "plan", "outputs", 1, ONE);
    _vouch();
    vm.startPrank(curator);
    vm.expectRevert(abi.encodeWithSelector(IRuns.AlreadyVouched.selector, adapter));
    runs.vouch{ value: STAKE }(adapter, "plan", "outputs", 1, ONE);
    // Neither can who bought it: what was said was said.
    adapters.transferFrom(curator, alice, AdapterId.unwrap(adapter));
    vm.stopPrank();
    vm.expectRevert(abi.encodeWithSelector(IRuns.AlreadyVouched.selector, adapter));
    vm.prank(alice);
    runs.vouch{ value: STAKE }(adapter, "plan", "outputs", 1, ONE);
    eq(runs.statement(adapter).maker, curator, "it stays who made it");
  }

  function test_badStatementsSayWhy() public {
    bytes4 bad = IRuns.BadStatement.selector;
    vm.startPrank(curator);
    vm.expectRevert(abi.encodeWithSelector(bad, "planRoot"));
    runs.vouch{ value: STAKE }(adapter, 0, "outputs", 1, ONE);
    vm.expectRevert(abi.encodeWithSelector(bad, "units"));
    runs.vouch{ value: STAKE }(adapter, "plan", "outputs", 0, "");
    bytes32[] memory leaves = new bytes32[](1);
    leaves[0] = Merkle.leaf(ONE);
    bytes32 root = MerkleTree.root(leaves);
    vm.expectRevert(abi.encodeWithSelector(IRuns.BondTooSmall.selector, STAKE - 1, STAKE));
    runs.vouch{ value: STAKE - 1 }(adapter, "plan", root, 1, ONE);
    vm.stopPrank();
    _is(StatementState.None);
  }

  function test_whoIsSureStakesMore() public {
    _vouchFor(adapter, 10 * STAKE);
    _openTrace(3);
    _prove(bob, _unitCall(3, true, SALT));
    eq(runs.claimable(bob), 5 * STAKE, "half of all of it");
    eq(settlement.poolOf(datanet), 5 * STAKE, "and half");
    _solvent();
  }

  function test_nobodyIsInAGameThatWasNotBegun() public {
    bytes memory none = abi.encodeWithSelector(IGames.NotOpen.selector, adapter);
    _askRefused(_traceOf(0), none);
    vm.expectRevert(none);
    runs.commit(adapter.game(), "x");
    vm.expectRevert(none);
    runs.convictSilence(adapter.game(), _traceOf(0));
    vm.expectRevert(abi.encodeWithSelector(IGames.NotRefuted.selector, adapter));
    runs.takeBack(adapter.game(), _traceOf(0));
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongStatement.selector, adapter, StatementState.None));
    runs.stand(adapter);
  }

  // ---- Standing ----

  function test_afterItsWindowAStatementStands() public {
    _vouch();
    uint256 deadline = _deadline();
    vm.warp(deadline);
    vm.expectRevert(abi.encodeWithSelector(IRuns.StatementHeld.selector, adapter, deadline));
    runs.stand(adapter);
    vm.warp(deadline + 1);
    vm.prank(alice);
    runs.stand(adapter);
    _is(StatementState.Stands);
    eq(runs.claimable(curator), STAKE, "the bond is the maker's again");
    eq(runs.heldStakes(), 0, "nothing is held");
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongStatement.selector, adapter, StatementState.Stands));
    runs.stand(adapter);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, adapter));
    runs.commit(adapter.game(), "x");
    uint256 before = curator.balance;
    runs.withdrawFor(curator);
    eq(curator.balance, before + STAKE, "fetched");
    _solvent();
  }

  function test_challengesHoldAStatement() public {
    _vouch();
    uint256 deadline = _deadline();
    vm.warp(deadline);
    vm.prank(bob);
    runs.commit(adapter.game(), "never proved");
    _ask(bob, _traceOf(2));
    vm.warp(deadline + PROVE + 1);
    vm.expectRevert(abi.encodeWithSelector(IRuns.StatementHeld.selector, adapter, type(uint256).max));
    runs.stand(adapter);
    vm.warp(deadline + REPLY);
    _showTrace(2);
    Clock memory clock = runs.clockOf(adapter.game());
    eq(clock.open, 0, "answered");
    vm.expectRevert(abi.encodeWithSelector(IRuns.StatementHeld.selector, adapter, clock.heldUntil));
    runs.stand(adapter);
    yes(clock.heldUntil <= deadline + WINDOW, "for twice the window at most");
    vm.warp(uint256(clock.heldUntil) + 1);
    runs.stand(adapter);
    _solvent();
  }

  /// @dev At any time either the proof or the standing can go through, never both.
  /// forge-config: default.fuzz.runs = 1000
  function testFuzz_standingAndProofNeverRace(uint8 committed, uint8 later) public {
    _vouch();
    _openTrace(3);
    uint256 begun = vm.getBlockTimestamp();
    bytes memory data = _unitCall(3, true, SALT);
    vm.warp(begun + bound(committed, 0, WINDOW));
    _commit(bob, data);
    vm.roll(vm.getBlockNumber() + 1);
    vm.warp(vm.getBlockTimestamp() + bound(later, 0, 2 * WINDOW));
    if (vm.getBlockTimestamp() <= runs.commitmentOf(bob, _commitment(bob, data)).proveBy) {
      vm.expectPartialRevert(IRuns.StatementHeld.selector);
      runs.stand(adapter);
      _send(bob, data);
      _is(StatementState.Refuted);
    } else {
      vm.expectPartialRevert(IGames.ProofTooLate.selector);
      this.send(bob, data);
      if (vm.getBlockTimestamp() > _deadline()) runs.stand(adapter);
    }
    _solvent();
  }

  // ---- A false unit ----

  function test_aFalseUnitLosesTheBond() public {
    _vouch();
    _openTrace(3);
    runs.withdrawFor(curator);
    uint256 before = curator.balance;
    _prove(bob, _unitCall(3, true, SALT));
    _is(StatementState.Refuted);
    eq(runs.claimable(bob), STAKE / 2, "half of the bond");
    eq(settlement.poolOf(datanet), STAKE / 2, "half for the Datanet's contributors");
    eq(settlement.heldPools(), STAKE / 2, "which holds it");
    eq(runs.claimable(curator) + curator.balance, before, "none back to the maker");
    eq(runs.heldStakes(), 0, "nothing is held");
    eq(address(runs).balance, STAKE / 2, "what the challenger fetches");
    _solvent();
    runs.withdrawFor(bob);
    eq(address(runs).balance, 0, "all gone");
    vm.warp(_deadline() + 2 * WINDOW);
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongStatement.selector, adapter, StatementState.Refuted));
    runs.stand(adapter);
  }

  function test_nobodyPaysForTheAnswersOfARefutedRun() public {
    _vouch();
    (PayRequest memory request, Fee memory fee,) = _request("before", 13, 37, 6000);
    _pay(request, fee.total);
    _openTrace(3);
    _prove(bob, _unitCall(3, true, SALT));
    (request, fee,) = _request("after", 13, 37, 6000);
    vm.expectRevert(abi.encodeWithSelector(ISettlement.AdapterRefuted.selector, adapter));
    vm.prank(payer);
    settlement.pay{ value: fee.total + BOND }(request);
  }

  function test_aWrongProofRevertsAndCostsOnlyGas() public {
    _vouch();
    _openTrace(3);
    _refused(_unitCall(3, false, SALT), abi.encodeWithSelector(IGames.ClaimHolds.selector, adapter));
    vm.warp(_deadline() + WINDOW);
    runs.stand(adapter);
    eq(runs.claimable(curator), STAKE + _bond(_traceOf(3)), "an honest maker loses nothing");
  }

  /// @dev Without the root that the maker was made to show there is nothing to hold against.
  function test_aTraceMustHaveBeenShown() public {
    _vouch();
    _refused(_unitCall(3, true, SALT), abi.encodeWithSelector(IRuns.TraceNotShown.selector, adapter, 3));
    // That of another unit is another.
    _openTrace(4);
    _refused(_unitCall(3, true, "2"), abi.encodeWithSelector(IRuns.TraceNotShown.selector, adapter, 3));
  }

  function test_proofsNeedTheirCommitment() public {
    _vouch();
    _openTrace(3);
    bytes memory data = _unitCall(3, true, SALT);
    bytes memory none = abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, data));
    vm.expectRevert(none);
    this.send(bob, data);
    _commit(bob, _unitCall(3, true, "other"));
    _nextBlock();
    vm.expectRevert(none);
    this.send(bob, data);
    _commit(bob, data);
    vm.expectRevert(abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    this.send(bob, data);
    // Alice sees it on its way: her own commitment comes a block too late.
    _nextBlock();
    _commit(alice, data);
    vm.expectRevert(abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    this.send(alice, data);
    uint256 proveBy = runs.commitmentOf(bob, _commitment(bob, data)).proveBy;
    vm.warp(proveBy + 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.ProofTooLate.selector, proveBy));
    this.send(bob, data);
    vm.warp(proveBy);
    _send(bob, data);
    eq(runs.claimable(bob), STAKE / 2, "who found it");
    eq(runs.claimable(alice), 0, "not who saw it");
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, adapter));
    this.send(alice, data);
  }

  function test_noChallengeBeginsAfterTheWindow() public {
    _vouch();
    uint256 deadline = _deadline();
    vm.warp(deadline + 1);
    bytes memory late = abi.encodeWithSelector(IGames.TooLateToBegin.selector, adapter, deadline);
    vm.expectRevert(late);
    runs.commit(adapter.game(), "x");
    _askRefused(_traceOf(0), late);
  }

  /// @dev A statement about another adapter is another game: neither its commitments nor its trace are of use here.
  function test_statementsAreJudgedApart() public {
    vm.prank(curator);
    AdapterId other = adapters.register(_draft());
    _vouch();
    _vouchFor(other, STAKE);
    _openTrace(3);
    eq(runs.traceOf(other, 3), bytes32(0), "nothing shown there");
    bytes memory data = _unitCall(3, true, SALT);
    vm.prank(bob);
    runs.commit(other.game(), _commitment(bob, data));
    _nextBlock();
    vm.expectRevert(abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, data)));
    this.send(bob, data);
    _prove(bob, data);
    yes(!runs.isRefuted(other), "the other stands by itself");
    eq(runs.heldStakes(), STAKE, "its bond is held");
    vm.warp(_deadline() + 2 * WINDOW);
    runs.stand(other);
    _solvent();
  }

  // ---- Openings ----

  function _proofOf(UnitOpening memory opening, uint32 unit) private view returns (bytes memory) {
    return abi.encodeCall(Runs.proveUnit, (adapter, opening, _shape(unit), _step(666), SALT));
  }

  /// @dev Each part of an opening is proved: change one, and it proves nothing.
  /// forge-config: default.fuzz.runs = 500
  function testFuzz_aUnitIsTheStatements(uint8 what, uint8 which) public {
    _vouch();
    uint32 unit = 1 + which % (UNITS - 1);
    _openTrace(unit);
    UnitOpening memory o = _unit(unit);
    bytes memory why = abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, unit);
    what = what % 12;
    if (what == 0) o.programHash = keccak256("another program");
    if (what == 1) o.inputsHash = keccak256("other inputs");
    if (what == 2) o.sources[0] = (o.sources[0] + 1) % UNITS;
    if (what == 3) o.sources = new uint32[](0);
    if (what == 4) o.planProof[which % 3] = keccak256("another");
    if (what == 5) o.planProof = new bytes32[](2);
    if (what == 6) o.outputRoot = keccak256("other outputs");
    if (what == 7) o.outputProof[which % 3] = keccak256("another");
    if (what == 8) o.outputProof = new bytes32[](4);
    if (what == 9) {
      o.index = unit + 8;
      why = abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, unit + 8);
    }
    bytes memory source = abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, unit, 0);
    if (what == 10) (o.sourceRoots[0], why) = (keccak256("another"), source);
    if (what == 11) (o.sourceProofs[0][which % 3], why) = (keccak256("another"), source);
    _refused(_proofOf(o, unit), why);
    _prove(bob, _unitCall(unit, true, "right"));
    _is(StatementState.Refuted);
  }

  function test_everySourceIsProved() public {
    _vouch();
    _openTrace(3);
    bytes memory second = abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, 3, 1);
    UnitOpening memory o = _unit(3);
    bytes32[] memory one = new bytes32[](1);
    one[0] = o.sourceRoots[0];
    o.sourceRoots = one;
    _refused(_proofOf(o, 3), second);
    o = _unit(3);
    bytes32[][] memory proofs = new bytes32[][](1);
    proofs[0] = o.sourceProofs[0];
    o.sourceProofs = proofs;
    _refused(_proofOf(o, 3), second);
    // Roots of more than it reads are none of its sources: the referee counts them.
    o = _unit(3);
    bytes32[] memory three = new bytes32[](3);
    (three[0], three[1]) = (o.sourceRoots[0], o.sourceRoots[1]);
    o.sourceRoots = three;
    _refused(_proofOf(o, 3), abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
  }

  /// @dev A plan where a unit reads itself or a later one, or none of the run's: nothing can be proved about that unit, and
  /// nobody who checks takes the plan for the run's own.
  function test_sourcesAreEarlierUnits() public {
    uint32[3] memory sources = [uint32(2), 4, UNITS];
    for (uint256 k = 0; k < sources.length; k++) {
      vm.prank(curator);
      adapter = adapters.register(_draft());
      UnitOpening memory o = _unit(2);
      o.sources[1] = sources[k];
      uint32 there = sources[k] < UNITS ? sources[k] : 0;
      (o.sourceRoots[1], o.sourceProofs[1]) = (_outputRoot(there), MerkleTree.proof(_outputs(), there));
      bytes32[] memory plan = _plan();
      plan[2] = keccak256(abi.encodePacked(bytes1(0), abi.encode(o.programHash, o.inputsHash, o.sources)));
      o.planProof = MerkleTree.proof(plan, 2);
      (bytes32 planRoot, bytes32 outputsRoot) = (MerkleTree.root(plan), MerkleTree.root(_outputs()));
      bytes memory list = _list();
      vm.prank(curator);
      runs.vouch{ value: STAKE }(adapter, planRoot, outputsRoot, UNITS, list);
      _refused(_proofOf(o, 2), abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, 2, 1));
    }
  }

  // ---- Given units ----

  function test_aGivenUnitIsWhatThePlanGives() public {
    given = keccak256("another beginning");
    _vouch();
    _prove(bob, abi.encodeCall(Runs.proveGiven, (adapter, _unit(0), SALT)));
    _is(StatementState.Refuted);
    eq(runs.claimable(bob), STAKE / 2, "half of the bond");
    _solvent();
  }

  function test_rightOnesHold() public {
    _vouch();
    bytes memory holds = abi.encodeWithSelector(IGames.ClaimHolds.selector, adapter);
    _refused(abi.encodeCall(Runs.proveGiven, (adapter, _unit(0), SALT)), holds);
    // One that is not given makes other things than its inputs.
    _refused(abi.encodeCall(Runs.proveGiven, (adapter, _unit(2), SALT)), holds);
    UnitOpening memory o = _unit(0);
    o.outputRoot = keccak256("never said");
    _refused(
      abi.encodeCall(Runs.proveGiven, (adapter, o, SALT)), abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, 0)
    );
    // And a given one computes nothing.
    _openTrace(0);
    _refused(_unitCall(0, true, SALT), abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
  }

  function test_aRunOfOneUnit() public {
    units = 1;
    given = keccak256("another beginning");
    _vouch();
    eq(_unit(0).planProof.length, 0, "the root is the only leaf's");
    _prove(bob, abi.encodeCall(Runs.proveGiven, (adapter, _unit(0), SALT)));
    _is(StatementState.Refuted);
  }

  // ---- Makers and receivers who cheat ----

  /// @dev Convicting oneself first, to save the bond, loses half of it.
  function test_disputingOneselfLosesHalf() public {
    _vouch();
    address puppet = person("puppet");
    _ask(puppet, _traceOf(3));
    _showTrace(3);
    _prove(puppet, _unitCall(3, true, SALT));
    eq(runs.claimable(puppet) + runs.claimable(curator), STAKE / 2 + _bond(_traceOf(3)), "half of the bond is gone");
    eq(settlement.poolOf(datanet), STAKE / 2, "to the contributors");
  }

  function test_aChallengerThatReentersGetsNothingMore() public {
    _vouch();
    ReenteringChallenger attacker = new ReenteringChallenger(runs);
    _openTrace(3);
    _prove(address(attacker), _unitCall(3, true, SALT));
    runs.withdrawFor(address(attacker));
    eq(address(attacker).balance, STAKE / 2, "half of the bond, once");
    eq(attacker.reason(), ReentrancyGuard.ReentrancyGuardReentrantCall.selector, "the inner call was stopped");
    _solvent();
  }

  function test_forcedEtherChangesNoBooks() public {
    _vouch();
    vm.deal(address(this), 1 ether);
    new SelfDestructing{ value: 1 ether }(payable(address(runs)));
    _solvent();
    _openTrace(1);
    vm.warp(_deadline() + WINDOW);
    runs.stand(adapter);
    runs.withdrawFor(curator);
    eq(address(runs).balance, 1 ether, "only what was forced in is left");
    (bool taken,) = address(runs).call{ value: 1 }("");
    yes(!taken, "takes nothing that is for nothing");
  }

  function test_timesFitTheWindow() public {
    vm.expectRevert(abi.encodeWithSelector(IGames.TimesDoNotFit.selector, 0, REPLY, WINDOW));
    new Runs(settlement, unitReferee, ledgerReferee, 0, REPLY);
    // Three rounds, each reply at the last moment.
    uint40 most = 2 * WINDOW / 5;
    new Runs(settlement, unitReferee, ledgerReferee, PROVE, most);
    vm.expectRevert(abi.encodeWithSelector(IGames.TimesDoNotFit.selector, PROVE, most + 1, WINDOW));
    new Runs(settlement, unitReferee, ledgerReferee, PROVE, most + 1);
    eq(runs.demandBond(Place(0, 0, 0, 0, 0)), 845_000 * uint256(GAS_PRICE), "a reply with the inputs of 4,096 tokens");
    eq(runs.leastBond(), STAKE, "twice a claim's");
  }
}
