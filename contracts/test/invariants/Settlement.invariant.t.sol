// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Settlement } from "../../src/Settlement.sol";
import { Accounting } from "../../src/interfaces/ISettlement.sol";
import { Test } from "../support/Test.sol";
import { SettlementHandler } from "./SettlementHandler.sol";

contract SettlementInvariantTest is Test {
  SettlementHandler private _handler;
  Settlement private _settlement;

  function setUp() public {
    _handler = new SettlementHandler();
    _settlement = _handler.theSettlement();
    bytes4[] memory selectors = new bytes4[](9);
    selectors[0] = SettlementHandler.pay.selector;
    selectors[1] = SettlementHandler.challenge.selector;
    selectors[2] = SettlementHandler.settleChallenge.selector;
    selectors[3] = SettlementHandler.finalize.selector;
    selectors[4] = SettlementHandler.withdrawPayout.selector;
    selectors[5] = SettlementHandler.withdraw.selector;
    selectors[6] = SettlementHandler.govern.selector;
    selectors[7] = SettlementHandler.setPrices.selector;
    selectors[8] = SettlementHandler.wait_.selector;
    _target(address(_handler), selectors);
  }

  /// @notice No OPEN appears or disappears: by the contract's own books and by the people's balances.
  function invariant_openIsConserved() public view {
    Accounting memory a = _settlement.accounting();
    eq(a.balance, a.fees + a.bonds + a.claimable, "balance = fees + bonds + claimable");
    eq(a.deposited, a.fees + a.bonds + a.claimable + a.withdrawn, "deposited = held + withdrawn");
    eq(a.deposited, _handler.putIn(), "deposited is what people put in");
    eq(a.withdrawn, _handler.gotOut(), "withdrawn is what people got");
  }

  /// @notice Contributors never get more of a claim than its fee's part, whatever its root promises.
  function invariant_payoutsNeverExceedTheFee() public view {
    for (uint256 k = 0; k < _handler.claims(); k++) {
      yes(_handler.fetched(k + 1) <= _handler.partOf(k), "fetched <= what was allocated");
    }
  }

  /// @notice Nobody withdraws twice, pays a receipt twice or takes another's payout.
  function invariant_whatMustFailFails() public view {
    eq(_handler.broken(), 0, "broken");
  }
}
