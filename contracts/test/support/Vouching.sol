// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Outcome } from "../../src/interfaces/ILedgerReferee.sol";
import { LeavesOpening, NodesOpening, Place, Shown } from "../../src/interfaces/IGames.sol";
import { Step } from "../../src/interfaces/IReferee.sol";
import { Accounting } from "../../src/interfaces/ISettlement.sol";
import { UnitShape } from "../../src/interfaces/IUnitReferee.sol";
import { Runs } from "../../src/Runs.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { AdapterId } from "../../src/types/Ids.sol";
import { StatementState, UnitOpening } from "../../src/types/Runs.sol";
import { Deployed } from "./Deployed.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice A run of a few units, and what its maker and its challengers do, in a line each. Unit 0 is given, unit 1 reads it,
/// the others read the two before them. Each program has ten instructions, the last three its outputs.
abstract contract Vouching is Deployed {
  /// @dev Least bond of a statement.
  uint256 internal constant STAKE = 2 * BOND;
  bytes32 internal constant SALT = "salt";
  bytes internal constant VALUES = "values of a leaf";
  uint32 internal constant UNITS = 6;
  uint32 internal constant ALL = type(uint32).max;
  uint32 internal constant OUTPUTS = type(uint32).max - 1;
  uint256 internal constant INNER_MATRICES = 7;
  uint256 internal constant OUTPUT_MATRICES = 3;

  uint32 internal units = UNITS;
  /// @dev What the given unit gives by the plan.
  bytes32 internal given;

  // ---- The run ----

  function _shape(uint32 unit) internal pure returns (UnitShape memory shape) {
    shape.outputs = OUTPUT_MATRICES;
    shape.sources = new uint256[](_sources(unit).length);
    for (uint256 k = 0; k < shape.sources.length; k++) {
      shape.sources[k] = OUTPUT_MATRICES;
    }
  }

  function _sources(uint32 unit) internal pure returns (uint32[] memory sources) {
    sources = new uint32[](unit < 2 ? unit : 2);
    for (uint32 k = 0; k < sources.length; k++) {
      sources[k] = unit - uint32(sources.length) + k;
    }
  }

  /// @dev Values of a leaf: any word, and zeros.
  function _valuesOf(string memory what, uint256 index, uint256 leaf) internal pure returns (bytes memory) {
    return bytes.concat(keccak256(abi.encode(what, index, leaf)), new bytes(992));
  }

  /// @dev Leaves of a matrix's tree.
  function _leaves(string memory what, uint256 index) internal view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](unitReferee.rows());
    for (uint256 k = 0; k < leaves.length; k++) {
      leaves[k] = Merkle.leaf(_valuesOf(what, index, k));
    }
  }

  /// @dev Leaves of a tree of matrices.
  function _matrices(string memory what, uint256 count) internal view returns (bytes32[] memory matrices) {
    matrices = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      bytes32 root = MerkleTree.root(_leaves(what, k));
      matrices[k] = Merkle.leaf(abi.encodePacked(root, uint32(unitReferee.rows()), uint32(256)));
    }
  }

  function _innerRoot() internal view returns (bytes32) {
    return MerkleTree.root(_matrices("inner", INNER_MATRICES));
  }

  function _outputRoot(uint32 unit) internal view returns (bytes32) {
    return unit == 0 ? given : MerkleTree.root(_matrices(_named(unit), OUTPUT_MATRICES));
  }

  function _named(uint32 unit) internal pure returns (string memory) {
    return string(abi.encodePacked("outputs of ", unit));
  }

  function _plan() internal view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](units);
    for (uint32 k = 0; k < units; k++) {
      uint32[] memory sources = _sources(k);
      uint256[] memory wide = new uint256[](sources.length);
      for (uint256 j = 0; j < sources.length; j++) {
        wide[j] = sources[j];
      }
      leaves[k] = Merkle.leaf(abi.encode(_programHash(k), _inputsHash(k), wide));
    }
  }

  function _programHash(uint32 unit) internal pure returns (bytes32) {
    return unit == 0 ? bytes32(0) : keccak256(abi.encode(_header(), _shape(unit)));
  }

  /// @dev What the given unit gives, by the plan.
  function _inputsHash(uint32 unit) internal pure returns (bytes32) {
    return unit == 0 ? keccak256("the beginning") : keccak256(abi.encode("inputs of", unit));
  }

  function _outputs() internal view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](units);
    for (uint32 k = 0; k < units; k++) {
      leaves[k] = Merkle.leaf(abi.encodePacked(_outputRoot(k)));
    }
  }

  function _unit(uint32 unit) internal view returns (UnitOpening memory o) {
    o.index = unit;
    o.programHash = _programHash(unit);
    o.inputsHash = _inputsHash(unit);
    o.sources = _sources(unit);
    o.planProof = MerkleTree.proof(_plan(), unit);
    o.outputRoot = _outputRoot(unit);
    o.outputProof = MerkleTree.proof(_outputs(), unit);
    o.sourceRoots = new bytes32[](o.sources.length);
    o.sourceProofs = new bytes32[][](o.sources.length);
    for (uint256 k = 0; k < o.sources.length; k++) {
      o.sourceRoots[k] = _outputRoot(o.sources[k]);
      o.sourceProofs[k] = MerkleTree.proof(_outputs(), o.sources[k]);
    }
  }

  /// @dev As where nothing of its sources is read.
  function _unitAlone(uint32 unit) internal view returns (UnitOpening memory o) {
    o = _unit(unit);
    (o.sourceRoots, o.sourceProofs) = (new bytes32[](0), new bytes32[][](0));
  }

  // ---- Its maker ----

  function _setUp() internal {
    _deploy();
    given = _inputsHash(0);
    vm.deal(curator, 100 ether);
  }

  function _vouch() internal {
    _vouchFor(adapter, STAKE);
  }

  function _vouchFor(AdapterId id, uint256 bond) internal {
    (bytes32 plan, bytes32 outputs) = (MerkleTree.root(_plan()), MerkleTree.root(_outputs()));
    bytes memory list = _list();
    vm.prank(curator);
    runs.vouch{ value: bond }(id, plan, outputs, units, list);
  }

  /// @dev What is posted: 32 bytes a unit.
  function _list() internal view returns (bytes memory list) {
    for (uint32 k = 0; k < units; k++) {
      list = bytes.concat(list, _outputRoot(k));
    }
  }

  function _showTrace(uint32 unit) internal {
    _showTraceAs(curator, unit, _innerRoot());
  }

  /// @dev The root and nothing else.
  function _showTraceAs(address who, uint32 unit, bytes32 innerRoot) internal {
    _showTogether(who, unit, innerRoot, new Shown[](0));
  }

  function _showTogether(address who, uint32 unit, bytes32 innerRoot, Shown[] memory shown) internal {
    UnitOpening memory opening = _unitAlone(unit);
    vm.prank(who);
    runs.reveal(adapter, opening, _shape(unit), innerRoot, shown);
  }

  /// @dev The same from outside, so that expectRevert sees it.
  function showTogether(address who, uint32 unit, bytes32 innerRoot, Shown[] calldata shown) external {
    _showTogether(who, unit, innerRoot, shown);
  }

  function _showRefused(address who, uint32 unit, bytes32 innerRoot, Shown[] memory shown, bytes memory why) internal {
    vm.expectRevert(why);
    this.showTogether(who, unit, innerRoot, shown);
  }

  /// @dev What is shown of one matrix, or of one tree of matrices.
  function _shown(uint32 index) internal pure returns (Shown memory shown) {
    shown.matrix.header = _header();
    shown.matrix.index = index;
  }

  /// @dev VALUES stand for the right ones, of a matrix under the inner root.
  function _leafShown(Place memory place, bytes memory values) internal view returns (Shown memory shown) {
    shown = _shown(place.index);
    shown.leaves = new LeavesOpening[](1);
    bytes32[] memory within = MerkleTree.proof(_leaves("inner", place.index), place.leaf);
    bytes32[] memory above = MerkleTree.proof(_matrices("inner", INNER_MATRICES), place.index);
    bytes32[] memory proof = new bytes32[](within.length + above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : above[k - within.length];
    }
    if (keccak256(values) == keccak256(VALUES)) values = _valuesOf("inner", place.index, place.leaf);
    shown.leaves[0] = LeavesOpening(place.leaf, place.level, values, proof);
  }

  function _nodesShown(uint32 index, NodesOpening memory nodes) internal pure returns (Shown memory shown) {
    shown = _shown(index);
    shown.nodes = new NodesOpening[](1);
    shown.nodes[0] = nodes;
  }

  function _reveal(uint32 unit, Shown memory shown) internal {
    UnitOpening memory opening = _unitAlone(unit);
    Shown[] memory all = new Shown[](1);
    all[0] = shown;
    runs.reveal(adapter, opening, _shape(unit), 0, all);
  }

  // ---- Its challengers ----

  function _bond(Place memory place) internal view returns (uint256) {
    return runs.demandBond(place);
  }

  function _ask(address who, Place memory place) internal {
    Place[] memory places = new Place[](1);
    places[0] = place;
    uint256 bond = _bond(place);
    vm.deal(who, who.balance + bond);
    vm.prank(who);
    runs.demand{ value: bond }(adapter.game(), places);
  }

  /// @dev The same from outside, so that expectRevert sees it.
  function ask(address who, Place calldata place) external {
    _ask(who, place);
  }

  function _askRefused(Place memory place, bytes memory why) internal {
    vm.expectRevert(why);
    this.ask(bob, place);
  }

  function _traceOf(uint32 unit) internal pure returns (Place memory) {
    return Place(unit, ALL, 0, 0, 0);
  }

  /// @dev Demanded by bob and shown at once.
  function _openTrace(uint32 unit) internal {
    _ask(bob, _traceOf(unit));
    _showTrace(unit);
  }

  function _step(uint32 column) internal pure returns (Step memory step) {
    step.header = _header();
    step.column = column;
  }

  /// @dev The call that proves a false step of a unit, or tries to.
  function _unitCall(uint32 unit, bool isFalse, bytes32 salt) internal view returns (bytes memory) {
    return abi.encodeCall(Runs.proveUnit, (adapter, _unit(unit), _shape(unit), _step(isFalse ? 666 : 1), salt));
  }

  /// @dev The same where the operation is one of the ledger's.
  function _ledgerCall(uint32 unit, bool isFalse, bytes32 salt) internal view returns (bytes memory) {
    Step memory step = _step(isFalse ? 777 : 1);
    step.instruction = hex"80";
    return abi.encodeCall(Runs.proveUnit, (adapter, _unit(unit), _shape(unit), step, salt));
  }

  /// @dev The call that proves that the last unit made something else than is registered, or tries to.
  function _outcomeCall(bool isOther, bytes32 salt) internal view returns (bytes memory) {
    return abi.encodeCall(Runs.proveOutcome, (adapter, _unitAlone(units - 1), _outcome(units - 1, isOther), salt));
  }

  function _outcome(uint32 unit, bool isOther) internal pure returns (Outcome memory outcome) {
    (outcome.header, outcome.shape, outcome.registered) = (_header(), _shape(unit), _header());
    outcome.output = isOther ? 777 : 1;
  }

  function _commitment(address who, bytes memory data) internal pure returns (bytes32) {
    return keccak256(abi.encode(who, keccak256(data)));
  }

  function _commit(address who, bytes memory data) internal {
    vm.prank(who);
    runs.commit(adapter.game(), _commitment(who, data));
  }

  function _nextBlock() internal {
    vm.roll(vm.getBlockNumber() + 1);
    vm.warp(vm.getBlockTimestamp() + 1);
  }

  /// @dev Bubbles what the call reverts with.
  function _send(address who, bytes memory data) internal {
    vm.prank(who);
    (bool done, bytes memory why) = address(runs).call(data);
    if (!done) {
      assembly ("memory-safe") {
        revert(add(why, 32), mload(why))
      }
    }
  }

  function send(address who, bytes calldata data) external {
    _send(who, data);
  }

  function _prove(address who, bytes memory data) internal {
    _commit(who, data);
    _nextBlock();
    _send(who, data);
  }

  function _refused(bytes memory data, bytes memory why) internal {
    _commit(bob, data);
    _nextBlock();
    vm.expectRevert(why);
    this.send(bob, data);
  }

  // ---- What there is ----

  function _is(StatementState state) internal view {
    eq(uint256(runs.statement(adapter).state), uint256(state), "state of the statement");
    yes(runs.isRefuted(adapter) == (state == StatementState.Refuted), "refuted");
  }

  function _deadline() internal view returns (uint256) {
    return runs.statement(adapter).deadline;
  }

  /// @dev It holds what it owes, to the wei (more where somebody forced ether in).
  function _solvent() internal view {
    uint256 owed = runs.heldBonds() + runs.heldStakes() + runs.totalClaimable();
    yes(address(runs).balance >= owed, "runs can pay");
    eq(runs.totalDeposited(), owed + runs.totalWithdrawn(), "books of the runs");
    Accounting memory a = settlement.accounting();
    yes(a.balance >= a.fees + a.bonds + a.pools + a.claimable, "settlement can pay");
    eq(a.deposited, a.fees + a.bonds + a.pools + a.claimable + a.withdrawn, "settlement's books");
  }
}
