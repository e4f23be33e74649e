// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Runs } from "../../src/Runs.sol";
import { Accounting } from "../../src/interfaces/ISettlement.sol";
import { Test } from "../support/Test.sol";
import { RunsHandler } from "./RunsHandler.sol";

contract RunsInvariantTest is Test {
  RunsHandler private _handler;
  Runs private _runs;

  function setUp() public {
    _handler = new RunsHandler();
    _runs = _handler.theRuns();
    bytes4[] memory selectors = new bytes4[](8);
    selectors[0] = RunsHandler.vouch.selector;
    selectors[1] = RunsHandler.demandPiece.selector;
    selectors[2] = RunsHandler.answerDemands.selector;
    selectors[3] = RunsHandler.dispute.selector;
    selectors[4] = RunsHandler.denounce.selector;
    selectors[5] = RunsHandler.stand.selector;
    selectors[6] = RunsHandler.withdraw.selector;
    selectors[7] = RunsHandler.wait_.selector;
    _target(address(_handler), selectors);
  }

  /// @dev One function, so that all are checked along the same runs: forge makes the runs anew for each.
  function invariant_moneyAndHonestStatementsAreSafe() public view {
    _openIsConserved();
    _honestStatementsAreNeverRefuted();
    eq(_handler.broken(), 0, "broken");
  }

  /// @notice No OPEN appears or disappears: by the contracts' own books and by the people's balances.
  function _openIsConserved() private view {
    uint256 held = _runs.heldBonds() + _runs.heldStakes();
    eq(_runs.heldStakes(), _handler.staked(), "stakes are those of open statements");
    eq(address(_runs).balance, held + _runs.totalClaimable(), "balance = bonds + stakes + claimable");
    eq(_runs.totalDeposited(), address(_runs).balance + _runs.totalWithdrawn(), "deposited = held + withdrawn");
    eq(_runs.totalDeposited(), _handler.putIn(), "deposited is what people put in");
    eq(_runs.totalWithdrawn(), _handler.gotOut(), "withdrawn is what people and contributors got");
    eq(_handler.pool(), _handler.lost(), "contributors have half of each lost bond");
    Accounting memory a = _handler.theSettlement().accounting();
    eq(a.balance, a.fees + a.bonds + a.pools + a.claimable, "the settlement holds it");
  }

  /// @notice Whatever is proved, demanded and denounced: an honest maker who answers in time keeps the bond.
  function _honestStatementsAreNeverRefuted() private view {
    for (uint256 k = 0; k < _handler.statements(); k++) {
      if (_handler.isHonest(k)) yes(!_runs.isRefuted(_handler.idOf(k)), "an honest statement was refuted");
    }
  }
}
