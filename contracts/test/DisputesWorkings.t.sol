// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { DemandState, IGames, LeavesOpening, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { IReferee } from "../src/interfaces/IReferee.sol";
import { ClaimState, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { PayoutRule } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { Claimed, Judging } from "./support/Judging.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Metered } from "./support/Metered.sol";
import { SameTrace } from "./support/SameTrace.sol";
import { WorkedOut, Worked, World } from "./support/WorkedOut.sol";

/// @notice Workings and payouts that nobody published are demanded and shown as a trace is.
contract DisputesWorkingsTest is Disputing, Judging, Metered {
  using WorkedOut for World;

  uint32 private constant WORKINGS = type(uint32).max - 16;
  uint32 private constant PAYOUTS = WORKINGS + 6;
  uint32 private constant OVER = WORKINGS + 7;
  uint256 private constant RECORDS = 100;

  Claimed private _c;
  ClaimId private _id;

  function setUp() public {
    _deploy();
    World memory w;
    w.contributors = new address[](RECORDS);
    (w.scores, w.noise) = (new uint32[](RECORDS), new uint32[](RECORDS));
    bytes32[] memory leaves = new bytes32[](RECORDS);
    for (uint256 k = 0; k < RECORDS; k++) {
      (w.contributors[k], w.scores[k], w.noise[k]) = (address(uint160(100 + k / 2)), 0x41a00000, 0x3f800000);
      leaves[k] = Merkle.leaf(abi.encode(k, w.contributors[k], k + 1, keccak256(abi.encode(k))));
    }
    w.rule = PayoutRule(2000, 1000, 9000, 1000);
    w.amount = 1_000_000;
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    AdapterDraft memory draft = _draft();
    draft.version = 2;
    vm.startPrank(curator);
    datanets.publishVersion(datanet, MerkleTree.root(leaves), "records", CID, uint32(RECORDS));
    adapter = adapters.register(draft);
    vm.stopPrank();
    (PayRequest memory request, uint256 total) = _requestOf(right, c);
    _id = _pay(request, total);
    _c = c;
  }

  function _requestOf(Worked memory right, Claimed memory c)
    private
    view
    returns (PayRequest memory request, uint256 total)
  {
    total = settlement.quote(adapter, 13, 37).total;
    request = PayRequest({
      adapterId: adapter,
      answer: _answer("paid", 13, 37, MerkleTree.root(c.payouts), uint32(c.payouts.length), right.allocated),
      receiptCid: CID,
      contributorsPart: settlement.quote(adapter, 13, 37).contributors,
      ruleVersion: settlement.payoutRuleVersion()
    });
    request.answer.workingsRoot = MerkleTree.root(c.over);
  }

  // ---- Replies ----

  function _leafPlace(uint32 index, uint32 leaf) private pure returns (Place memory) {
    return Place(0, index, leaf, 0, 0);
  }

  function _nodesPlace(uint32 index, uint32 leaf, uint8 level, uint8 depth) private pure returns (Place memory) {
    return Place(0, index, leaf, level, depth);
  }

  function _tableLeaf(uint256 table, uint32 leaf) private view returns (Shown[] memory) {
    return _tableLeaves(table, leaf, 0);
  }

  /// @dev All leaves below a node of this level.
  function _tableLeaves(uint256 table, uint32 leaf, uint8 level) private view returns (Shown[] memory shown) {
    Claimed memory c = _c;
    uint256 size = _leafBytes(table) << level;
    bytes32[] memory whole = _proofOf(c, table, uint256(leaf) << level);
    shown = new Shown[](1);
    shown[0].matrix = _matrix(WORKINGS + uint32(table));
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = LeavesOpening(leaf, level, _slice(c.tables[table], leaf * size, size), new bytes32[](whole.length - level));
    for (uint256 k = level; k < whole.length; k++) {
      shown[0].leaves[0].proof[k - level] = whole[k];
    }
  }

  /// @dev All descendants `depth` levels below a node, with the siblings from its level up.
  function _nodes(bytes32[] memory leaves, uint32 leaf, uint8 level, uint8 depth)
    private
    pure
    returns (NodesOpening memory nodes)
  {
    (nodes.leaf, nodes.level, nodes.depth) = (leaf, level, depth);
    bytes32[] memory row = MerkleTree.padded(leaves);
    uint256 width = leaves.length;
    for (uint256 k = 0; k < level - depth; k++) {
      (row, width) = (MerkleTree.above(row), (width + 1) / 2);
    }
    uint256 first = uint256(leaf) << depth;
    uint256 count = width - first < 1 << depth ? width - first : 1 << depth;
    nodes.hashes = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      nodes.hashes[k] = row[first + k];
    }
    bytes32[] memory whole = MerkleTree.proof(leaves, uint256(leaf) << level);
    nodes.proof = new bytes32[](whole.length - level);
    for (uint256 k = 0; k < nodes.proof.length; k++) {
      nodes.proof[k] = whole[level + k];
    }
  }

  function _tableNodes(uint256 table, uint32 leaf, uint8 level, uint8 depth) private view returns (Shown[] memory) {
    NodesOpening memory nodes = _nodes(_c.leaves[table], leaf, level, depth);
    nodes.proof = _joined(nodes.proof, MerkleTree.proof(_c.over, table));
    return _shownNodes(WORKINGS + uint32(table), nodes);
  }

  function _joined(bytes32[] memory a, bytes32[] memory b) private pure returns (bytes32[] memory both) {
    both = new bytes32[](a.length + b.length);
    for (uint256 k = 0; k < both.length; k++) {
      both[k] = k < a.length ? a[k] : b[k - a.length];
    }
  }

  function _answers(Place memory place, Shown[] memory shown) private {
    _demand(bob, _id, place);
    disputes.reveal(_id, _opening(_id), shown);
    eq(uint256(disputes.demandOf(_id.game(), place).state), uint256(DemandState.Answered), "answered");
  }

  function _isNot(Shown[] memory shown, bytes4 why, Place memory place) private {
    vm.expectRevert(abi.encodeWithSelector(why, place));
    disputes.reveal(_id, _opening(_id), shown);
  }

  function test_leavesOfEveryTable() public {
    uint32[6] memory last = [uint32(3), 4, 4, 1, 1, 4];
    for (uint32 table = 0; table < 6; table++) {
      _answers(_leafPlace(WORKINGS + table, 0), _tableLeaf(table, 0));
      _answers(_leafPlace(WORKINGS + table, last[table]), _tableLeaf(table, last[table]));
    }
    _solvent();
  }

  /// @dev Five leaves: all, the first four, the last alone.
  function test_rangesOfLeaves() public {
    for (uint32 table = 1; table < 6; table += 4) {
      _answers(Place(0, WORKINGS + table, 0, 3, 0), _tableLeaves(table, 0, 3));
      _answers(Place(0, WORKINGS + table, 0, 2, 0), _tableLeaves(table, 0, 2));
      _answers(Place(0, WORKINGS + table, 1, 2, 0), _tableLeaves(table, 1, 2));
    }
    Place memory place = Place(0, WORKINGS, 0, 1, 0);
    _demand(bob, _id, place);
    Shown[] memory shown = _tableLeaves(0, 0, 1);
    shown[0].leaves[0].values[1040] ^= 0x01;
    _isNot(shown, IGames.NotTheLeaf.selector, place);
  }

  /// @dev Tokens may come with workings: but none that are not the answer's.
  function test_tokensThatComeAlong() public {
    Place memory place = _leafPlace(WORKINGS, 1);
    _demand(bob, _id, place);
    Shown[] memory shown = _tableLeaf(0, 1);
    shown[0].matrix.inputs = "others";
    vm.expectRevert(IReferee.RefereeWrongInputs.selector);
    disputes.reveal(_id, _opening(_id), shown);
    shown[0].matrix.inputs = "inputs";
    disputes.reveal(_id, _opening(_id), shown);
    eq(disputes.clockOf(_id.game()).open, 0, "answered");
  }

  function test_nodesOfEveryTree() public {
    for (uint32 table = 0; table < 6; table++) {
      bool small = table == 3 || table == 4;
      uint8 top = small ? 1 : table == 0 ? 2 : 3;
      _answers(_nodesPlace(WORKINGS + table, 0, top, 1), _tableNodes(table, 0, top, 1));
      if (!small) _answers(_nodesPlace(WORKINGS + table, 1, top - 1, 1), _tableNodes(table, 1, top - 1, 1));
    }
    _answers(_nodesPlace(OVER, 0, 3, 3), _shownNodes(OVER, _nodes(_c.over, 0, 3, 3)));
    _answers(_nodesPlace(PAYOUTS, 0, 6, 6), _shownNodes(PAYOUTS, _nodes(_c.payouts, 0, 6, 6)));
    // 50 payouts: the last two nodes of level 4 hold 16, and 2.
    _answers(_nodesPlace(PAYOUTS, 3, 4, 4), _shownNodes(PAYOUTS, _nodes(_c.payouts, 3, 4, 4)));
    _answers(_nodesPlace(PAYOUTS, 49 >> 1, 1, 1), _shownNodes(PAYOUTS, _nodes(_c.payouts, 49 >> 1, 1, 1)));
    _solvent();
  }

  function test_whatIsNotThereIsNotShown() public {
    Place memory leaf = _leafPlace(WORKINGS + 1, 2);
    _demand(bob, _id, leaf);
    Shown[] memory shown = _tableLeaf(1, 2);
    shown[0].leaves[0].values[5] ^= 0x01;
    _isNot(shown, IGames.NotTheLeaf.selector, leaf);
    shown = _tableLeaf(1, 1);
    shown[0].leaves[0].leaf = 2;
    _isNot(shown, IGames.NotTheLeaf.selector, leaf);
    shown = _tableLeaf(3, 1);
    (shown[0].leaves[0].leaf, shown[0].matrix.index) = (2, WORKINGS + 1);
    _isNot(shown, IGames.NotTheLeaf.selector, leaf);
    Place memory nodes = _nodesPlace(PAYOUTS, 0, 6, 6);
    _demand(bob, _id, nodes);
    shown = _shownNodes(PAYOUTS, _nodes(_c.payouts, 0, 6, 6));
    shown[0].nodes[0].hashes[9] = 0;
    _isNot(shown, IGames.NotTheNodes.selector, nodes);
    // Nodes of another tree under the same root.
    nodes = _nodesPlace(WORKINGS + 3, 0, 1, 1);
    _demand(bob, _id, nodes);
    shown = _tableNodes(4, 0, 1, 1);
    shown[0].matrix.index = WORKINGS + 3;
    _isNot(shown, IGames.NotTheNodes.selector, nodes);
  }

  /// @dev A reply about workings and the trace: each is looked at.
  function test_repliesAboutBoth() public {
    _demand(bob, _id, _leafPlace(WORKINGS, 1));
    _demand(bob, _id, _leafPlace(3, 2));
    Shown[] memory shown = new Shown[](2);
    shown[0] = _tableLeaf(0, 1)[0];
    shown[1] = _shown(3, 2, SameTrace.values())[0];
    shown[1].leaves[0].values[7] ^= 0x01;
    _isNot(shown, IGames.NotTheLeaf.selector, _leafPlace(3, 2));
    shown[1].leaves[0].values[7] ^= 0x01;
    (shown[0], shown[1]) = (shown[1], shown[0]);
    shown[1].leaves[0].values[0] ^= 0x01;
    _isNot(shown, IGames.NotTheLeaf.selector, _leafPlace(WORKINGS, 1));
    shown[1].leaves[0].values[0] ^= 0x01;
    disputes.reveal(_id, _opening(_id), shown);
    eq(disputes.clockOf(_id.game()).open, 0, "both answered");
  }

  function test_leavesOfTheTwoOtherTreesCannotBeAsked() public {
    for (uint32 index = PAYOUTS; index <= OVER; index++) {
      Place memory place = _leafPlace(index, 0);
      vm.deal(bob, 1 ether);
      uint256 bond = disputes.demandBond(place);
      vm.prank(bob);
      vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
      disputes.demand{ value: bond }(_id.game(), _one(place));
    }
  }

  function test_placesThatThereAreNot() public {
    // Beyond the last leaf, above the root, beyond the last payout; and beyond all trees.
    Place[6] memory places = [
      _leafPlace(WORKINGS, 4),
      _leafPlace(WORKINGS + 5, 5),
      _nodesPlace(WORKINGS + 3, 0, 2, 1),
      _nodesPlace(OVER, 0, 4, 1),
      _nodesPlace(PAYOUTS, 25, 1, 1),
      _leafPlace(WORKINGS + 8, 0)
    ];
    for (uint256 k = 0; k < places.length; k++) {
      _demand(bob, _id, places[k]);
      disputes.showNoSuchPlace(_id, _opening(_id), _matrix(places[k].index), places[k]);
      eq(uint256(disputes.demandOf(_id.game(), places[k]).state), uint256(DemandState.Answered), "answered");
    }
    _solvent();
  }

  function test_placesThatThereAre() public {
    Place[4] memory places = [
      _leafPlace(WORKINGS, 3),
      _leafPlace(WORKINGS + 5, 4),
      _nodesPlace(OVER, 0, 3, 1),
      _nodesPlace(PAYOUTS, 24, 1, 1)
    ];
    for (uint256 k = 0; k < places.length; k++) {
      _demand(bob, _id, places[k]);
      vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, places[k]));
      disputes.showNoSuchPlace(_id, _opening(_id), _matrix(places[k].index), places[k]);
    }
  }

  function test_silenceAboutWorkingsLosesTheBond() public {
    Place memory place = _nodesPlace(OVER, 0, 3, 3);
    _demand(bob, _id, place);
    vm.warp(vm.getBlockTimestamp() + REPLY + 1);
    disputes.convictSilence(_id.game(), place);
    _is(_id, ClaimState.Refuted);
  }

  /// @dev Cheaper than what a demand's bond covers.
  function test_gasOfReplies() public {
    _reply("a leaf of the workings", _leafPlace(WORKINGS + 1, 2), _tableLeaf(1, 2));
    _reply("50 payouts' hashes", _nodesPlace(PAYOUTS, 0, 6, 6), _shownNodes(PAYOUTS, _nodes(_c.payouts, 0, 6, 6)));
  }

  function _reply(string memory what, Place memory place, Shown[] memory shown) private {
    _demand(bob, _id, place);
    bytes memory data = abi.encodeCall(disputes.reveal, (_id, _opening(_id), shown));
    string memory name = string.concat("reply with ", what, ": transaction");
    uint256 used = _metered("DisputesPayout", name, address(disputes), data, new address[](0));
    yes(used * GAS_PRICE < disputes.demandBond(place), "the bond pays for it");
  }
}
