// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Runs } from "../src/Runs.sol";
import { IGames } from "../src/interfaces/IGames.sol";
import { ILedgerReferee, Outcome } from "../src/interfaces/ILedgerReferee.sol";
import { IReferee, Opening, Step } from "../src/interfaces/IReferee.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import { IUnitReferee, Unit } from "../src/interfaces/IUnitReferee.sol";
import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { StatementState, UnitOpening } from "../src/types/Runs.sol";
import { Vouching } from "./support/Vouching.sol";

/// @notice Which of the two referees judges a step, and what convicts an adapter that is registered with another outcome than
/// its run's.
contract RunsOutcomeTest is Vouching {
  function setUp() public {
    _setUp();
    _vouch();
  }

  function _holds() private view returns (bytes memory) {
    return abi.encodeWithSelector(IGames.ClaimHolds.selector, adapter);
  }

  // ---- Two referees ----

  function test_theRefereesAreNamedForEver() public view {
    eq(address(runs.referee()), address(unitReferee), "of a model's passes");
    eq(address(runs.ledgerReferee()), address(ledgerReferee), "of the ledger");
  }

  /// @dev Each of the two finds another column false.
  function test_theOperationChoosesTheReferee() public {
    _openTrace(3);
    bytes1[6] memory ops = [bytes1(0x01), 0x72, 0x7f, 0x80, 0x8f, 0xff];
    for (uint256 k = 0; k < ops.length; k++) {
      bool isLedger = ops[k] >= 0x80;
      Step memory step = _step(isLedger ? 666 : 777);
      step.instruction = abi.encodePacked(ops[k], hex"ff00");
      _refused(abi.encodeCall(Runs.proveUnit, (adapter, _unit(3), _shape(3), step, SALT)), _holds());
      step.column = isLedger ? 777 : 666;
      bytes memory data = abi.encodeCall(Runs.proveUnit, (adapter, _unit(3), _shape(3), step, SALT));
      uint256 before = vm.snapshotState();
      _prove(bob, data);
      _is(StatementState.Refuted);
      vm.revertToState(before);
    }
    // No instruction at all is not one of the ledger's, and not one of any program.
    Step memory none = _step(777);
    _refused(abi.encodeCall(Runs.proveUnit, (adapter, _unit(3), _shape(3), none, SALT)), _holds());
  }

  function test_aFalseStepOfTheLedgerLosesTheBond() public {
    _openTrace(3);
    _refused(_ledgerCall(3, false, SALT), _holds());
    _prove(bob, _ledgerCall(3, true, SALT));
    _is(StatementState.Refuted);
    eq(runs.claimable(bob), STAKE / 2, "half of the bond");
    _solvent();
  }

  // ---- The outcome ----

  function test_anotherOutcomeLosesTheBond() public {
    bytes memory data = _outcomeCall(true, SALT);
    _commit(bob, data);
    _nextBlock();
    vm.expectEmit(address(runs));
    emit IGames.Convicted(adapter.game(), bob, "outcome");
    _send(bob, data);
    _is(StatementState.Refuted);
    eq(runs.claimable(bob), STAKE / 2, "half of the bond");
    eq(settlement.poolOf(datanet), STAKE / 2, "half for contributors");
    _solvent();
  }

  /// @dev With all that was sent: also the size of the registered constant, which need not be that of what the unit made.
  function test_theRefereeIsAskedAboutAllOfIt() public {
    UnitOpening memory opening = _unitAlone(UNITS - 1);
    Outcome memory outcome = _outcome(UNITS - 1, true);
    outcome.inputs = hex"0102030405";
    (outcome.rows, outcome.columns, outcome.givenRows, outcome.givenColumns) = (8, 9, 7, 10);
    outcome.made = Opening(0, 3, hex"11", new bytes32[](2));
    outcome.given = Opening(0, 4, hex"2222", new bytes32[](1));
    Unit memory unit;
    (unit.programHash, unit.inputsHash, unit.outputRoot) = (opening.programHash, opening.inputsHash, opening.outputRoot);
    unit.sourceRoots = new bytes32[](opening.sources.length);
    bytes32 registered = keccak256(abi.encode(outcome.registered));
    vm.expectCall(address(ledgerReferee), abi.encodeCall(ILedgerReferee.isOtherOutcome, (unit, registered, outcome)));
    _prove(bob, abi.encodeCall(Runs.proveOutcome, (adapter, opening, outcome, SALT)));
    _is(StatementState.Refuted);
  }

  /// @dev Nothing has to be demanded before: what the unit made stands under the statement's own root.
  function test_theRightOutcomeStands() public {
    _refused(_outcomeCall(false, SALT), _holds());
    vm.warp(_deadline() + WINDOW);
    runs.stand(adapter);
    eq(runs.claimable(curator), STAKE, "an honest maker loses nothing");
  }

  function test_onlyTheLastUnitMakesIt() public {
    for (uint32 unit = 0; unit < UNITS - 1; unit++) {
      bytes memory data = abi.encodeCall(Runs.proveOutcome, (adapter, _unitAlone(unit), _outcome(unit, true), SALT));
      _refused(data, abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, unit));
    }
    // Nor can another be taken for the last.
    UnitOpening memory o = _unitAlone(UNITS - 2);
    o.index = UNITS - 1;
    _refused(
      abi.encodeCall(Runs.proveOutcome, (adapter, o, _outcome(UNITS - 2, true), SALT)),
      abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, UNITS - 1)
    );
    o = _unitAlone(UNITS - 1);
    o.outputRoot = keccak256("never said");
    _refused(
      abi.encodeCall(Runs.proveOutcome, (adapter, o, _outcome(UNITS - 1, true), SALT)),
      abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, UNITS - 1)
    );
  }

  /// @dev With the program of another adapter, or a false one, nothing is proved about this one.
  function test_theProgramIsTheRegisteredOne() public {
    Outcome memory outcome = _outcome(UNITS - 1, true);
    outcome.registered.constantsRoot = "other constants";
    bytes memory data = abi.encodeCall(Runs.proveOutcome, (adapter, _unitAlone(UNITS - 1), outcome, SALT));
    _refused(data, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
    outcome = _outcome(UNITS - 1, true);
    outcome.header.instructionCount = 11;
    data = abi.encodeCall(Runs.proveOutcome, (adapter, _unitAlone(UNITS - 1), outcome, SALT));
    _refused(data, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    // Another adapter with the same run: its program is asked for, not this one's.
    AdapterDraft memory draft = _draft();
    draft.programHash = keccak256("another program");
    vm.prank(curator);
    adapter = adapters.register(draft);
    _vouch();
    _refused(_outcomeCall(true, SALT), abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
  }

  function test_aProofOfItCannotBeTaken() public {
    bytes memory data = _outcomeCall(true, SALT);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotCommitted.selector, bob, _commitment(bob, data)));
    this.send(bob, data);
    _commit(bob, data);
    _nextBlock();
    // Seen on its way: her own commitment comes a block too late.
    _commit(alice, data);
    vm.expectRevert(abi.encodeWithSelector(IGames.SameBlock.selector, vm.getBlockNumber()));
    this.send(alice, data);
    _send(bob, data);
    eq(runs.claimable(bob), STAKE / 2, "who found it");
    eq(runs.claimable(alice), 0, "not who saw it");
  }

  function test_noProofOfItAfterTheWindow() public {
    vm.warp(_deadline() + 1);
    bytes memory data = _outcomeCall(true, SALT);
    vm.expectPartialRevert(IGames.TooLateToBegin.selector);
    this.commitTo(data);
    runs.stand(adapter);
    vm.expectRevert(abi.encodeWithSelector(IGames.NotOpen.selector, adapter));
    this.send(bob, data);
  }

  function commitTo(bytes calldata data) external {
    _commit(bob, data);
  }

  function test_aRunOfOneUnitHasNone() public {
    vm.prank(curator);
    adapter = adapters.register(_draft());
    units = 1;
    _vouch();
    // A given unit follows no program.
    _refused(_outcomeCall(true, SALT), abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
  }
}
