// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Contributions } from "../../src/Contributions.sol";
import { Test } from "../support/Test.sol";
import { ContributionsHandler } from "./ContributionsHandler.sol";

contract ContributionsInvariantTest is Test {
  ContributionsHandler private _handler;
  Contributions private _contributions;

  function setUp() public {
    _handler = new ContributionsHandler();
    _contributions = _handler.theContributions();
    bytes4[] memory selectors = new bytes4[](5);
    selectors[0] = ContributionsHandler.submit.selector;
    selectors[1] = ContributionsHandler.accept.selector;
    selectors[2] = ContributionsHandler.reject.selector;
    selectors[3] = ContributionsHandler.reclaim.selector;
    selectors[4] = ContributionsHandler.withdraw.selector;
    _target(address(_handler), selectors);
  }

  /// @notice deposits = stakes + claimable + withdrawn, by the contract's books and by the people's balances.
  function invariant_openIsConserved() public view {
    (uint256 balance, uint256 staked, uint256 credited, uint256 deposited, uint256 withdrawn) =
      _contributions.accounting();
    eq(balance, staked + credited, "balance = stakes + claimable");
    eq(deposited, staked + credited + withdrawn, "deposited = stakes + claimable + withdrawn");
    eq(deposited, _handler.putIn(), "deposited is what people put in");
    eq(withdrawn, _handler.gotOut(), "withdrawn is what people got");
    eq(staked, _handler.waiting(), "stakes are those of undecided batches");
  }

  /// @notice The treasury gets exactly what was slashed.
  function invariant_slashesReachTheTreasury() public view {
    eq(_handler.treasuryHasOrCanHave(), _handler.slashed(), "slashed");
  }

  /// @notice A decision is made once, nobody withdraws twice, no stake comes back before its time.
  function invariant_whatMustFailFails() public view {
    eq(_handler.broken(), 0, "broken");
  }
}
