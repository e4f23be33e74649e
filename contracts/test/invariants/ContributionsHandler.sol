// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Contributions } from "../../src/Contributions.sol";
import { Contribution, ContributionState } from "../../src/interfaces/IContributions.sol";
import { ContributionId } from "../../src/types/Ids.sol";
import { Deployed } from "../support/Deployed.sol";

/// @notice What people can do with contributions, in any order; tries that must fail are made and counted.
contract ContributionsHandler is Deployed {
  uint256 public putIn;
  uint256 public gotOut;
  uint256 public broken;
  /// @notice Wei of stakes still waiting, and slashed in all, by the handler's own count.
  uint256 public waiting;
  uint256 public slashed;

  constructor() {
    _deploy();
  }

  function theContributions() external view returns (Contributions) {
    return contributions;
  }

  function submit(uint32 records, uint96 extra, bool byBob) external {
    records = uint32(bound(records, 1, 1000));
    uint256 stake = MIN_STAKE * records + extra;
    address who = byBob ? bob : alice;
    vm.deal(who, who.balance + stake);
    vm.prank(who);
    contributions.submit{ value: stake }(datanet, keccak256(abi.encode(records, extra)), CID, records);
    putIn += stake;
    waiting += stake;
  }

  function accept(uint256 which, uint32 taken) external {
    (ContributionId id, Contribution memory c) = _pick(which);
    if (c.state != ContributionState.Pending) return;
    taken = uint32(bound(taken, 1, c.count));
    bytes32 root = taken == c.count ? c.recordsRoot : bytes32(uint256(c.recordsRoot) ^ 1);
    vm.prank(curator);
    contributions.accept(id, root, taken, "reviewed");
    waiting -= c.stake;
    _mustBeDecided(id);
  }

  function reject(uint256 which, uint16 slashBps) external {
    (ContributionId id, Contribution memory c) = _pick(which);
    if (c.state != ContributionState.Pending) return;
    slashBps = uint16(bound(slashBps, 0, 5000));
    vm.prank(curator);
    contributions.reject(id, "no", slashBps);
    waiting -= c.stake;
    slashed += uint256(c.stake) * slashBps / 10_000;
    _mustBeDecided(id);
  }

  function reclaim(uint256 which) external {
    (ContributionId id, Contribution memory c) = _pick(which);
    if (c.state != ContributionState.Pending) return;
    if (block.timestamp < uint256(c.submittedAt) + REVIEW) {
      vm.prank(c.contributor);
      try contributions.reclaim(id) {
        broken++;
      } catch { }
      vm.warp(uint256(c.submittedAt) + REVIEW);
    }
    vm.prank(c.contributor);
    contributions.reclaim(id);
    waiting -= c.stake;
    _mustBeDecided(id);
  }

  function withdraw(uint8 which) external {
    address who = which % 3 == 0 ? alice : which % 3 == 1 ? bob : address(treasury);
    if (contributions.claimable(who) == 0) return;
    uint256 before = who.balance;
    contributions.withdrawFor(who);
    gotOut += who.balance - before;
    try contributions.withdrawFor(who) {
      broken++;
    } catch { }
  }

  function treasuryHasOrCanHave() external view returns (uint256) {
    return address(treasury).balance + contributions.claimable(address(treasury));
  }

  function _mustBeDecided(ContributionId id) private {
    vm.prank(curator);
    try contributions.reject(id, "again", 5000) {
      broken++;
    } catch { }
    vm.prank(contributions.contribution(id).contributor);
    try contributions.reclaim(id) {
      broken++;
    } catch { }
  }

  function _pick(uint256 which) private view returns (ContributionId id, Contribution memory c) {
    if (contributions.count() == 0) return (id, c);
    id = ContributionId.wrap(1 + which % contributions.count());
    c = contributions.contribution(id);
  }
}
