// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ILedgerReferee, Outcome } from "../../src/interfaces/ILedgerReferee.sol";
import { IReferee, Step } from "../../src/interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "../../src/interfaces/IUnitReferee.sol";

/// @notice Says what a test tells it, as FakeUnitReferee does, of the ledger's operations alone. A step is false where its
/// column is 777, an outcome is another where its output is 777.
contract FakeLedgerReferee is ILedgerReferee {
  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32, Step calldata step)
    external
    pure
    returns (bool)
  {
    if (keccak256(abi.encode(step.header, shape)) != unit.programHash) revert IUnitReferee.RefereeWrongUnit();
    if (shape.sources.length != unit.sourceRoots.length) revert IUnitReferee.RefereeWrongUnit();
    return step.column == 777;
  }

  function isOtherOutcome(Unit calldata unit, bytes32 registeredProgram, Outcome calldata outcome)
    external
    pure
    returns (bool)
  {
    if (keccak256(abi.encode(outcome.header, outcome.shape)) != unit.programHash) revert IUnitReferee.RefereeWrongUnit();
    if (keccak256(abi.encode(outcome.registered)) != registeredProgram) revert IReferee.RefereeWrongHeader();
    return outcome.output == 777;
  }
}
