// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { DemandState, IGames, LeavesOpening, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { IReferee, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { BatchRequest, ClaimState, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Answer, AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { MerkleTree } from "./support/MerkleTree.sol";

/// @notice Demands for nodes of trees, and for several places at once. The trace has ten matrices (Disputing._header), the
/// fourth of which has 20 rows of 300 values: 40 leaves.
contract DisputesNodesTest is Disputing {
  uint32 private constant ALL = type(uint32).max;
  uint32 private constant MATRIX = 3;
  ClaimId private _id;
  bytes32[] private _trace;
  bytes32[] private _leaves;

  function setUp() public {
    _deploy();
    for (uint256 k = 0; k < 40; k++) {
      _leaves.push(Merkle.leaf(_valuesAt(k)));
    }
    for (uint256 k = 0; k < 10; k++) {
      _trace.push(keccak256(abi.encode("matrix", k)));
    }
    _trace[MATRIX] = Merkle.leaf(abi.encodePacked(MerkleTree.root(_leaves), uint32(20), uint32(300)));
    referee.shape(MATRIX, 20, 300, 40);
    _id = _claimOf("receipt");
  }

  /// @dev A row of 300 values is two leaves.
  function _valuesAt(uint256 leaf) private pure returns (bytes memory values) {
    values = new bytes(leaf % 2 == 0 ? 1024 : 176);
    values[3] = bytes1(uint8(leaf + 1));
  }

  /// @dev Leaves of the matrix below a node.
  function _below(uint32 leaf, uint8 level) private view returns (LeavesOpening memory shown) {
    bytes memory values;
    for (uint256 k = uint256(leaf) << level; k < (uint256(leaf) + 1) << level && k < 40; k++) {
      values = bytes.concat(values, _valuesAt(k));
    }
    bytes32[] memory within = MerkleTree.proof(_leaves, uint256(leaf) << level);
    bytes32[] memory beyond = MerkleTree.proof(_trace, MATRIX);
    bytes32[] memory proof = new bytes32[](within.length - level + beyond.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k + level < within.length ? within[k + level] : beyond[k + level - within.length];
    }
    return LeavesOpening(leaf, level, values, proof);
  }

  function _shownBelow(LeavesOpening memory leaves) private pure returns (Shown[] memory shown) {
    shown = new Shown[](1);
    shown[0].matrix = _matrix(MATRIX);
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = leaves;
  }

  function _claimOf(bytes32 receipt) private returns (ClaimId) {
    (PayRequest memory request, Fee memory fee,) = _request(receipt, 13, 37, 6000);
    request.answer.traceRoot = MerkleTree.root(_trace);
    return _pay(request, fee.total);
  }

  /// @dev All nodes of the tree of these leaves that are `below` levels above them.
  function _level(bytes32[] memory leaves, uint256 below) private pure returns (bytes32[] memory level) {
    uint256 width = leaves.length;
    level = MerkleTree.padded(leaves);
    for (uint256 k = 0; k < below; k++) {
      level = MerkleTree.above(level);
      width = (width + 1) / 2;
    }
    assembly ("memory-safe") {
      mstore(level, width)
    }
  }

  /// @dev The whole level `below` of the tree of all matrices: four levels.
  function _top(uint8 below) private view returns (NodesOpening memory) {
    return NodesOpening(0, 4, 4 - below, _level(_trace, below), new bytes32[](0));
  }

  /// @dev The whole level `below` of the matrix's tree: six levels.
  function _ofMatrix(uint8 below) private view returns (NodesOpening memory) {
    return NodesOpening(0, 6, 6 - below, _level(_leaves, below), MerkleTree.proof(_trace, MATRIX));
  }

  function _place(uint32 index, NodesOpening memory n) private pure returns (Place memory) {
    return Place(0, index, n.leaf, n.level, n.depth);
  }

  function _show(uint32 index, NodesOpening memory nodes) private {
    disputes.reveal(_id, _opening(_id), _shownNodes(index, nodes));
  }

  function _refusedShow(uint32 index, NodesOpening memory nodes, bytes memory why) private {
    AnswerOpening memory opening = _opening(_id);
    Shown[] memory shown = _shownNodes(index, nodes);
    vm.expectRevert(why);
    disputes.reveal(_id, opening, shown);
  }

  // ---- One tree ----

  function test_nodesOfTheTreeOverAllMatricesAreShown() public {
    NodesOpening memory nodes = _top(2);
    eq(nodes.hashes.length, 3, "ten matrices have three nodes two levels up");
    Place memory place = _place(ALL, nodes);
    _demand(bob, _id, place);
    AnswerOpening memory opening = _opening(_id);
    vm.expectEmit(address(disputes));
    emit IGames.RevealedNodes(_id.game(), place, "inputs", nodes);
    disputes.reveal(_id, opening, _shownNodes(ALL, nodes));
    eq(uint256(disputes.demandOf(_id.game(), place).state), uint256(DemandState.Answered), "answered");
    eq(disputes.claimable(payer), disputes.demandBond(place), "paid for");
    _solvent();
  }

  function test_nodesOfAMatrixAreShown() public {
    NodesOpening memory nodes = _ofMatrix(0);
    eq(nodes.hashes.length, 40, "all leaves at once");
    _demand(bob, _id, _place(MATRIX, nodes));
    _show(MATRIX, nodes);
    // And a part of them, with siblings in the matrix's own tree.
    bytes32[] memory part = new bytes32[](8);
    for (uint256 k = 0; k < 8; k++) {
      part[k] = _leaves[32 + k];
    }
    bytes32[] memory within = MerkleTree.proof(_leaves, 32);
    bytes32[] memory beyond = MerkleTree.proof(_trace, MATRIX);
    bytes32[] memory proof = new bytes32[](2 + beyond.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < 2 ? within[4 + k] : beyond[k - 2];
    }
    // The last node of its level: half of what is below it is padding.
    nodes = NodesOpening(2, 4, 4, part, proof);
    _demand(bob, _id, _place(MATRIX, nodes));
    _show(MATRIX, nodes);
    eq(disputes.clockOf(_id.game()).open, 0, "both are shown");
    _solvent();
  }

  function test_otherNodesAreNoReply() public {
    NodesOpening memory top = _top(2);
    NodesOpening memory ofMatrix = _ofMatrix(3);
    _demand(bob, _id, _place(ALL, top));
    _demand(bob, _id, _place(MATRIX, ofMatrix));
    bytes memory notTop = abi.encodeWithSelector(IGames.NotTheNodes.selector, _place(ALL, top));
    bytes memory notMatrix = abi.encodeWithSelector(IGames.NotTheNodes.selector, _place(MATRIX, ofMatrix));
    top.hashes[2] = bytes32(uint256(top.hashes[2]) ^ 1);
    _refusedShow(ALL, top, notTop);
    top.hashes = _level(_trace, 1);
    _refusedShow(ALL, top, notTop);
    top.hashes = new bytes32[](0);
    _refusedShow(ALL, top, notTop);
    ofMatrix.hashes[0] = ofMatrix.hashes[1];
    _refusedShow(MATRIX, ofMatrix, notMatrix);
    ofMatrix = _ofMatrix(3);
    ofMatrix.proof[0] = "sibling";
    _refusedShow(MATRIX, ofMatrix, notMatrix);
    // Of another shape than the program says.
    referee.shape(MATRIX, 40, 150, 40);
    _refusedShow(MATRIX, _ofMatrix(3), notMatrix);
    // Of another place than was demanded.
    top = _top(1);
    _refusedShow(ALL, top, abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, _place(ALL, top)));
    _is(_id, ClaimState.Open);
  }

  function test_theTreeOverAllMatricesIsTheProgramsAndTheInputsAreTheAnswers() public {
    NodesOpening memory nodes = _top(2);
    _demand(bob, _id, _place(ALL, nodes));
    AnswerOpening memory opening = _opening(_id);
    Shown[] memory shown = _shownNodes(ALL, nodes);
    shown[0].matrix.inputs = "other inputs";
    vm.expectRevert(IReferee.RefereeWrongInputs.selector);
    disputes.reveal(_id, opening, shown);
    shown = _shownNodes(ALL, nodes);
    shown[0].matrix.header.instructionCount = 11;
    vm.expectRevert(IReferee.RefereeWrongHeader.selector);
    disputes.reveal(_id, opening, shown);
  }

  /// @dev A leaf is shown by its values: its hash alone, as a node of depth 0, would hide what it holds.
  function test_aLeafIsNotShownByItsHash() public {
    Place memory leaf = Place(0, MATRIX, 5, 0, 0);
    _demand(bob, _id, leaf);
    bytes32[] memory within = MerkleTree.proof(_leaves, 5);
    bytes32[] memory beyond = MerkleTree.proof(_trace, MATRIX);
    NodesOpening memory nodes = NodesOpening(5, 0, 0, new bytes32[](1), new bytes32[](within.length + beyond.length));
    nodes.hashes[0] = _leaves[5];
    for (uint256 k = 0; k < nodes.proof.length; k++) {
      nodes.proof[k] = k < within.length ? within[k] : beyond[k - within.length];
    }
    _refusedShow(MATRIX, nodes, abi.encodeWithSelector(IGames.NotTheNodes.selector, leaf));
  }

  // ---- What can be demanded ----

  function testFuzz_onlyPlacesThatCanBeShownAreDemanded(uint32 index, uint32 leaf, uint8 level, uint8 depth) public {
    index = index % 3 == 0 ? ALL : index % 20;
    (level, depth) = (level % 40, depth % 20);
    Place memory place = Place(0, index, leaf, level, depth);
    bool isLeaf = depth == 0 && level <= 6 && index != ALL;
    bool isNode = depth >= 1 && depth <= 11 && level >= depth && level <= 32;
    uint256 shown = depth > 0 ? 1300 * 2 ** uint256(depth) : 45_000 * 2 ** uint256(level);
    uint256 bond = (300_000 + shown) * GAS_PRICE;
    eq(disputes.demandBond(place), bond, "the bond pays for the hashes, or the leaves");
    eq(disputes.furtherBond(place), (100_000 + shown) * GAS_PRICE, "and of a further place for no transaction");
    if (!isLeaf && !isNode) vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
    disputes.demand{ value: bond }(_id.game(), _one(place));
    eq(disputes.clockOf(_id.game()).open, isLeaf || isNode ? 1 : 0, "demanded, or not");
  }

  /// @dev What no tree has is answered by saying so; what one has, is not.
  function testFuzz_nodesThatThereAreNotAreNoTrap(uint32 leaf, uint8 level, uint8 depth, bool top) public {
    level = uint8(bound(level, 1, 12));
    depth = uint8(bound(depth, 1, level < 11 ? level : 11));
    leaf = leaf % 24;
    Place memory place = Place(0, top ? ALL : MATRIX, leaf, level, depth);
    uint256 count = top ? 10 : 40;
    uint256 height = top ? 4 : 6;
    bool exists = level <= height && uint256(leaf) * 2 ** level < count;
    _demand(bob, _id, place);
    AnswerOpening memory opening = _opening(_id);
    TraceMatrix memory matrix = _matrix(place.index);
    if (exists) vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(_id, opening, matrix, place);
    eq(disputes.claimable(payer), exists ? 0 : disputes.demandBond(place), "paid for saying so");
    eq(disputes.clockOf(_id.game()).open, exists ? 1 : 0, "open where it exists");
    _solvent();
  }

  function test_whatThereIsNotIsShownByTheProgramItself() public {
    Place memory place = Place(0, ALL, 1, 4, 1);
    Place memory other = Place(0, ALL, 0, 5, 1);
    _demand(bob, _id, place);
    _demand(bob, _id, other);
    AnswerOpening memory opening = _opening(_id);
    TraceMatrix memory matrix = _matrix(ALL);
    matrix.header.instructionCount = 1;
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(_id, opening, matrix, place);
    // What is shown of one matrix says nothing about another.
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(_id, opening, _matrix(10), place);
    disputes.showNoSuchPlace(_id, opening, _matrix(ALL), place);
    disputes.showNoSuchPlace(_id, opening, _matrix(ALL), other);
    eq(disputes.clockOf(_id.game()).open, 0, "both");
  }

  // ---- Leaves ----

  function _demandBelow(uint32 leaf, uint8 level) private returns (Place memory place) {
    place = Place(0, MATRIX, leaf, level, 0);
    _demand(bob, _id, place);
  }

  function test_leavesBelowANodeAreShown() public {
    // The first of a level, one in the middle, the last: half of what is below it is padding. All of them.
    uint32[4] memory leaf = [uint32(0), 5, 2, 0];
    uint8[4] memory level = [uint8(0), 2, 4, 6];
    for (uint256 k = 0; k < 4; k++) {
      LeavesOpening memory leaves = _below(leaf[k], level[k]);
      Place memory place = _demandBelow(leaf[k], level[k]);
      uint256 before = disputes.claimable(payer);
      AnswerOpening memory opening = _opening(_id);
      vm.expectEmit(address(disputes));
      emit IGames.Revealed(_id.game(), place, "", leaves);
      disputes.reveal(_id, opening, _shownBelow(leaves));
      eq(disputes.claimable(payer) - before, disputes.demandBond(place), "paid for each leaf");
    }
    eq(disputes.clockOf(_id.game()).open, 0, "all are shown");
    _solvent();
  }

  function test_otherLeavesAreNoReply() public {
    Place memory place = _demandBelow(2, 4);
    bytes memory not = abi.encodeWithSelector(IGames.NotTheLeaf.selector, place);
    LeavesOpening memory right = _below(2, 4);
    bytes[5] memory wrong = [
      // One leaf too few and too many, a value too few and too many, another leaf's values.
      _without(right.values, 176),
      bytes.concat(right.values, _valuesAt(7)),
      _without(right.values, 4),
      bytes.concat(right.values, hex"00000000"),
      bytes.concat(_without(right.values, 176), _valuesAt(37))
    ];
    for (uint256 k = 0; k < 5; k++) {
      LeavesOpening memory leaves = _below(2, 4);
      leaves.values = wrong[k];
      _refusedBelow(leaves, not);
    }
    LeavesOpening memory other = _below(2, 4);
    other.proof = _below(2, 3).proof;
    _refusedBelow(other, not);
    other.proof = new bytes32[](0);
    _refusedBelow(other, not);
    // Another level than was demanded.
    Place memory elsewhere = Place(0, MATRIX, 2, 3, 0);
    _refusedBelow(_below(2, 3), abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, elsewhere));
    disputes.reveal(_id, _opening(_id), _shownBelow(right));
  }

  /// @dev Of leaves beyond the matrix's end nothing can be shown, and it can be said that there are none.
  function test_leavesBeyondTheEnd() public {
    Place memory place = _demandBelow(3, 4);
    LeavesOpening memory none = _below(2, 4);
    (none.leaf, none.values) = (3, "");
    _refusedBelow(none, abi.encodeWithSelector(IGames.NotTheLeaf.selector, place));
    Place memory last = _demandBelow(9, 2);
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, last));
    disputes.showNoSuchPlace(_id, opening, _matrix(MATRIX), last);
    disputes.showNoSuchPlace(_id, opening, _matrix(MATRIX), place);
    eq(disputes.claimable(payer), disputes.demandBond(place), "paid for as if they were");
  }

  function _refusedBelow(LeavesOpening memory leaves, bytes memory why) private {
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(why);
    disputes.reveal(_id, opening, _shownBelow(leaves));
  }

  function _without(bytes memory values, uint256 less) private pure returns (bytes memory out) {
    out = new bytes(values.length - less);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = values[k];
    }
  }

  /// @dev The first matrix and the tree over all come with the inputs; others need none, since the claim says how many tokens
  /// there are.
  function test_theInputsComeWithTheFirstMatrix() public {
    _trace[0] = _trace[MATRIX];
    _id = _claimOf("first");
    referee.shape(0, 20, 300, 40);
    Place memory place = Place(0, 0, 0, 6, 0);
    _demand(bob, _id, place);
    LeavesOpening memory leaves = _below(0, 6);
    leaves.proof = MerkleTree.proof(_trace, 0);
    Shown[] memory shown = _shownBelow(leaves);
    shown[0].matrix.index = 0;
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(IReferee.RefereeWrongInputs.selector);
    disputes.reveal(_id, opening, shown);
    shown[0].matrix.inputs = "inputs";
    disputes.reveal(_id, opening, shown);
    // Of 13 tokens in and 37 out.
    referee.setLengths(50, 37);
    _demandBelow(0, 6);
    disputes.reveal(_id, _opening(_id), _shownBelow(_below(0, 6)));
  }

  // ---- Cuts ----

  /// @dev Matrices 0 and 1 alone, 2 and 3 together, the rest as one.
  function _cutOf() private view returns (NodesOpening memory cut, Place memory place) {
    bytes32[] memory levels = new bytes32[](1);
    levels[0] = hex"00_00_01_02_03";
    bytes32[] memory hashes = new bytes32[](5);
    bytes32[] memory pairs = _level(_trace, 1);
    (hashes[0], hashes[1], hashes[2]) = (_trace[0], _trace[1], pairs[1]);
    (hashes[3], hashes[4]) = (_level(_trace, 2)[1], _level(_trace, 3)[1]);
    uint32 end = uint32(uint256(keccak256(abi.encodePacked(levels))));
    return (NodesOpening(end, 0, 255, hashes, levels), Place(0, ALL, end, 0, 255));
  }

  function _search(bytes32[] memory levels) private returns (uint256 bond) {
    bond = (300_000 + 33 * 1300 * levels.length) * GAS_PRICE;
    vm.deal(bob, 1 ether);
    vm.prank(bob);
    disputes.search{ value: bond }(_id, 0, levels, new Place[](0), 0);
  }

  function test_aCutIsShown() public {
    (NodesOpening memory cut, Place memory place) = _cutOf();
    uint256 bond = _search(cut.proof);
    eq(disputes.heldBonds(), bond, "its bond");
    NodesOpening memory other = cut;
    (other,) = _cutOf();
    other.proof[0] = hex"00_00_01_02_02";
    _refusedShow(ALL, other, abi.encodeWithSelector(IGames.NotTheNodes.selector, place));
    (other,) = _cutOf();
    other.hashes[4] = other.hashes[3];
    _refusedShow(ALL, other, abi.encodeWithSelector(IGames.NotTheNodes.selector, place));
    AnswerOpening memory opening = _opening(_id);
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    disputes.showNoSuchPlace(_id, opening, _matrix(ALL), place);
    vm.expectEmit(address(disputes));
    emit IGames.RevealedNodes(_id.game(), place, "inputs", cut);
    disputes.reveal(_id, opening, _shownNodes(ALL, cut));
    eq(disputes.claimable(payer), bond, "paid for");
    _solvent();
  }

  function test_aCutThatNobodyShowsConvicts() public {
    (NodesOpening memory cut, Place memory place) = _cutOf();
    uint256 bond = _search(cut.proof);
    vm.warp(uint256(disputes.demandOf(_id.game(), place).due) + 1);
    disputes.convictSilence(_id.game(), place);
    eq(disputes.claimable(bob), bond, "the bond back");
    _is(_id, ClaimState.Refuted);
    _solvent();
  }

  function test_whatIsNoCut() public {
    (, Place memory place) = _cutOf();
    // By demand itself nobody would know its levels.
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongPlace.selector, place));
    disputes.demand(_id.game(), _one(place));
    vm.expectPartialRevert(IGames.WrongPlace.selector);
    disputes.search(_id, 0, new bytes32[](0), new Place[](0), 0);
    vm.expectPartialRevert(IGames.WrongPlace.selector);
    disputes.search(_id, 0, new bytes32[](65), new Place[](0), 0);
    vm.expectPartialRevert(IGames.WrongPlace.selector);
    disputes.search(_id, 1, new bytes32[](1), new Place[](0), 0);
    vm.expectPartialRevert(IGames.WrongDemandBond.selector);
    disputes.search(_id, 0, new bytes32[](1), new Place[](0), 0);
    _search(new bytes32[](64));
    vm.warp(_deadline(_id) + WINDOW);
    vm.expectPartialRevert(IGames.TooLateToBegin.selector);
    disputes.search(_id, 0, new bytes32[](2), new Place[](0), 0);
  }

  // ---- Several at once ----

  function _places() private view returns (Place[] memory places) {
    places = new Place[](4);
    places[0] = _place(ALL, _top(0));
    places[1] = _place(MATRIX, _ofMatrix(2));
    places[2] = Place(0, MATRIX, 7, 0, 0);
    places[3] = Place(0, MATRIX, 4, 3, 0);
  }

  uint256 private constant BONDS = (300_000 + 3 * 100_000 + 1300 * (16 + 16) + 45_000 * (1 + 8)) * uint256(GAS_PRICE);

  /// @dev The places of `_places` in one reply.
  function _all() private view returns (Shown[] memory shown) {
    shown = new Shown[](3);
    shown[0] = _shownNodes(ALL, _top(0))[0];
    shown[1] = _shownNodes(MATRIX, _ofMatrix(2))[0];
    shown[1].leaves = new LeavesOpening[](1);
    shown[1].leaves[0] = _below(7, 0);
    shown[2] = _shownBelow(_below(4, 3))[0];
  }

  function test_severalPlacesInOneTransaction() public {
    Place[] memory places = _places();
    _demandAll(bob, _id, places);
    uint256 bonds = disputes.heldBonds();
    eq(disputes.clockOf(_id.game()).open, 4, "four demands");
    eq(bonds, BONDS, "one pays for the reply, the others for what they add to it");
    eq(disputes.demandOf(_id.game(), places[0]).bondGas, 300_000 + 1300 * 16, "each keeps its own");
    eq(disputes.demandOf(_id.game(), places[3]).bondGas, 100_000 + 45_000 * 8, "of leaves too");
    for (uint256 k = 0; k < 4; k++) {
      uint256 due = vm.getBlockTimestamp() + REPLY + REPLY * (k < 8 ? k : 8) / 32;
      eq(disputes.demandOf(_id.game(), places[k]).due, due, "and its time");
    }
    AnswerOpening memory opening = _opening(_id);
    disputes.reveal(_id, opening, _all());
    eq(disputes.clockOf(_id.game()).open, 0, "four replies");
    eq(disputes.claimable(payer), bonds, "all of them paid");
    _solvent();
  }

  function test_oneWrongPlaceUndoesTheWholeReply() public {
    Place[] memory places = _places();
    _demandAll(bob, _id, places);
    AnswerOpening memory opening = _opening(_id);
    Shown[] memory shown = _all();
    shown[2].leaves[0].values = "garbage";
    vm.expectRevert(abi.encodeWithSelector(IGames.NotTheLeaf.selector, places[3]));
    disputes.reveal(_id, opening, shown);
    eq(disputes.clockOf(_id.game()).open, 4, "nothing was shown");
    // Nor is a place answered twice.
    shown = _all();
    disputes.reveal(_id, opening, shown);
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, places[0]));
    disputes.reveal(_id, opening, shown);
  }

  /// @dev Half of what was demanded is shown: the other half convicts.
  function test_aHalfReplyLosesByTheOtherHalf() public {
    Place[] memory places = _places();
    _demandAll(bob, _id, places);
    Shown[] memory half = new Shown[](2);
    Shown[] memory whole = _all();
    (half[0], half[1]) = (whole[0], whole[1]);
    disputes.reveal(_id, _opening(_id), half);
    eq(disputes.clockOf(_id.game()).open, 1, "one is left");
    vm.warp(uint256(disputes.demandOf(_id.game(), places[3]).due) + 1);
    for (uint256 k = 0; k < 3; k++) {
      vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, _id, places[k]));
      disputes.convictSilence(_id.game(), places[k]);
    }
    disputes.convictSilence(_id.game(), places[3]);
    eq(settlement.claim(_id).challenger, bob, "bob demanded it");
    eq(disputes.claimable(bob), disputes.furtherBond(places[3]), "the bond of what was not shown");
    _solvent();
  }

  function test_bondsAreTheSumAndNoPlaceIsDemandedTwice() public {
    Place[] memory places = _places();
    vm.deal(bob, 10 ether);
    vm.startPrank(bob);
    uint256 bonds = BONDS;
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, bonds - 1, bonds));
    disputes.demand{ value: bonds - 1 }(_id.game(), places);
    places[3] = places[1];
    vm.expectRevert(abi.encodeWithSelector(IGames.AlreadyDemanded.selector, _id, places[1]));
    disputes.demand{ value: bonds }(_id.game(), places);
    disputes.demand(_id.game(), new Place[](0));
    vm.stopPrank();
    eq(disputes.clockOf(_id.game()).open, 0, "nothing was demanded");
    eq(disputes.heldUntil(_id.game()), 0, "and nothing is held");
  }

  function test_bondsOfNodesComeBackWhole() public {
    Place[] memory places = _places();
    _demandAll(bob, _id, places);
    uint256 bonds = disputes.heldBonds();
    _prove(alice, _id, _stepCall(_id, true, SALT));
    for (uint256 k = 0; k < places.length; k++) {
      disputes.takeBack(_id.game(), places[k]);
    }
    eq(disputes.claimable(bob), bonds, "to the wei");
    eq(disputes.heldBonds(), 0, "nothing is held");
    _solvent();
  }

  // ---- Answers of a batch ----

  /// @dev Whoever reads the chain must learn the answer that a reply is about: a batch's file may be withheld.
  function test_aReplyAboutABatchShowsItsAnswer() public {
    bytes32[] memory payouts = new bytes32[](1);
    payouts[0] = _payout(0, alice, 1);
    bytes32[] memory leaves = new bytes32[](2);
    Answer[2] memory batch;
    for (uint256 k = 0; k < 2; k++) {
      batch[k] = _answer(keccak256(abi.encode(k)), 13, 37, MerkleTree.root(payouts), 1, 1);
      batch[k].traceRoot = MerkleTree.root(_trace);
      leaves[k] = _leafOf(batch[k]);
    }
    ClaimId id = _payBoth(MerkleTree.root(leaves));
    NodesOpening memory nodes = _top(2);
    Place memory place = Place(1, ALL, 0, 4, 2);
    _demand(bob, id, place);
    AnswerOpening memory opening = AnswerOpening(1, batch[1], MerkleTree.proof(leaves, 1));
    vm.expectEmit(address(disputes));
    emit IDisputes.AnswerShown(id, opening);
    disputes.reveal(id, opening, _shownNodes(ALL, nodes));
    place = Place(1, ALL, 0, 5, 2);
    _demand(bob, id, place);
    vm.expectEmit(address(disputes));
    emit IDisputes.AnswerShown(id, opening);
    disputes.showNoSuchPlace(id, opening, _matrix(ALL), place);
    eq(disputes.clockOf(id.game()).open, 0, "both");
  }

  function _payBoth(bytes32 root) private returns (ClaimId id) {
    BatchRequest memory request;
    (request.adapterId, request.answersRoot, request.answers, request.cid) = (adapter, root, 2, CID);
    (request.tokensIn, request.tokensOut, request.allocated, request.ruleVersion) = (26, 74, 2, 1);
    Fee memory fee = settlement.quoteBatch(adapter, 2, 26, 74);
    request.contributorsPart = fee.contributors;
    uint256 value = fee.total + settlement.bondFor(request.allocated);
    vm.prank(payer);
    id = settlement.payBatch{ value: value }(request);
  }
}
