// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Settlement } from "../../src/Settlement.sol";
import { Disputes } from "../../src/Disputes.sol";
import { Accounting, ClaimState } from "../../src/interfaces/ISettlement.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { Test } from "../support/Test.sol";
import { SettlementHandler } from "./SettlementHandler.sol";

/// forge-config: default.invariant.runs = 256
/// forge-config: default.invariant.depth = 256
contract SettlementInvariantTest is Test {
  SettlementHandler private _handler;
  Settlement private _settlement;
  Disputes private _disputes;

  function setUp() public {
    _handler = new SettlementHandler();
    _settlement = _handler.theSettlement();
    _disputes = _handler.theDisputes();
    bytes4[] memory selectors = new bytes4[](15);
    selectors[0] = SettlementHandler.pay.selector;
    selectors[1] = SettlementHandler.dispute.selector;
    selectors[2] = SettlementHandler.denounce.selector;
    selectors[3] = SettlementHandler.finalize.selector;
    selectors[4] = SettlementHandler.withdrawPayout.selector;
    selectors[5] = SettlementHandler.withdraw.selector;
    selectors[6] = SettlementHandler.govern.selector;
    selectors[7] = SettlementHandler.setPrices.selector;
    selectors[8] = SettlementHandler.wait_.selector;
    selectors[9] = SettlementHandler.spam.selector;
    selectors[10] = SettlementHandler.demandPlaces.selector;
    selectors[11] = SettlementHandler.answerDemands.selector;
    selectors[12] = SettlementHandler.give.selector;
    selectors[13] = SettlementHandler.demandFile.selector;
    selectors[14] = SettlementHandler.assertLeaf.selector;
    _target(address(_handler), selectors);
  }

  /// @dev One function, so that all are checked along the same runs: forge makes the runs anew for each.
  function invariant_moneyAndHonestClaimsAreSafe() public view {
    _openIsConserved();
    _payoutsNeverExceedTheFee();
    _honestClaimsAreNeverSlashed();
    _whatMustFailFails();
  }

  /// @notice No OPEN appears or disappears: by the contract's own books and by the people's balances.
  function _openIsConserved() private view {
    Accounting memory a = _settlement.accounting();
    eq(a.balance, a.fees + a.bonds + a.pools + a.claimable, "balance = fees + bonds + pools + claimable");
    eq(a.deposited, a.fees + a.bonds + a.pools + a.claimable + a.withdrawn, "deposited = held + withdrawn");
    uint256 owed = _disputes.heldBonds() + _disputes.totalClaimable();
    eq(address(_disputes).balance, owed, "what the disputes hold");
    eq(a.deposited + _disputes.totalDeposited(), _handler.putIn(), "deposited is what people put in");
    eq(a.withdrawn + _disputes.totalWithdrawn(), _handler.gotOut(), "withdrawn is what people got");
  }

  /// @notice Contributors never get more of a claim than its fee's part, whatever its root promises.
  function _payoutsNeverExceedTheFee() private view {
    for (uint256 k = 0; k < _handler.claims(); k++) {
      uint256 most = _handler.partOf(k) * (10_000 + _handler.bonusOf(k + 1)) / 10_000;
      yes(_handler.fetched(k + 1) <= most, "fetched <= what was allocated, and its bonus");
    }
  }

  /// @notice Whatever is proved, demanded and denounced: an honest claimant who answers in time keeps the bond.
  function _honestClaimsAreNeverSlashed() private view {
    for (uint256 k = 0; k < _handler.claims(); k++) {
      if (!_handler.isHonest(k)) continue;
      yes(_settlement.claim(ClaimId.wrap(k + 1)).state != ClaimState.Refuted, "an honest claim was refuted");
    }
  }

  /// @notice Nobody withdraws twice, pays a receipt twice or takes another's payout.
  function _whatMustFailFails() private view {
    eq(_handler.broken(), 0, "broken");
  }
}
