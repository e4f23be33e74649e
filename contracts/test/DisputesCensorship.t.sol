// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Disputes } from "../src/Disputes.sol";
import { PayoutJudge } from "../src/PayoutJudge.sol";
import { Settlement } from "../src/Settlement.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IGames, Place } from "../src/interfaces/IGames.sol";
import { ClaimState } from "../src/interfaces/ISettlement.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";

/// @notice A day on which no transaction of one side gets into a block, with windows of days.
contract DisputesCensorshipTest is Disputing {
  struct Contracts {
    Settlement settlement;
    Disputes disputes;
  }

  uint256 private constant DAY = 24 hours;
  Contracts private _threeDays;
  Contracts private _fourDays;
  ClaimId private _id;

  function setUp() public {
    _deploy();
    _threeDays = _deployFor(3 days, 18 hours, 21 hours);
    _fourDays = _deployFor(4 days, 24 hours, 25 hours);
  }

  function _deployFor(uint40 window, uint40 proveTime, uint40 replyTime) private returns (Contracts memory made) {
    PayoutJudge judge = new PayoutJudge(referee);
    address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
    made.settlement = new Settlement(
      governance, platform, adapters, IDisputes(next), runs, address(treasury), PLATFORM_FEE, window, GAS_PRICE
    );
    made.disputes = new Disputes(made.settlement, referee, judge, datanets, proveTime, replyTime);
  }

  /// @dev A claim in these contracts, in place of the quick ones.
  function _begin(Contracts memory contracts) private {
    (settlement, disputes) = (contracts.settlement, contracts.disputes);
    _id = _paidClaim("censored");
  }

  /// @dev A window of four days: a reply has three tenths of it. A claimant whose transactions are kept out for a day from the demand on still answers.
  function test_aCensoredDayCostsNoClaimantTheBond() public {
    _begin(_fourDays);
    for (uint32 day = 0; day <= 3; day++) {
      Place memory place = Place(0, day, 0, 0, 0);
      _demand(bob, _id, place);
      vm.warp(vm.getBlockTimestamp() + DAY);
      vm.expectPartialRevert(IGames.ReplyNotDue.selector);
      disputes.convictSilence(_id.game(), place);
      vm.startPrank(payer);
      _reveal(_id, place);
      vm.stopPrank();
    }
    uint256 held = disputes.heldUntil(_id.game());
    _finalAt(_id, held + 1);
    disputes.withdrawFor(payer);
    eq(settlement.claimable(payer), BOND, "an honest claimant loses nothing");
  }

  /// @dev And a challenger, even with a window of three days, who begins on the first day, and begins again where the day made the proof late, still convicts,
  /// whichever day it is.
  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_aCensoredDayLetsNoFalseClaimStand(uint32 from, uint32 pause) public {
    _begin(_threeDays);
    uint256 start = vm.getBlockTimestamp();
    uint256 censored = start + bound(from, 0, 2 days);
    uint256 step = bound(pause, 1 minutes, 12 hours);
    bytes memory data = _stepCall(_id, true, SALT);
    bool committed = false;
    for (uint256 time = start; settlement.claim(_id).state == ClaimState.Open; time += step) {
      if (time >= censored && time < censored + DAY) time = censored + DAY;
      vm.warp(time);
      vm.roll(vm.getBlockNumber() + 1);
      if (committed && time <= disputes.commitmentOf(bob, _commitment(bob, data)).proveBy) {
        _send(bob, data);
      } else {
        _commit(bob, _id, data);
        committed = true;
      }
    }
    _is(_id, ClaimState.Refuted);
  }

  /// @dev A withheld trace takes three rounds. With a window of four days they have room for a day in which the challenger
  /// is kept out, against a claimant who answers in the last second each time.
  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_aCensoredDayLeavesTimeForThreeRounds(uint32 from) public {
    _begin(_fourDays);
    uint256 censored = vm.getBlockTimestamp() + bound(from, 0, 3 days);
    for (uint32 round = 0; round < 3; round++) {
      _skip(censored);
      Place memory place = Place(0, round, 0, 0, 0);
      _demand(bob, _id, place);
      vm.warp(disputes.demandOf(_id.game(), place).due);
      _reveal(_id, place);
    }
    bytes memory data = _stepCall(_id, true, SALT);
    _skip(censored);
    _commit(bob, _id, data);
    _nextBlock();
    if (vm.getBlockTimestamp() >= censored && vm.getBlockTimestamp() < censored + DAY) {
      // Kept out with the proof in hand: if it has become too late, begin again.
      _skip(censored);
      if (vm.getBlockTimestamp() > disputes.commitmentOf(bob, _commitment(bob, data)).proveBy) {
        _commit(bob, _id, data);
        _nextBlock();
      }
    }
    _send(bob, data);
    _is(_id, ClaimState.Refuted);
  }

  /// @dev Of a batch that nobody published four: its file, a cut, nodes, an assertion, whose silence convicts. Demands for leaves stand
  /// in for the first three here, and for the fourth.
  /// forge-config: default.fuzz.runs = 2000
  function testFuzz_aCensoredDayLeavesTimeForFourRounds(uint32 from) public {
    _begin(_fourDays);
    uint256 censored = vm.getBlockTimestamp() + bound(from, 0, 3 days);
    Place memory place;
    for (uint32 round = 0; round < 4; round++) {
      _skip(censored);
      place = Place(0, round, 0, 0, 0);
      _demand(bob, _id, place);
      vm.warp(disputes.demandOf(_id.game(), place).due);
      if (round < 3) _reveal(_id, place);
    }
    vm.warp(vm.getBlockTimestamp() + 1);
    _skip(censored);
    disputes.convictSilence(_id.game(), place);
    _is(_id, ClaimState.Refuted);
  }

  function _skip(uint256 censored) private {
    if (vm.getBlockTimestamp() >= censored && vm.getBlockTimestamp() < censored + DAY) vm.warp(censored + DAY);
  }
}
