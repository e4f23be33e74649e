// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { Asserted, IDisputes } from "../src/interfaces/IDisputes.sol";
import { DemandState, IGames, LeavesOpening, Place } from "../src/interfaces/IGames.sol";
import { IReferee, Step, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { ClaimState, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Float32, RF32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { Matrix, Output, Question, RefereeTrace } from "./support/RefereeTrace.sol";

/// @notice Assertions with the real referee about a trace that adds a constant to a matrix, [2,300] (rows cut in pieces) or
/// [5,128] (two rows a leaf, the last one alone). The claim's sum has false elements, or the challenger's.
contract DisputesAssertionsRefereeTest is Disputing, RefereeTrace {
  uint8 private constant ADD = 0x20;
  uint256 private constant ASSERTION_BOND = 8_000_000 * uint256(GAS_PRICE);

  uint256 private _rows;
  uint256 private _columns;
  uint32 private _node;
  uint8 private _level;
  ClaimId private _id;
  Place private _place;
  /// @dev What is added; the sums as claimed, and as asserted.
  bytes[2] private _terms;
  bytes private _claimed;
  bytes private _own;
  bytes32 private _claimedRoot;

  function setUp() public {
    _deploy();
    vm.etch(address(referee), address(new Referee()).code);
    _fillers = 3;
  }

  // ---- Sums ----

  function _inputs() private view returns (Matrix[] memory inputs) {
    inputs = new Matrix[](2);
    for (uint256 k = 0; k < 2; k++) {
      (inputs[k].rows, inputs[k].columns, inputs[k].data) = (_rows, _columns, _terms[k]);
    }
    inputs[1].space = 1;
  }

  /// @dev (k + 1) / 8, (k + 2) / 8, and their sum.
  function _work() private {
    bytes[3] memory made;
    for (uint256 which = 0; which < 3; which++) {
      bytes memory values = new bytes(4 * _rows * _columns);
      for (uint256 k = 0; k < _rows * _columns; k++) {
        RF32Sums.setValue(values, k, RF32.fromInt(int256(which == 2 ? 2 * k + 3 : k + 1 + which)).scale2(-3));
      }
      made[which] = values;
    }
    (_terms[0], _terms[1], _claimed, _own) = (made[0], made[1], made[2], made[2]);
  }

  function _spoiled(bytes memory sums, uint256 k) private pure returns (bytes memory) {
    RF32Sums.setValue(sums, k, Float32.wrap(Float32.unwrap(RF32Sums.valueAt(sums, k)) ^ 1));
    return sums;
  }

  /// @dev The element's place in the list is that of its row and column.
  function _leafOfElement(uint256 k) private view returns (uint256) {
    return Leaves.leafOf(_columns, k / _columns, k % _columns);
  }

  function _isInRange(uint256 k) private view returns (bool) {
    return _leafOfElement(k) >> _level == _node;
  }

  /// @dev What is asserted in the range, what is claimed elsewhere: the trace that a refutation's step stands in.
  function _mixed() private view returns (bytes memory mixed) {
    mixed = _claimed;
    bytes memory own = _own;
    for (uint256 k = 0; k < _rows * _columns; k++) {
      if (_isInRange(k)) RF32Sums.setValue(mixed, k, RF32Sums.valueAt(own, k));
    }
  }

  /// @dev All about element k of a trace with these sums.
  function _about(bytes memory sums, uint256 k) private returns (Question memory) {
    _elsewhere = sums;
    Output memory output =
      Output(_rows, _columns, uint32(k / _columns), uint32(k % _columns), Float32.unwrap(RF32Sums.valueAt(sums, k)));
    return _question(ADD, "", _inputs(), output);
  }

  // ---- Games ----

  function _shape(uint256 rows, uint256 columns, uint32 leaf, uint8 level) private {
    (_rows, _columns, _node, _level) = (rows, columns, leaf, level);
    _work();
  }

  /// @dev The claim, and the assertion of a challenger with the other sums.
  function _play() private {
    Question memory q = _about(_claimed, 0);
    AdapterDraft memory draft = _draft();
    draft.programHash = q.programHash;
    vm.prank(curator);
    adapter = adapters.register(draft);
    (PayRequest memory request, Fee memory fee,) = _request("receipt", 2, 2, 6000);
    (request.answer.traceRoot, request.answer.inputsHash) = (q.traceRoot, q.inputsHash);
    _claimedRoot = q.traceRoot;
    _id = _pay(request, fee.total);

    q = _about(_own, _firstInRange());
    vm.prank(bob);
    disputes.commit(_id.game(), keccak256(abi.encode(bob, keccak256(abi.encode(_id, uint256(0), q.traceRoot)))));
    _nextBlock();
    LeavesOpening memory own = LeavesOpening(_node, _level, _rangeOf(_own), _from(q.step.output.proof));
    AnswerOpening memory opening = _opening(_id);
    vm.prank(bob);
    disputes.assertLeaves{ value: ASSERTION_BOND }(_id, opening, _matrixAlone(q.step), own, q.traceRoot, 1);
    _place = Place(0, 1, 1, 0, 254);
  }

  function _firstInRange() private view returns (uint256 k) {
    while (_leafOfElement(k) != uint256(_node) << _level) k++;
  }

  /// @dev The inputs are in nobody's way, but not needed.
  function _matrixAlone(Step memory step) private pure returns (TraceMatrix memory matrix) {
    matrix = _matrixOf(step);
    matrix.inputs = "";
  }

  /// @dev Siblings of the node from those of its first leaf.
  function _from(bytes32[] memory all) private view returns (bytes32[] memory proof) {
    proof = new bytes32[](all.length - _level);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = all[k + _level];
    }
  }

  /// @dev Leaf by leaf, as they stand in the list: rows that are cut come in pieces, in the same order.
  function _rangeOf(bytes memory sums) private view returns (bytes memory values) {
    for (uint256 k = 0; k < _rows * _columns; k++) {
      if (!_isInRange(k)) continue;
      uint32 bits = Float32.unwrap(RF32Sums.valueAt(sums, k));
      values = bytes.concat(values, abi.encodePacked(uint8(bits), uint8(bits >> 8), uint8(bits >> 16), uint8(bits >> 24)));
    }
  }

  function _nodeOf(bytes memory sums) private view returns (bytes32) {
    uint256 width = 1 << _level;
    bytes32[] memory nodes = new bytes32[](width);
    for (uint256 k = 0; k < width; k++) {
      bytes memory values;
      for (uint256 e = 0; e < _rows * _columns; e++) {
        if (_leafOfElement(e) != (uint256(_node) << _level) + k) continue;
        uint32 bits = Float32.unwrap(RF32Sums.valueAt(sums, e));
        values = bytes.concat(values, abi.encodePacked(uint8(bits), uint8(bits >> 8), uint8(bits >> 16), uint8(bits >> 24)));
      }
      if (values.length > 0) nodes[k] = Merkle.leaf(values);
    }
    for (; width > 1; width /= 2) {
      for (uint256 k = 0; k < width / 2; k++) {
        nodes[k] = Merkle.node(nodes[2 * k], nodes[2 * k + 1]);
      }
    }
    return nodes[0];
  }

  function _said() private returns (Asserted memory) {
    bytes32[] memory proof = _from(_about(_claimed, _firstInRange()).step.output.proof);
    return Asserted(_node, _level, _nodeOf(_own), _nodeOf(_claimed), proof);
  }

  function _refute(Asserted memory said, Step memory step) private {
    disputes.refuteAssertion(_id, _opening(_id), _place, _matrixAlone(step), said, step);
    eq(uint256(disputes.demandOf(_id.game(), _place).state), uint256(DemandState.Answered), "refuted");
    eq(disputes.claimable(payer), ASSERTION_BOND, "the bond is the claimant's");
  }

  function _refuse(Asserted memory said, Step memory step, bytes memory why) private {
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(why);
    disputes.refuteAssertion(_id, opening, _place, _matrixAlone(step), said, step);
  }

  function _holds() private view returns (bytes memory) {
    return abi.encodeWithSelector(IDisputes.AssertionHolds.selector, _id, _place);
  }

  /// @dev Leaves of either shape: one, the short last one, ranges up to all.
  function _anyRange(uint8 which) private {
    if (which % 7 == 0) _shape(2, 300, 1, 0);
    if (which % 7 == 1) _shape(2, 300, 2, 0);
    if (which % 7 == 2) _shape(2, 300, 1, 1);
    if (which % 7 == 3) _shape(2, 300, 0, 2);
    if (which % 7 == 4) _shape(5, 128, 2, 0);
    if (which % 7 == 5) _shape(5, 128, 1, 1);
    if (which % 7 == 6) _shape(5, 128, 0, 2);
  }

  /// @dev An element in the range.
  function _inRange(uint256 seed) private view returns (uint256 k) {
    k = seed % (_rows * _columns);
    while (!_isInRange(k)) k = (k + 1) % (_rows * _columns);
  }

  // ---- A false claim ----

  /// @dev The claim is false somewhere in the range, and maybe elsewhere. No element of what it has, or of what was asserted, refutes
  /// what is right.
  /// forge-config: default.fuzz.runs = 60
  function testFuzz_noStepRefutesWhatIsRight(uint8 which, uint256 falseAt, uint256 elsewhere, uint256 element) public {
    _anyRange(which);
    _claimed = _spoiled(_claimed, _inRange(falseAt));
    if (elsewhere % 2 == 1) _claimed = _spoiled(_claimed, (elsewhere >> 1) % (_rows * _columns));
    if (keccak256(_rangeOf(_claimed)) == keccak256(_rangeOf(_own))) return;
    _play();
    Asserted memory said = _said();
    element %= _rows * _columns;
    Step memory step = _about(_mixed(), element).step;
    _refuse(said, step, _holds());
    // In its own trace the claimed element stands, not in that of the assertion.
    step = _about(_claimed, element).step;
    _refuse(said, step, _isInRange(element) ? _wrongOpening(step) : _holds());
    vm.warp(vm.getBlockTimestamp() + REPLY + 1);
    disputes.convictSilence(_id.game(), _place);
    _is(_id, ClaimState.Refuted);
  }

  function _wrongOpening(Step memory step) private pure returns (bytes memory) {
    return abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, 255, step.output.leaf);
  }

  /// @dev Nor with parts of another trace: another inputs' leaf, tokens, program.
  function test_aStepOfAnotherTrace() public {
    _shape(2, 300, 1, 0);
    _claimed = _spoiled(_claimed, 299);
    _play();
    Asserted memory said = _said();
    Step memory step = _about(_mixed(), 299).step;
    step.openings[1].values[0] ^= 0x01;
    _refuse(said, step, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, 0, step.openings[1].leaf));
    step = _about(_mixed(), 299).step;
    step.inputs[7] ^= 0x01;
    _refuse(said, step, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    step = _about(_mixed(), 299).step;
    TraceMatrix memory matrix = _matrixAlone(_about(_mixed(), 299).step);
    step.header.window++;
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(IReferee.RefereeWrongHeader.selector);
    disputes.refuteAssertion(_id, opening, _place, matrix, said, step);
    // Nor has the matrix another size than the program says.
    step = _about(_mixed(), 299).step;
    matrix.instruction[4] ^= 0x01;
    vm.expectRevert(abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, 1));
    disputes.refuteAssertion(_id, opening, _place, matrix, said, step);
    _refuse(said, step, _holds());
  }

  // ---- A right claim ----

  /// @dev Whatever is wrong in an assertion about a right claim: that element refutes it, and what is the same does by itself.
  /// forge-config: default.fuzz.runs = 60
  function testFuzz_aRightClaimRefutesWhatIsWrong(uint8 which, uint256 wrongAt, uint256 right) public {
    _anyRange(which);
    uint256 wrong = _inRange(wrongAt);
    _own = _spoiled(_own, wrong);
    _play();
    Asserted memory said = _said();
    right %= _rows * _columns;
    if (right != wrong) _refuse(said, _about(_mixed(), right).step, _holds());
    _refute(said, _about(_mixed(), wrong).step);
    _solvent();
  }

  function test_aRightClaimRefutesItsOwnLeaves() public {
    for (uint8 which = 0; which < 7; which++) {
      uint256 here = vm.snapshotState();
      _anyRange(which);
      // The challenger has computed something else elsewhere.
      uint256 other = _isInRange(0) ? _rows * _columns - 1 : 0;
      if (!_isInRange(other)) _own = _spoiled(_own, other);
      _play();
      Asserted memory said = _said();
      eq(said.node, said.claimed, "the same");
      Step memory step = _about(_claimed, 0).step;
      disputes.refuteAssertion(_id, _opening(_id), _place, _matrixAlone(step), said, step);
      eq(disputes.claimable(payer), ASSERTION_BOND, "the bond is the claimant's");
      vm.revertToState(here);
    }
  }

  /// @dev Numbers that no matrix holds are wrong as any others.
  function test_whatIsNoNumberIsWrong() public {
    uint32[4] memory bits = [uint32(0x7f800000), 0xff800000, 0x7fc00000, 0x80000000];
    for (uint256 k = 0; k < 4; k++) {
      uint256 here = vm.snapshotState();
      _shape(2, 300, 1, 0);
      bytes memory own = _own;
      RF32Sums.setValue(own, 290, Float32.wrap(bits[k]));
      _own = own;
      _play();
      _refute(_said(), _about(_mixed(), 290).step);
      vm.revertToState(here);
    }
  }
}
