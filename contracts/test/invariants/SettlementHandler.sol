// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Deployed } from "../support/Deployed.sol";
import { Claim, ClaimState, PayRequest, WithdrawItem } from "../../src/interfaces/ISettlement.sol";
import { FeeMath } from "../../src/libraries/FeeMath.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Fee, PayoutRule, Split } from "../../src/types/Fees.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { MerkleTree } from "../support/MerkleTree.sol";
import { Settlement } from "../../src/Settlement.sol";

/// @notice What people can do with the settlement, in any order, always with valid input; hostile tries are made
/// where they would fit and must fail. Keeps its own books from outside (balances of the people).
contract SettlementHandler is Deployed {
  struct Paid {
    ClaimId id;
    Fee fee;
    bytes32[] leaves;
    uint256[] amounts;
    address[] contributors;
    /// Sums the leaves promise; more than the fee's part for a false claim.
    uint256 promised;
  }

  Paid[] private _paid;
  address[] private _people;
  /// @notice Wei that people put in, and that they got out, as their own balances show.
  uint256 public putIn;
  uint256 public gotOut;
  /// @notice What contributors got of each claim.
  mapping(uint256 claim => uint256) public fetched;
  /// @notice Tries that must fail and did not.
  uint256 public broken;

  constructor() {
    _deploy();
    vm.prank(governance);
    settlement.setReferee(person("referee"));
    _people = [platform, curator, alice, bob, payer, address(treasury)];
  }

  function theSettlement() external view returns (Settlement) {
    return settlement;
  }

  function claims() external view returns (uint256) {
    return _paid.length;
  }

  function partOf(uint256 k) external view returns (uint256) {
    return _paid[k].fee.contributors;
  }

  function pay(uint32 tokensIn, uint32 tokensOut, uint256 seed, uint256 given, bool falseClaim) external {
    tokensOut = uint32(bound(tokensOut, 1, 1_000_000));
    tokensIn = uint32(bound(tokensIn, 0, 1_000_000));
    Fee memory fee = settlement.quote(adapter, tokensIn, tokensOut);
    uint256 part = fee.contributors;
    // A third of the answers pay nobody.
    uint256 allocated = given % 3 == 0 ? 0 : bound(given, 0, part);
    Paid storage p = _paid.push();
    FeeMath.allocate(fee, allocated);
    p.fee = fee;
    if (allocated > 0) {
      uint256 left = allocated;
      uint256 n = 1 + seed % 5;
      for (uint256 k = 0; k < n; k++) {
        uint256 amount = k == n - 1 ? left : left * (uint256(keccak256(abi.encode(seed, k))) % 1000) / 1000;
        left -= amount;
        if (falseClaim) amount += 1 + fee.contributors;
        address to = k % 2 == 0 ? alice : bob;
        p.leaves.push(_payout(k, to, amount));
        p.amounts.push(amount);
        p.contributors.push(to);
        p.promised += amount;
      }
    }
    PayRequest memory request = PayRequest(
      adapter,
      tokensIn,
      tokensOut,
      keccak256(abi.encode(_paid.length)),
      CID,
      allocated > 0 ? MerkleTree.root(p.leaves) : Merkle.emptyRoot(),
      uint32(p.leaves.length),
      part,
      allocated,
      settlement.payoutRuleVersion()
    );
    vm.deal(payer, payer.balance + fee.total + BOND);
    p.id = _pay(request, fee.total);
    putIn += fee.total + BOND;
    vm.deal(payer, payer.balance + fee.total + BOND);
    try this.payAgain(request, fee.total) {
      broken++;
    } catch { }
  }

  function payAgain(PayRequest calldata request, uint256 total) external {
    _pay(request, total);
  }

  function challenge(uint256 which) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || block.timestamp > c.deadline) return;
    vm.deal(bob, bob.balance + c.bond);
    vm.prank(bob);
    settlement.challenge{ value: c.bond }(p.id);
    putIn += c.bond;
  }

  function settleChallenge(uint256 which, bool claimantWins) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Challenged) return;
    vm.prank(person("referee"));
    settlement.settleChallenge(p.id, claimantWins);
  }

  function finalize(uint256 which) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open) return;
    if (block.timestamp <= c.deadline) vm.warp(uint256(c.deadline) + 1);
    settlement.finalize(p.id);
  }

  function withdrawPayout(uint256 which, uint256 leaf) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (p.leaves.length == 0) return;
    uint256 index = leaf % p.leaves.length;
    WithdrawItem[] memory items = new WithdrawItem[](1);
    items[0] = WithdrawItem(p.id, index, p.amounts[index], MerkleTree.proof(p.leaves, index));
    address who = p.contributors[index];
    bool open = c.state == ClaimState.Final && !settlement.isPayoutWithdrawn(p.id, index) && p.amounts[index] > 0
      && p.amounts[index] <= c.contributorsPart - c.paidOut;
    uint256 before = who.balance;
    vm.prank(who);
    try settlement.withdrawPayouts(items) {
      if (!open) broken++;
    } catch {
      if (open) broken++;
    }
    uint256 got = who.balance - before;
    gotOut += got;
    fetched[ClaimId.unwrap(p.id)] += got;
    // The other contributor must not get it, and nobody gets it twice.
    vm.prank(who == alice ? bob : alice);
    try settlement.withdrawPayouts(items) {
      broken++;
    } catch { }
    vm.prank(who);
    try settlement.withdrawPayouts(items) {
      broken++;
    } catch { }
  }

  function withdraw(uint256 which) external {
    address who = _people[which % _people.length];
    if (settlement.claimable(who) == 0) return;
    uint256 before = who.balance;
    settlement.withdrawFor(who);
    gotOut += who.balance - before;
    try settlement.withdrawFor(who) {
      broken++;
    } catch { }
  }

  function govern(uint16 platformPart, uint16 contributorsPart, uint16 ownerPart, uint64 platformFee) external {
    platformPart = uint16(bound(platformPart, 0, 3000));
    contributorsPart = uint16(bound(contributorsPart, 3000, 10_000 - platformPart));
    uint16 left = 10_000 - platformPart - contributorsPart;
    ownerPart = uint16(bound(ownerPart, 0, left));
    vm.startPrank(governance);
    settlement.setSplit(Split(platformPart, ownerPart, left - ownerPart, contributorsPart));
    settlement.setPlatformFee(uint128(bound(platformFee, 0, 1 ether)));
    settlement.setPayoutRule(PayoutRule(1000 + ownerPart % 9000, ownerPart % 10_000, 1000 + platformPart, ownerPart % 5001));
    vm.stopPrank();
  }

  function setPrices(uint128 rateIn, uint128 rateOut) external {
    uint128 most = adapters.MOST_RATE();
    vm.prank(curator);
    adapters.setPrices(adapter, uint128(bound(rateIn, 0, most)), uint128(bound(rateOut, 0, most)));
  }

  function wait_(uint16 time) external {
    vm.warp(block.timestamp + time);
  }

  function _pick(uint256 which) private view returns (Paid storage p, Claim memory c) {
    if (_paid.length == 0) return (_none(), c);
    p = _paid[which % _paid.length];
    c = settlement.claim(p.id);
  }

  /// @dev A slot that is never written: stands for "no claim yet".
  function _none() private pure returns (Paid storage p) {
    bytes32 slot = keccak256("no claim yet");
    assembly {
      p.slot := slot
    }
  }
}
