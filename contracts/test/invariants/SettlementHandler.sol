// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Disputes } from "../../src/Disputes.sol";
import { Asserted } from "../../src/interfaces/IDisputes.sol";
import { DemandState, LeavesOpening, Place, Shown } from "../../src/interfaces/IGames.sol";
import { Step } from "../../src/interfaces/IReferee.sol";
import { Disputing } from "../support/Disputing.sol";
import { Claim, ClaimState, PayRequest, WithdrawItem } from "../../src/interfaces/ISettlement.sol";
import { FeeMath } from "../../src/libraries/FeeMath.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Fee, PayoutRule, Split } from "../../src/types/Fees.sol";
import { Answer, AnswerOpening } from "../../src/types/Answers.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { MerkleTree } from "../support/MerkleTree.sol";
import { SameTrace } from "../support/SameTrace.sol";
import { Settlement } from "../../src/Settlement.sol";

/// @notice What people can do with the settlement, in any order, always with valid input; hostile tries are made
/// where they would fit and must fail. Keeps its own books from outside (balances of the people). Every other claim is
/// false in a step; the claimants of the others are honest: they show whatever is demanded before it is due.
contract SettlementHandler is Disputing {
  struct Paid {
    ClaimId id;
    Fee fee;
    bytes32[] leaves;
    uint256[] amounts;
    address[] contributors;
    /// Sums the leaves promise; more than the fee's part for a greedy root.
    uint256 promised;
    /// A step of its trace is false.
    bool isFalse;
    /// Places that were demanded.
    Place[] demands;
  }

  Paid[] private _paid;
  address[] private _people;
  /// @notice Wei that people put in, and that they got out, as their own balances show.
  uint256 public putIn;
  uint256 public gotOut;
  /// @notice What contributors got of each claim.
  mapping(uint256 claim => uint256) public fetched;
  /// @notice What its Datanet's pool added, in basis points.
  mapping(uint256 claim => uint256) public bonusOf;
  /// @notice Tries that must fail and did not.
  uint256 public broken;

  constructor() {
    _deploy();
    _people = [platform, curator, alice, bob, payer, address(treasury)];
  }

  function theSettlement() external view returns (Settlement) {
    return settlement;
  }

  function theDisputes() external view returns (Disputes) {
    return disputes;
  }

  function isHonest(uint256 k) external view returns (bool) {
    return !_paid[k].isFalse;
  }

  function claims() external view returns (uint256) {
    return _paid.length;
  }

  function partOf(uint256 k) external view returns (uint256) {
    return _paid[k].fee.contributors;
  }

  function pay(uint32 tokensIn, uint32 tokensOut, uint256 seed, uint256 given, bool greedy) external {
    tokensOut = uint32(bound(tokensOut, 1, 1024));
    tokensIn = uint32(bound(tokensIn, 0, 1024 - tokensOut));
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
        if (greedy) amount += 1 + fee.contributors;
        address to = k % 2 == 0 ? alice : bob;
        p.leaves.push(_payout(k, to, amount));
        p.amounts.push(amount);
        p.contributors.push(to);
        p.promised += amount;
      }
    }
    p.isFalse = _paid.length % 2 == 0;
    Answer memory answer = _answer(
      keccak256(abi.encode(_paid.length)),
      tokensIn,
      tokensOut,
      allocated > 0 ? MerkleTree.root(p.leaves) : Merkle.emptyRoot(),
      uint32(p.leaves.length),
      allocated
    );
    answer.inputsHash = keccak256(_inputsOf(answer));
    PayRequest memory request = PayRequest(adapter, answer, CID, part, settlement.payoutRuleVersion());
    uint256 value = fee.total + (allocated > BOND ? allocated : BOND);
    vm.deal(payer, payer.balance + value);
    p.id = _pay(request, fee.total);
    putIn += value;
    vm.deal(payer, payer.balance + value);
    try this.payAgain(request, fee.total) {
      broken++;
    } catch { }
  }

  function payAgain(PayRequest calldata request, uint256 total) external {
    _pay(request, total);
  }

  /// @notice Commits to a proof, waits, and makes it: it convicts a false claim in time, and no other.
  function dispute(uint256 which, uint8 later) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || !_canBegin(p.id, c)) return;
    bytes memory data = _stepCall(p.id, p.isFalse, SALT);
    _commit(bob, p.id, data);
    vm.roll(block.number + 1);
    this.wait_(uint16(later % (2 * PROVE)));
    bool inTime = block.timestamp <= disputes.commitmentOf(bob, _commitment(bob, data)).proveBy;
    try this.send(bob, data) {
      if (!p.isFalse || !inTime) broken++;
    } catch {
      if (p.isFalse && inTime) broken++;
    }
    // A proof that was seen is nobody else's.
    try this.send(alice, data) {
      broken++;
    } catch { }
  }

  /// @notice Commits and never proves.
  function spam(uint256 which, bytes32 nothing) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || !_canBegin(p.id, c)) return;
    vm.prank(alice);
    disputes.commit(p.id.game(), nothing);
  }

  /// @notice A leaf, or a leaf and nodes that no program here has.
  function demandPlaces(uint256 which, uint32 index, uint32 leaf, bool nodes) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || block.timestamp > disputes.demandUntil(p.id.game())) return;
    Place[] memory places = new Place[](nodes ? 2 : 1);
    places[0] = Place(0, index % 10, leaf % 8, 0, 0);
    if (nodes) places[1] = Place(0, type(uint32).max, leaf % 4, 20, uint8(1 + index % 11));
    for (uint256 k = 0; k < places.length; k++) {
      if (disputes.demandOf(p.id.game(), places[k]).state != DemandState.None) return;
    }
    uint256 held = disputes.heldBonds();
    _demandAll(bob, p.id, places);
    putIn += disputes.heldBonds() - held;
    for (uint256 k = 0; k < places.length; k++) {
      p.demands.push(places[k]);
    }
  }

  /// @notice What the claim's answer is computed from, whole.
  function demandFile(uint256 which) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || block.timestamp > disputes.demandUntil(p.id.game())) return;
    Place memory place = Place(0, type(uint32).max, 0, 0, 253);
    if (disputes.demandOf(p.id.game(), place).state != DemandState.None) return;
    uint256 bond = disputes.fileBond(p.id);
    vm.deal(bob, bob.balance + bond);
    vm.prank(bob);
    disputes.demandFile{ value: bond }(p.id);
    putIn += bond;
    p.demands.push(place);
  }

  /// @notice Asserts a leaf that is as claimed, on a commitment of a block before; who has none asserts nothing.
  function assertLeaf(uint256 which, uint32 index, uint32 name) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open || !_canBegin(p.id, c)) return;
    index %= uint32(SameTrace.MATRICES);
    Place memory place = Place(0, index, name, 0, 254);
    bool fits = block.timestamp <= disputes.demandUntil(p.id.game());
    fits = fits && disputes.demandOf(p.id.game(), place).state == DemandState.None;
    bytes32 what = keccak256(abi.encode(p.id, uint256(0), SameTrace.root()));
    vm.prank(bob);
    disputes.commit(p.id.game(), keccak256(abi.encode(bob, what)));
    vm.roll(block.number + 1);
    if (this.tryAssertion(alice, p.id, index, name)) broken++;
    if (this.tryAssertion(bob, p.id, index, name) != fits) broken++;
    if (!fits) return;
    putIn += disputes.assertionBond();
    p.demands.push(place);
  }

  function tryAssertion(address who, ClaimId id, uint32 index, uint32 name) external returns (bool done) {
    uint256 bond = disputes.assertionBond();
    vm.deal(who, who.balance + bond);
    LeavesOpening memory own = LeavesOpening(name % 8, 0, SameTrace.values(), SameTrace.proof(index, 0));
    vm.prank(who);
    try disputes.assertLeaves{ value: bond }(id, _opening(id), _matrix(index), own, SameTrace.root(), name) {
      done = true;
    } catch {
      vm.deal(who, who.balance - bond);
    }
  }

  /// @notice Anyone gives to a pool.
  function give(uint64 value) external {
    vm.deal(bob, bob.balance + value);
    vm.prank(bob);
    settlement.addToPool{ value: value }(datanet);
    putIn += value;
  }

  function answerDemands(uint256 which) external {
    (Paid storage p,) = _pick(which);
    _answerAll(p);
  }

  /// @notice Whoever says that nothing was shown: right only where it was not.
  function denounce(uint256 which, uint256 place) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (p.demands.length == 0) return;
    Place memory there = p.demands[place % p.demands.length];
    bool open = disputes.demandOf(p.id.game(), there).state == DemandState.Open;
    bool silent = c.state == ClaimState.Open && open && block.timestamp > disputes.demandOf(p.id.game(), there).due;
    try disputes.convictSilence(p.id.game(), there) {
      if (!silent) broken++;
    } catch {
      if (silent) broken++;
    }
    bool back = c.state == ClaimState.Refuted && open;
    try disputes.takeBack(p.id.game(), there) {
      if (!back) broken++;
    } catch {
      if (back) broken++;
    }
  }

  function finalize(uint256 which) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (c.state != ClaimState.Open) return;
    _answerAll(p);
    if (disputes.clockOf(p.id.game()).open > 0) return;
    uint256 held = disputes.heldUntil(p.id.game());
    if (held > uint256(c.deadline) + WINDOW) broken++;
    uint256 from = held > c.deadline ? held : c.deadline;
    if (block.timestamp <= from) this.wait_(uint16(from - block.timestamp + 1));
    // Waiting answers what others are owed; it changes nothing here.
    settlement.finalize(p.id);
  }

  function withdrawPayout(uint256 which, uint256 leaf) external {
    (Paid storage p, Claim memory c) = _pick(which);
    if (p.leaves.length == 0) return;
    uint256 index = leaf % p.leaves.length;
    WithdrawItem[] memory items = new WithdrawItem[](1);
    items[0] = WithdrawItem(p.id, _opening(p.id), index, p.amounts[index], MerkleTree.proof(p.leaves, index));
    address who = p.contributors[index];
    bool open = c.state == ClaimState.Final && !settlement.isPayoutWithdrawn(p.id, 0, index) && p.amounts[index] > 0
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
    bonusOf[ClaimId.unwrap(p.id)] = c.bonusBps;
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
    uint256 before = who.balance;
    if (disputes.claimable(who) > 0) disputes.withdrawFor(who);
    gotOut += who.balance - before;
    if (settlement.claimable(who) == 0) return;
    before = who.balance;
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

  /// @notice Time passes; honest claimants have answered by then.
  function wait_(uint16 time) external {
    for (uint256 k = 0; k < _paid.length; k++) {
      if (!_paid[k].isFalse) _answerAll(_paid[k]);
    }
    vm.warp(block.timestamp + time % (3 * WINDOW));
  }

  function _answerAll(Paid storage p) private {
    if (_paid.length == 0 || settlement.claim(p.id).state != ClaimState.Open) return;
    for (uint256 k = 0; k < p.demands.length; k++) {
      Place memory place = p.demands[k];
      if (disputes.demandOf(p.id.game(), place).state != DemandState.Open) continue;
      if (block.timestamp > disputes.demandOf(p.id.game(), place).due) continue;
      if (place.depth == 253) disputes.showFile(p.id, _fileOf(answers[p.id]));
      else if (place.depth == 254) _refute(p.id, place);
      else if (place.level == 0) _show(p.id, place);
      else disputes.showNoSuchPlace(p.id, _opening(p.id), _matrix(place.index), place);
    }
  }

  /// @dev As many tokens as the answer says, all of them 0.
  function _inputsOf(Answer memory answer) private pure returns (bytes memory) {
    return abi.encodePacked(answer.tokensOut, new bytes(4 * uint256(answer.tokensIn + answer.tokensOut)));
  }

  function _fileOf(Answer memory a) private pure returns (bytes memory) {
    bytes memory head = abi.encodePacked(uint16(a.tokensIn), uint16(a.tokensOut), a.allocated, a.receiptHash, _madeHash(a), uint8(0));
    return bytes.concat(head, new bytes(4 * uint256(a.tokensIn + a.tokensOut)));
  }

  function _show(ClaimId id, Place memory place) private {
    Shown[] memory shown = _shown(place.index, place.leaf, SameTrace.values());
    shown[0].matrix.inputs = _inputsOf(answers[id]);
    disputes.reveal(id, _opening(id), shown);
  }

  /// @dev All leaves are the same, and as claimed.
  function _refute(ClaimId id, Place memory place) private {
    bytes32 leaf = Merkle.leaf(SameTrace.values());
    Asserted memory said = Asserted(place.leaf % 8, 0, leaf, leaf, SameTrace.proof(place.index, 0));
    Step memory none;
    disputes.refuteAssertion(id, _opening(id), place, _matrix(place.index), said, none);
  }

  function _canBegin(ClaimId id, Claim memory c) private view returns (bool) {
    return block.timestamp <= c.deadline || block.timestamp <= disputes.clockOf(id.game()).commitUntil;
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
