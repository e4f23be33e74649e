// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { StepJudge } from "./StepJudge.sol";
import { ILedgerReferee, Outcome } from "./interfaces/ILedgerReferee.sol";
import { IReferee, Opening, Step } from "./interfaces/IReferee.sol";
import { Unit, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Computation, Computations } from "./libraries/Computations.sol";
import { Committed, Openings } from "./libraries/Openings.sol";
import { Float32 } from "./libraries/RF32.sol";
import { Element } from "./libraries/steps/Element.sol";
import { LedgerSteps } from "./libraries/steps/LedgerSteps.sol";

/// @title Judge of one step between the gradients of records and the ledger's rows, and of what a run has come to
/// @notice A contract beside Referee, which has no room for more operations. It has no storage, no owner and no way to change.
contract LedgerReferee is ILedgerReferee, StepJudge {
  uint256 private constant WORD = 4;

  /// @inheritdoc ILedgerReferee
  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32 innerRoot, Step calldata step)
    external
    pure
    returns (bool)
  {
    Computation memory computation = Computations.ofUnit(unit, shape, innerRoot, step.header, step.inputs);
    return _isFalse(computation, step);
  }

  /// @inheritdoc ILedgerReferee
  function isOtherOutcome(Unit calldata unit, bytes32 registeredProgram, Outcome calldata outcome)
    external
    pure
    returns (bool)
  {
    // Nothing that the unit makes for itself is asked for.
    Computation memory computation = Computations.ofUnit(unit, outcome.shape, 0, outcome.header, outcome.inputs);
    uint256 outputs = outcome.shape.outputs;
    if (outcome.output >= outputs) revert IReferee.RefereeOutside(outcome.output, 0);
    if (computation.texts.scalars < outputs) revert IReferee.RefereeWrongInputs();
    if (keccak256(abi.encode(outcome.registered)) != registeredProgram) revert IReferee.RefereeWrongHeader();

    _prove(outcome.made, Committed(unit.outputRoot, outputs, outcome.output, outcome.rows, outcome.columns), OUTPUT);
    Committed memory constant_;
    (constant_.root, constant_.count) = (outcome.registered.constantsRoot, outcome.registered.constantCount);
    constant_.index = _lastWord(outcome.inputs, outputs - outcome.output);
    // What has no place among the constants has no leaf that could be proved.
    if (constant_.index >= constant_.count) return true;
    (constant_.rows, constant_.columns) = (outcome.givenRows, outcome.givenColumns);
    _prove(outcome.given, constant_, 0);
    if (outcome.givenRows != outcome.rows || outcome.givenColumns != outcome.columns) return true;
    if (outcome.made.leaf != outcome.given.leaf) revert IReferee.RefereeWrongOpening(0, outcome.given.leaf);
    return keccak256(outcome.made.values) != keccak256(outcome.given.values);
  }

  function _prove(Opening calldata opening, Committed memory matrix, uint256 input) private pure {
    if (Openings.proven(opening, matrix).rows == 0) revert IReferee.RefereeWrongOpening(input, opening.leaf);
  }

  function _compute(Element memory element) internal pure override returns (Float32) {
    return LedgerSteps.compute(element);
  }

  /// @dev Word `back` from the end, from 1: inputs end with the scalars, which were found to be as many.
  function _lastWord(bytes calldata inputs, uint256 back) private pure returns (uint256) {
    uint256 place = inputs.length - WORD * back;
    return uint32(bytes4(inputs[place:place + WORD]));
  }
}
