// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Asserted, IDisputes } from "../src/interfaces/IDisputes.sol";
import { DemandState, IGames, LeavesOpening, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { IReferee, Step, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { ClaimState, ISettlement } from "../src/interfaces/ISettlement.sol";
import { AnswerOpening } from "../src/types/Answers.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Asserting } from "./support/Asserting.sol";
import { SameTrace } from "./support/SameTrace.sol";

/// @notice A challenger asserts the leaves that are right; who made a false claim cannot refute that. What a step shows is the
/// referee's to say (DisputesAssertionsReferee.t.sol): here it says what it is told.
contract DisputesAssertionsTest is Asserting {
  uint32 private constant ALL = type(uint32).max;
  ClaimId private _id;

  function setUp() public {
    _deployTraces();
    _id = _falseClaim("receipt");
  }

  function _state(Place memory place) private view returns (DemandState) {
    return disputes.demandOf(_id.game(), place).state;
  }

  function _isOpen(Place memory place) private view {
    eq(uint256(_state(place)), uint256(DemandState.Open), "the assertion stands");
  }

  function _refute(Place memory place, Asserted memory said, Step memory step) private {
    disputes.refuteAssertion(_id, _opening(_id), place, _matrix(MATRIX), said, step);
  }

  function _refuse(Place memory place, Asserted memory said, Step memory step, bytes memory why) private {
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(why);
    disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, step);
    _isOpen(place);
  }

  function _holds(Place memory place) private view returns (bytes memory) {
    return abi.encodeWithSelector(IDisputes.AssertionHolds.selector, _id, place);
  }

  function _other(Place memory place) private view returns (bytes memory) {
    return abi.encodeWithSelector(IDisputes.OtherAssertion.selector, _id, place);
  }

  /// @dev The claim has no such node there.
  function _notThere(Asserted memory said) private pure returns (bytes memory) {
    return abi.encodeWithSelector(IGames.NotTheNodes.selector, Place(0, MATRIX, said.leaf, said.level, 0));
  }

  // ---- A right assertion ----

  function test_aRightAssertionConvicts() public {
    _know(bob, _id);
    LeavesOpening memory own = _range(false, 5, 2);
    Place memory place = _assertion(7);
    AnswerOpening memory opening = _opening(_id);
    bytes32 root = _rootOf(false);
    eq(disputes.assertionBond(), ASSERTION_BOND, "a refutation at worst");
    vm.deal(bob, ASSERTION_BOND);
    vm.expectEmit(address(disputes));
    emit IGames.Demanded(_id.game(), bob, place, vm.getBlockTimestamp() + REPLY);
    vm.expectEmit(address(disputes));
    emit IDisputes.LeavesAsserted(_id, place, 5, 2, own.values);
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 7);
    eq(disputes.heldBonds(), ASSERTION_BOND, "its bond is held");
    eq(disputes.demandOf(_id.game(), place).bondGas, disputes.ASSERTION_GAS(), "in gas");
    eq(disputes.heldUntil(_id.game()), type(uint256).max, "so is the claim");
    uint256 due = disputes.demandOf(_id.game(), place).due;
    vm.warp(due);
    vm.expectRevert(abi.encodeWithSelector(IGames.ReplyNotDue.selector, due));
    disputes.convictSilence(_id.game(), place);
    vm.warp(due + 1);
    vm.expectEmit(address(disputes));
    emit IGames.Convicted(_id.game(), bob, "silence");
    vm.prank(alice);
    disputes.convictSilence(_id.game(), place);
    _is(_id, ClaimState.Refuted);
    eq(disputes.claimable(bob), ASSERTION_BOND, "the bond back");
    eq(settlement.claimable(bob), BOND / 2, "and half of the claim's");
    eq(disputes.claimable(payer) + settlement.claimable(alice), 0, "nobody else has any of it");
    _solvent();
  }

  /// @dev A leaf, a short one, a range, the last of its level (padding below it), all: each is what the tree has there.
  function test_everyRangeCanBeAsserted() public {
    _know(bob, _id);
    uint32[6] memory leaf = [uint32(20), 21, 39, 10, 2, 0];
    uint8[6] memory level = [uint8(0), 0, 0, 1, 4, 6];
    for (uint32 k = 0; k < 6; k++) {
      Place memory place = _assert(bob, _id, leaf[k], level[k], k);
      _isOpen(place);
      // The claim's own node is the same but where the false leaf is below it.
      bool same = _falseLeaf >> level[k] != leaf[k];
      Asserted memory said = _said(leaf[k], level[k]);
      if (!same) _refuse(place, said, _stepAt(uint32(uint256(leaf[k]) << level[k]), false), _holds(place));
      else _refute(place, said, _stepAt(0, false));
    }
    eq(disputes.clockOf(_id.game()).open, 3, "leaf 21, its pair, and all");
    _solvent();
  }

  // ---- A wrong one ----

  /// @dev The claim has these leaves itself.
  function test_whatTheClaimHasIsNoAccusation() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 4, 2, 1);
    Asserted memory said = _said(4, 2);
    eq(said.node, said.claimed, "leaves 16 to 19 are the same");
    AnswerOpening memory opening = _opening(_id);
    Step memory nothing;
    vm.expectEmit(address(disputes));
    emit IDisputes.AssertionRefuted(_id, place);
    disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, nothing);
    eq(uint256(_state(place)), uint256(DemandState.Answered), "refuted");
    eq(disputes.claimable(payer), ASSERTION_BOND, "the claimant's");
    vm.warp(vm.getBlockTimestamp() + WINDOW);
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, place));
    disputes.convictSilence(_id.game(), place);
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, place));
    disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, nothing);
    _finalAt(_id, disputes.heldUntil(_id.game()) + WINDOW);
    _solvent();
  }

  function test_oneFalseElementRefutes() public {
    _know(bob, _id);
    uint32[4] memory leaf = [uint32(21), 5, 2, 0];
    uint8[4] memory level = [uint8(0), 2, 4, 6];
    for (uint32 k = 0; k < 4; k++) {
      for (uint256 last = 0; last < 2; last++) {
        // The first leaf of the range, and its last.
        uint256 element = (uint256(leaf[k]) + last) << level[k];
        if (last == 1) element = element > LEAVES ? LEAVES - 1 : element - 1;
        Place memory place = _assert(bob, _id, leaf[k], level[k], uint32(2 * k + last));
        uint256 before = disputes.claimable(payer);
        _refute(place, _said(leaf[k], level[k]), _stepAt(uint32(element), true));
        eq(disputes.claimable(payer) - before, ASSERTION_BOND, "paid for");
      }
    }
    eq(disputes.clockOf(_id.game()).open, 0, "all of them");
    _solvent();
  }

  /// @dev Refuted by anyone: in the first half the bond is the claimant's, or who sees the call could take it.
  function test_whoIsPaidForARefutation() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    Asserted memory said = _said(21, 0);
    uint256 here = vm.snapshotState();
    AnswerOpening memory opening = _opening(_id);
    Step memory step = _stepAt(21, true);
    for (uint256 half = 0; half < 2; half++) {
      vm.warp(vm.getBlockTimestamp() + REPLY / 2 + half);
      vm.prank(alice);
      disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, step);
      eq(disputes.claimable(half == 0 ? payer : alice), ASSERTION_BOND, "the claimant, then whoever was there");
      eq(disputes.claimable(half == 0 ? alice : payer), 0, "and nobody else");
      _solvent();
      vm.revertToState(here);
    }
  }

  function test_aRefutationComesInTime() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    uint256 due = disputes.demandOf(_id.game(), place).due;
    Asserted memory said = _said(21, 0);
    uint256 here = vm.snapshotState();
    vm.warp(due);
    _refute(place, said, _stepAt(21, true));
    vm.revertToState(here);
    vm.warp(due + 1);
    _refuse(place, said, _stepAt(21, true), abi.encodeWithSelector(IGames.ReplyTooLate.selector, due));
    disputes.convictSilence(_id.game(), place);
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, _id));
    disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, _stepAt(21, true));
  }

  // ---- What refutes nothing ----

  /// @dev A false claim has false elements elsewhere, or right ones: neither is an excuse.
  function test_anElementElsewhereIsNoExcuse() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 10, 1, 1);
    Asserted memory said = _said(10, 1);
    _refuse(place, said, _stepAt(19, true), _holds(place));
    _refuse(place, said, _stepAt(22, true), _holds(place));
    _refuse(place, said, _stepAt(10, true), _holds(place));
    Step memory step = _stepAt(21, true);
    step.index = MATRIX + 1;
    _refuse(place, said, step, _holds(place));
    step.index = MATRIX - 1;
    _refuse(place, said, step, _holds(place));
    _refuse(place, said, _stepAt(21, false), _holds(place));
    step = _stepAt(21, true);
    step.header.instructionCount = 11;
    _refuse(place, said, step, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
    _refute(place, said, _stepAt(21, true));
  }

  function test_itIsRefutedAsWhatItIs() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 10, 1, 1);
    Step memory step = _stepAt(21, true);
    // Another node, another place in the tree: what was asserted is another.
    Asserted memory said = _said(10, 1);
    said.node = said.claimed;
    _refuse(place, said, step, _other(place));
    _refuse(place, _said(11, 1), step, _other(place));
    _refuse(place, _said(21, 0), step, _other(place));
    _refuse(place, _said(5, 2), step, _other(place));
    said = _said(10, 1);
    said.level = 2;
    _refuse(place, said, step, _other(place));
    // The claim has another node there, or other siblings.
    said = _said(10, 1);
    said.claimed = said.node;
    _refuse(place, said, step, _notThere(said));
    said = _said(10, 1);
    said.proof = _proofOf(false, 10, 1);
    _refuse(place, said, step, _notThere(said));
    said = _said(10, 1);
    said.proof[3] = "sibling";
    _refuse(place, said, step, _notThere(said));
    said.proof = _proofOf(true, 21, 0);
    _refuse(place, said, step, _notThere(said));
    said.proof = _proofOf(true, 5, 2);
    _refuse(place, said, step, _notThere(said));
    said.proof = new bytes32[](0);
    _refuse(place, said, step, _notThere(said));
    _refute(place, _said(10, 1), step);
  }

  /// @dev Two assertions of one claim: what refutes one leaves the other.
  function test_anotherAssertionsPlace() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    Place memory other = _assert(bob, _id, 20, 0, 2);
    // 20 is as claimed, 21 is not.
    Asserted memory said = _said(20, 0);
    _refuse(place, said, _stepAt(20, true), _other(place));
    Place memory none = _assertion(3);
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(_other(none));
    disputes.refuteAssertion(_id, opening, none, _matrix(MATRIX), said, _stepAt(20, true));
    // Under another answer, matrix or depth there is none.
    Place[4] memory wrong =
      [Place(1, MATRIX, 1, 0, 254), Place(0, MATRIX + 1, 1, 0, 254), Place(0, MATRIX, 1, 0, 255), Place(0, MATRIX, 1, 1, 254)];
    said = _said(21, 0);
    for (uint256 k = 0; k < 4; k++) {
      vm.expectRevert(_other(wrong[k]));
      disputes.refuteAssertion(_id, opening, wrong[k], _matrix(MATRIX), said, _stepAt(21, true));
    }
    TraceMatrix memory matrix = _matrix(MATRIX + 1);
    vm.expectRevert(_other(place));
    disputes.refuteAssertion(_id, opening, place, matrix, said, _stepAt(21, true));
    _isOpen(place);
    _refute(other, _said(20, 0), _stepAt(20, false));
    _isOpen(place);
  }

  function test_anotherClaimsAnswerRefutesNothing() public {
    _falseLeaf = LEAVES;
    ClaimId right = _falseClaim("right");
    _falseLeaf = 21;
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    AnswerOpening memory opening = _opening(right);
    Asserted memory said = _said(21, 0);
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, _id, 0));
    disputes.refuteAssertion(_id, opening, place, _matrix(MATRIX), said, _stepAt(21, true));
    vm.expectRevert(_otherOf(right, place));
    disputes.refuteAssertion(right, opening, place, _matrix(MATRIX), said, _stepAt(21, true));
  }

  function _otherOf(ClaimId id, Place memory place) private pure returns (bytes memory) {
    return abi.encodeWithSelector(IDisputes.OtherAssertion.selector, id, place);
  }

  /// @dev The answers of a batch are asked about each by itself.
  function test_anAnswerOfABatch() public {
    for (uint256 k = 0; k < 2; k++) {
      _add(13, 37, new uint32[](0), _someTokens(50, true));
      _batch[k].traceRoot = _rootOf(true);
    }
    _id = _payBatch();
    vm.prank(bob);
    disputes.commit(_id.game(), _knowing(bob, _id, 1, _rootOf(false)));
    _nextBlock();
    Place memory place = _assertOf(bob, _id, _at(1), _range(false, 21, 0), _rootOf(false), 5);
    eq(place.answer, 1, "the second");
    _isOpen(place);
    Asserted memory said = _said(21, 0);
    AnswerOpening memory first = _at(0);
    AnswerOpening memory second = _at(1);
    vm.expectRevert(_other(place));
    disputes.refuteAssertion(_id, first, place, _matrix(MATRIX), said, _stepAt(21, true));
    Place memory ofFirst = _assertion(5);
    vm.expectRevert(_other(ofFirst));
    disputes.refuteAssertion(_id, first, ofFirst, _matrix(MATRIX), said, _stepAt(21, true));
    // Of the first answer bob has said nothing.
    bytes32 root = _rootOf(false);
    LeavesOpening memory own = _range(false, 21, 0);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _knowing(bob, _id, 0, root)));
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, first, _matrix(MATRIX), own, root, 6);
    disputes.refuteAssertion(_id, second, place, _matrix(MATRIX), said, _stepAt(21, true));
    eq(uint256(_state(place)), uint256(DemandState.Answered), "refuted");
  }

  // ---- Who may assert ----

  function _refusedAssertion(address who, LeavesOpening memory own, bytes32 root, bytes memory why) private {
    AnswerOpening memory opening = _opening(_id);
    vm.deal(who, who.balance + ASSERTION_BOND);
    vm.expectRevert(why);
    vm.prank(who);
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 1);
    eq(uint256(_state(_assertion(1))), uint256(DemandState.None), "nothing was asserted");
  }

  function _unknown(address who) private view returns (bytes memory) {
    return abi.encodeWithSelector(IGames.NotCommitted.selector, who, _knowing(who, _id, 0, _rootOf(false)));
  }

  /// @dev Who sees an assertion on its way has not committed to it, cannot use the other's commitment, and is a block late with
  /// one of their own.
  function test_anAssertionCannotBeTaken() public {
    _know(bob, _id);
    (LeavesOpening memory own, bytes32 root) = (_range(false, 21, 0), _rootOf(false));
    _refusedAssertion(alice, own, root, _unknown(alice));
    vm.startPrank(alice);
    disputes.commit(_id.game(), _knowing(bob, _id, 0, root));
    disputes.commit(_id.game(), _knowing(alice, _id, 1, root));
    disputes.commit(_id.game(), _knowing(alice, _id, 0, _rootOf(true)));
    vm.stopPrank();
    _nextBlock();
    _refusedAssertion(alice, own, root, _unknown(alice));
    vm.prank(alice);
    disputes.commit(_id.game(), _knowing(alice, _id, 0, root));
    _refusedAssertion(alice, own, root, abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    _assertAs(bob, _id, own, root, 1);
  }

  function test_aCommitmentCountsInItsOwnClaimOnly() public {
    ClaimId other = _falseClaim("other");
    _know(bob, other);
    _refusedAssertion(bob, _range(false, 21, 0), _rootOf(false), _unknown(bob));
    _assert(bob, other, 21, 0, 1);
  }

  /// @dev A search's first demand brings the commitment with it. It is none to a proof, and holds no claim.
  function test_aSearchCommits() public {
    bytes32[] memory levels = new bytes32[](1);
    bytes32 commitment = _knowing(bob, _id, 0, _rootOf(false));
    uint256 bond = (300_000 + 33 * 1300) * uint256(GAS_PRICE);
    vm.prank(bob);
    disputes.search{ value: bond }(_id, 0, levels, new Place[](0), commitment);
    eq(disputes.commitmentOf(bob, commitment).committedIn, vm.getBlockNumber(), "written down");
    eq(disputes.commitmentOf(bob, commitment).proveBy, 0, "for no proof");
    _refusedAssertion(bob, _range(false, 21, 0), _rootOf(false), abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    _nextBlock();
    _assert(bob, _id, 21, 0, 1);
    _assert(bob, _id, 10, 1, 2);
    eq(disputes.clockOf(_id.game()).open, 3, "the cut, and two assertions on one commitment");
  }

  /// @dev Nor is a proof known by it, however old; and what a proof has used up is no commitment any more.
  function test_aSearchesCommitmentIsForNoProof() public {
    bytes memory data = _stepCall(_id, true, SALT);
    bytes32 commitment = _commitment(bob, data);
    uint256 bond = (300_000 + 33 * 1300) * uint256(GAS_PRICE);
    vm.prank(bob);
    disputes.search{ value: bond }(_id, 0, new bytes32[](1), new Place[](0), commitment);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.NotCommitted.selector, bob, commitment));
    // And made in the proper way it serves once.
    _prove(bob, _id, data);
    eq(disputes.commitmentOf(bob, commitment).committedIn, 0, "used up");
    _refused(bob, data, abi.encodeWithSelector(IGames.NotOpen.selector, _id));
  }

  function test_aSearchNeedsNoCommitment() public {
    uint256 bond = (300_000 + 33 * 1300) * uint256(GAS_PRICE);
    vm.prank(bob);
    disputes.search{ value: bond }(_id, 0, new bytes32[](1), new Place[](0), 0);
    eq(disputes.commitmentOf(bob, 0).committedIn, 0, "none was made");
  }

  /// @dev A cut, other places with it: each further one is paid as such, in one call.
  function test_aSearchAsksForMore() public {
    Place[] memory places = new Place[](2);
    (places[0], places[1]) = (Place(0, MATRIX, 0, 6, 6), Place(0, MATRIX, 3, 2, 0));
    uint256 gas_ = 300_000 + 2 * 33 * 1300 + (100_000 + 1300 * 64) + (100_000 + 45_000 * 4);
    bytes32 commitment = _knowing(bob, _id, 0, _rootOf(false));
    vm.startPrank(bob);
    for (uint256 k = 0; k < 3; k += 2) {
      uint256 sent = gas_ * GAS_PRICE + k - 1;
      vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, sent, gas_ * GAS_PRICE));
      disputes.search{ value: sent }(_id, 0, new bytes32[](2), places, commitment);
    }
    disputes.search{ value: gas_ * GAS_PRICE }(_id, 0, new bytes32[](2), places, commitment);
    vm.stopPrank();
    eq(disputes.heldBonds(), gas_ * GAS_PRICE, "all are held");
    eq(disputes.clockOf(_id.game()).open, 3, "three demands");
    eq(disputes.demandOf(_id.game(), places[0]).bondGas, 100_000 + 1300 * 64, "nodes");
    eq(disputes.demandOf(_id.game(), places[1]).bondGas, 100_000 + 45_000 * 4, "leaves");
    places[0] = Place(0, MATRIX, 0, 7, 0);
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, places[0]));
    disputes.search(_id, 0, new bytes32[](3), places, 0);
    places[0] = Place(1, MATRIX, 0, 6, 0);
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, _id, 1));
    disputes.search(_id, 0, new bytes32[](3), places, 0);
    _solvent();
  }

  // ---- What can be asserted ----

  function test_leavesOfTheirSizes() public {
    _know(bob, _id);
    bytes32 root = _rootOf(false);
    bytes memory right = _range(false, 10, 1).values;
    bytes[4] memory wrong = [_cut(right, 4), bytes.concat(right, hex"00000000"), _cut(right, 176), bytes("")];
    for (uint256 k = 0; k < 4; k++) {
      LeavesOpening memory own = _range(false, 10, 1);
      own.values = wrong[k];
      _refusedAssertion(bob, own, root, _notLeaves(own));
    }
  }

  /// @dev They stand under the root that was committed to: nobody asserts this and that about one answer without a trace of
  /// their own for each.
  function test_leavesOfOnesOwnTrace() public {
    _know(bob, _id);
    bytes32 root = _rootOf(false);
    LeavesOpening memory own = _range(true, 21, 0);
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 21, 0);
    own.values[9] = 0x01;
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 20, 0);
    own.leaf = 22;
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 21, 0);
    own.proof = _proofOf(true, 21, 0);
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own.proof = _proofOf(false, 10, 1);
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own.proof = new bytes32[](0);
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 21, 0);
    bytes32 theirs = _rootOf(true);
    _refusedAssertion(bob, own, theirs, abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _knowing(bob, _id, 0, theirs)));
    _assertAs(bob, _id, own, root, 1);
  }

  function _notLeaves(LeavesOpening memory own) private pure returns (bytes memory) {
    return abi.encodeWithSelector(IGames.NotTheLeaf.selector, Place(0, MATRIX, own.leaf, own.level, 0));
  }

  function _cut(bytes memory values, uint256 less) private pure returns (bytes memory out) {
    out = new bytes(values.length - less);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = values[k];
    }
  }

  /// @dev Of nodes and leaves that no matrix has.
  function test_leavesThatThereAre() public {
    _know(bob, _id);
    bytes32 root = _rootOf(false);
    LeavesOpening memory own = _range(false, 39, 0);
    own.leaf = 40;
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 2, 4);
    (own.leaf, own.values) = (3, "");
    _refusedAssertion(bob, own, root, _notLeaves(own));
    own = _range(false, 0, 6);
    own.level = 7;
    _refusedAssertion(bob, own, root, _notLeaves(own));
    AnswerOpening memory opening = _opening(_id);
    own = _range(false, 21, 0);
    uint32[3] memory none = [uint32(10), ALL, ALL - 16];
    for (uint256 k = 0; k < 3; k++) {
      vm.expectPartialRevert(IGames.NotTheLeaf.selector);
      vm.prank(bob);
      disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(none[k]), own, root, 1);
    }
  }

  /// @dev As many leaves as can be demanded, and no more: 64.
  function test_noMoreLeavesThanFit() public {
    ClaimId id = _paidClaim("even");
    bytes32 root = SameTrace.root();
    vm.prank(bob);
    disputes.commit(id.game(), _knowing(bob, id, 0, root));
    _nextBlock();
    AnswerOpening memory opening = _opening(id);
    LeavesOpening memory own = LeavesOpening(1, 7, SameTrace.values(7), SameTrace.proof(1, 7));
    vm.expectRevert(abi.encodeWithSelector(IGames.NotTheLeaf.selector, Place(0, 1, 1, 7, 0)));
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(id, opening, _matrix(1), own, root, 1);
    own = LeavesOpening(3, 6, SameTrace.values(6), SameTrace.proof(1, 6));
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(id, opening, _matrix(1), own, root, 1);
    eq(disputes.clockOf(id.game()).open, 1, "asserted");
  }

  function test_aNameIsUsedOnce() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    bytes memory twice = abi.encodeWithSelector(IGames.AlreadyDemanded.selector, _id, place);
    AnswerOpening memory opening = _opening(_id);
    (LeavesOpening memory own, bytes32 root) = (_range(false, 10, 1), _rootOf(false));
    for (uint256 k = 0; k < 2; k++) {
      vm.expectRevert(twice);
      vm.prank(bob);
      disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 1);
      // Nor after it was refuted; what stands for it is what was asserted first.
      if (k == 0) _refute(place, _said(21, 0), _stepAt(21, true));
    }
    _isOpen(_assert(bob, _id, 21, 0, 2));
  }

  function test_itsBondAndItsTime() public {
    _know(bob, _id);
    AnswerOpening memory opening = _opening(_id);
    (LeavesOpening memory own, bytes32 root) = (_range(false, 21, 0), _rootOf(false));
    vm.startPrank(bob);
    for (uint256 k = 0; k < 3; k += 2) {
      uint256 sent = ASSERTION_BOND + k - 1;
      vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, sent, ASSERTION_BOND));
      disputes.assertLeaves{ value: sent }(_id, opening, _matrix(MATRIX), own, root, 1);
    }
    uint256 until = disputes.demandUntil(_id.game());
    vm.warp(until + 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.TooLateToBegin.selector, _id, until));
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 1);
    vm.stopPrank();
    vm.warp(until);
    _isOpen(_assert(bob, _id, 21, 0, 1));
  }

  function test_ofAClaimThatIsOver() public {
    _know(bob, _id);
    AnswerOpening memory opening = _opening(_id);
    (LeavesOpening memory own, bytes32 root) = (_range(false, 21, 0), _rootOf(false));
    uint256 here = vm.snapshotState();
    for (uint256 k = 0; k < 2; k++) {
      if (k == 0) _finalAt(_id, _deadline(_id) + WINDOW);
      else _prove(alice, _id, _stepCall(_id, true, SALT));
      vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, _id));
      vm.prank(bob);
      disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 1);
      vm.revertToState(here);
    }
  }

  function test_ofAnswersThatTheClaimHas() public {
    ClaimId other = _falseClaim("other");
    _know(bob, _id);
    AnswerOpening memory opening = _opening(other);
    (LeavesOpening memory own, bytes32 root) = (_range(false, 21, 0), _rootOf(false));
    vm.expectRevert(abi.encodeWithSelector(IDisputes.WrongAnswer.selector, _id, 0));
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrix(MATRIX), own, root, 1);
  }

  function test_theBondComesBackAfterAnotherConviction() public {
    _know(bob, _id);
    Place memory place = _assert(bob, _id, 21, 0, 1);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotRefuted.selector, _id));
    disputes.takeBack(_id.game(), place);
    _prove(alice, _id, _stepCall(_id, true, SALT));
    disputes.takeBack(_id.game(), place);
    eq(disputes.claimable(bob), ASSERTION_BOND, "whole");
    eq(disputes.heldBonds(), 0, "nothing is held");
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, place));
    disputes.takeBack(_id.game(), place);
    _solvent();
  }

  // ---- No other call answers for it ----

  /// @dev An assertion is no leaf, no node and no cut. Who can show anything of its place gets away.
  function test_itIsNotShownAway() public {
    _know(bob, _id);
    uint32[3] memory names = [uint32(0), 21, ALL];
    AnswerOpening memory opening = _opening(_id);
    for (uint256 k = 0; k < 3; k++) {
      Place memory place = _assert(bob, _id, 21, 0, names[k]);
      vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
      disputes.showNoSuchPlace(_id, opening, _matrix(MATRIX), place);
      bytes32[] memory hashes = new bytes32[](1);
      hashes[0] = _nodeOf(true, 21, 0);
      NodesOpening memory nodes = NodesOpening(names[k], 0, 254, hashes, _proofOf(true, 21, 0));
      Shown[] memory shown = _shownNodes(MATRIX, nodes);
      vm.expectRevert(abi.encodeWithSelector(IGames.NotTheNodes.selector, place));
      disputes.reveal(_id, opening, shown);
      nodes.hashes = new bytes32[](0);
      shown = _shownNodes(MATRIX, nodes);
      vm.expectRevert(abi.encodeWithSelector(IGames.NotTheNodes.selector, place));
      disputes.reveal(_id, opening, shown);
      // A cut of the tree over all is no answer about one matrix.
      shown[0].nodes[0].depth = 255;
      vm.expectPartialRevert(IGames.NotTheNodes.selector);
      disputes.reveal(_id, opening, shown);
      _isOpen(place);
    }
  }

  /// @dev By demand nobody would know what is asserted.
  function test_itIsNotDemanded() public {
    uint8[2] memory depths = [253, 254];
    for (uint256 k = 0; k < 2; k++) {
      for (uint8 level = 0; level < 33; level += 32) {
        Place memory place = Place(0, MATRIX, 1, level, depths[k]);
        vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
        disputes.demand(_id.game(), _one(place));
        vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
        disputes.search(_id, 0, new bytes32[](1), _one(place), 0);
      }
    }
  }

  /// @dev A demand for leaves is not answered by refuting, a cut neither: only what was asserted stands for anything.
  function test_aDemandIsNoAssertion() public {
    Place memory leaf = Place(0, MATRIX, 21, 0, 0);
    _demand(bob, _id, leaf);
    AnswerOpening memory opening = _opening(_id);
    Asserted memory said = _said(21, 0);
    vm.expectRevert(_other(leaf));
    disputes.refuteAssertion(_id, opening, leaf, _matrix(MATRIX), said, _stepAt(21, true));
    eq(uint256(_state(leaf)), uint256(DemandState.Open), "the leaf is to be shown");
  }

  // ---- A whole search ----

  /// @dev Everything of a batch is withheld: file, cut, nodes, assertion, each reply in its last second; silence. Eight transactions.
  function test_aWithheldBatchInEightTransactions() public {
    for (uint256 k = 0; k < 2; k++) {
      _add(13, 37, new uint32[](0), _someTokens(50, true));
      _batch[k].traceRoot = _rootOf(true);
    }
    _id = _payBatch();
    _demandFile(bob, _id);
    vm.warp(disputes.demandOf(_id.game(), _filePlace()).due);
    disputes.showFile(_id, _file());
    // Every matrix by itself.
    bytes32[] memory levels = new bytes32[](1);
    uint256 bond = (300_000 + 33 * 1300) * uint256(GAS_PRICE);
    vm.prank(bob);
    disputes.search{ value: bond }(_id, 1, levels, new Place[](0), _knowing(bob, _id, 1, _rootOf(false)));
    Place memory cut = Place(1, ALL, uint32(uint256(keccak256(abi.encodePacked(levels)))), 0, 255);
    vm.warp(disputes.demandOf(_id.game(), cut).due);
    _showNodes(ALL, NodesOpening(cut.leaf, 0, 255, _topsOf(true), levels));
    // Of the first that is another, all leaves.
    Place memory nodes = Place(1, MATRIX, 0, 6, 6);
    _demand(bob, _id, nodes);
    vm.warp(disputes.demandOf(_id.game(), nodes).due);
    _showNodes(MATRIX, NodesOpening(0, 6, 6, _leavesOf(true), _proofOf(true, 0, 6)));
    vm.roll(vm.getBlockNumber() + 1);
    Place memory place = _assertOf(bob, _id, _at(1), _range(false, 21, 0), _rootOf(false), 9);
    vm.warp(uint256(disputes.demandOf(_id.game(), place).due) + 1);
    disputes.convictSilence(_id.game(), place);
    _is(_id, ClaimState.Refuted);
    eq(settlement.claim(_id).challenger, bob, "bob's");
    _solvent();
  }

  function _showNodes(uint32 index, NodesOpening memory nodes) private {
    Shown[] memory shown = _shownNodes(index, nodes);
    shown[0].matrix.inputs = abi.encodePacked(_batch[1].tokensOut, _tokensOf[1]);
    disputes.reveal(_id, _at(1), shown);
  }
}
