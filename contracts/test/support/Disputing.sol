// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDisputes } from "../../src/interfaces/IDisputes.sol";
import { LeavesOpening, NodesOpening, Place, Shown } from "../../src/interfaces/IGames.sol";
import { Opening, Step, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { Accounting, ClaimState, PayRequest } from "../../src/interfaces/ISettlement.sol";
import { AnswerOpening } from "../../src/types/Answers.sol";
import { Fee } from "../../src/types/Fees.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { Deployed } from "./Deployed.sol";
import { SameTrace } from "./SameTrace.sol";

/// @notice What challengers and claimants do, in a line each.
abstract contract Disputing is Deployed {
  bytes32 internal constant SALT = "salt";
  bytes internal constant VALUES = "values of an element";

  function _paidClaim(bytes32 receipt) internal returns (ClaimId id) {
    (PayRequest memory request, Fee memory fee,) = _request(receipt, 13, 37, 6000);
    return _pay(request, fee.total);
  }

  function _step(uint32 column) internal pure returns (Step memory step) {
    step.header = _header();
    step.column = column;
    step.output.values = VALUES;
  }

  /// @dev The call that proves a false step, or tries to.
  function _stepCall(ClaimId id, bool isFalse, bytes32 salt) internal view returns (bytes memory) {
    return abi.encodeCall(IDisputes.proveStep, (id, _opening(id), _step(isFalse ? 666 : 1), salt));
  }

  function _commitment(address who, bytes memory data) internal pure returns (bytes32) {
    return keccak256(abi.encode(who, keccak256(data)));
  }

  function _commit(address who, ClaimId id, bytes memory data) internal {
    vm.prank(who);
    disputes.commit(id.game(), _commitment(who, data));
  }

  function _nextBlock() internal {
    vm.roll(vm.getBlockNumber() + 1);
    vm.warp(vm.getBlockTimestamp() + 1);
  }

  /// @dev Bubbles what the call reverts with.
  function _send(address who, bytes memory data) internal {
    vm.prank(who);
    (bool done, bytes memory why) = address(disputes).call(data);
    if (!done) {
      assembly ("memory-safe") {
        revert(add(why, 32), mload(why))
      }
    }
  }

  /// @dev The same from outside, so that expectRevert sees it.
  function send(address who, bytes calldata data) external {
    _send(who, data);
  }

  function _prove(address who, ClaimId id, bytes memory data) internal {
    _commit(who, id, data);
    _nextBlock();
    _send(who, data);
  }

  function _refused(address who, bytes memory data, bytes memory why) internal {
    vm.expectRevert(why);
    this.send(who, data);
  }

  function _finalAt(ClaimId id, uint256 time) internal {
    vm.warp(time);
    settlement.finalize(id);
    _is(id, ClaimState.Final);
  }

  function _is(ClaimId id, ClaimState state) internal view {
    eq(uint256(settlement.claim(id).state), uint256(state), "state of the claim");
  }

  function _deadline(ClaimId id) internal view returns (uint256) {
    return settlement.claim(id).deadline;
  }

  function _demand(address who, ClaimId id, Place memory place) internal {
    _demandAll(who, id, _one(place));
  }

  function _demandAll(address who, ClaimId id, Place[] memory places) internal {
    uint256 bonds = _bonds(places);
    vm.deal(who, who.balance + bonds);
    vm.prank(who);
    disputes.demand{ value: bonds }(id.game(), places);
  }

  /// @dev Of all in one call.
  function _bonds(Place[] memory places) internal view returns (uint256 bonds) {
    for (uint256 k = 0; k < places.length; k++) {
      bonds += k == 0 ? disputes.demandBond(places[k]) : disputes.furtherBond(places[k]);
    }
  }

  function _one(Place memory place) internal pure returns (Place[] memory places) {
    places = new Place[](1);
    places[0] = place;
  }

  function _matrix(uint32 index) internal pure returns (TraceMatrix memory matrix) {
    matrix.header = _header();
    matrix.index = index;
  }

  function _reveal(ClaimId id, Place memory place) internal {
    disputes.reveal(id, _opening(id), _shownLeaves(place.index, place.leaf, place.level, SameTrace.values(place.level)));
  }

  /// @dev A reply of one leaf.
  function _shown(uint32 index, uint32 leaf, bytes memory values) internal pure returns (Shown[] memory shown) {
    return _shownLeaves(index, leaf, 0, values);
  }

  /// @dev A reply of all leaves below a node.
  function _shownLeaves(uint32 index, uint32 leaf, uint8 level, bytes memory values)
    internal
    pure
    returns (Shown[] memory shown)
  {
    shown = new Shown[](1);
    shown[0].matrix = _matrix(index);
    shown[0].matrix.inputs = "inputs";
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = LeavesOpening(leaf, level, values, SameTrace.proof(index, level));
  }

  /// @dev A reply of nodes of one tree.
  function _shownNodes(uint32 index, NodesOpening memory nodes) internal pure returns (Shown[] memory shown) {
    shown = new Shown[](1);
    shown[0].matrix = _matrix(index);
    shown[0].matrix.inputs = "inputs";
    shown[0].nodes = new NodesOpening[](1);
    shown[0].nodes[0] = nodes;
  }

  function _leaf(uint32 leaf, bytes memory values) internal pure returns (Opening memory opening) {
    opening.leaf = leaf;
    opening.values = values;
  }

  /// @dev Both contracts hold what they owe, to the wei (more where somebody forced ether in).
  function _solvent() internal view {
    Accounting memory a = settlement.accounting();
    yes(a.balance >= a.fees + a.bonds + a.pools + a.claimable, "settlement can pay");
    eq(a.deposited, a.fees + a.bonds + a.pools + a.claimable + a.withdrawn, "settlement's books");
    yes(address(disputes).balance >= disputes.heldBonds() + disputes.totalClaimable(), "disputes can pay");
    eq(
      disputes.totalDeposited(),
      disputes.heldBonds() + disputes.totalClaimable() + disputes.totalWithdrawn(),
      "books of the disputes"
    );
  }
}
