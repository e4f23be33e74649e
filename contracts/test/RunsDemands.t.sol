// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { DemandState, IGames, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import { IUnitReferee, UnitShape } from "../src/interfaces/IUnitReferee.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { StatementState, UnitOpening } from "../src/types/Runs.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Vouching } from "./support/Vouching.sol";

/// @notice What the maker of a run withholds: a unit's trace, nodes and leaves of its trees.
contract RunsDemandsTest is Vouching {
  Place private _trace3 = _traceOf(3);

  function setUp() public {
    _setUp();
    _vouch();
  }

  function _stateOf(Place memory place) private view returns (DemandState) {
    return runs.demandOf(adapter.game(), place).state;
  }

  function _isAnswered(Place memory place) private view {
    eq(uint256(_stateOf(place)), uint256(DemandState.Answered), "answered");
  }

  /// @dev All descendants of a node, `depth` levels below it, that are no padding.
  function _nodes(bytes32[] memory leaves, uint32 leaf, uint8 level, uint8 depth)
    private
    pure
    returns (NodesOpening memory nodes)
  {
    (nodes.leaf, nodes.level, nodes.depth) = (leaf, level, depth);
    bytes32[] memory hashes = MerkleTree.padded(leaves);
    uint256 width = leaves.length;
    nodes.proof = new bytes32[](Merkle.depth(leaves.length) - level);
    uint256 index = leaf;
    for (uint256 k = 0; k < Merkle.depth(leaves.length); k++) {
      if (k == level - depth) nodes.hashes = _part(hashes, uint256(leaf) << depth, uint256(1) << depth, width);
      if (k >= level) {
        nodes.proof[k - level] = hashes[index ^ 1];
        index >>= 1;
      }
      hashes = MerkleTree.above(hashes);
      width = (width + 1) / 2;
    }
  }

  function _part(bytes32[] memory hashes, uint256 from, uint256 most, uint256 width)
    private
    pure
    returns (bytes32[] memory part)
  {
    part = new bytes32[](width - from < most ? width - from : most);
    for (uint256 k = 0; k < part.length; k++) {
      part[k] = hashes[from + k];
    }
  }

  /// @dev Nodes of the tree of one matrix, and the matrix's siblings after them.
  function _nodesOf(
    bytes32[] memory leaves,
    bytes32[] memory matrices,
    uint256 index,
    uint32 leaf,
    uint8 level,
    uint8 depth
  ) private pure returns (NodesOpening memory nodes) {
    nodes = _nodes(leaves, leaf, level, depth);
    bytes32[] memory beside = MerkleTree.proof(matrices, index);
    bytes32[] memory proof = new bytes32[](nodes.proof.length + beside.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < nodes.proof.length ? nodes.proof[k] : beside[k - nodes.proof.length];
    }
    nodes.proof = proof;
  }

  function _revealRefused(uint32 unit, Shown memory shown, bytes memory why) private {
    vm.expectRevert(why);
    this.reveal(unit, shown);
  }

  function reveal(uint32 unit, Shown calldata shown) external {
    _reveal(unit, shown);
  }

  // ---- The trace of a unit ----

  function test_theMakerShowsWhatItComputed() public {
    _ask(bob, _trace3);
    bytes32 inner = _innerRoot();
    Shown[] memory none = new Shown[](0);
    _showRefused(alice, 3, inner, none, abi.encodeWithSelector(IRuns.NotTheMaker.selector, adapter, alice));
    _showRefused(curator, 4, inner, none, abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, _traceOf(4)));
    UnitOpening memory o = _unitAlone(3);
    o.outputRoot = "another";
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, 3));
    vm.prank(curator);
    runs.reveal(adapter, o, _shape(3), inner, none);
    // 0 is no root: nothing is shown with it.
    _showTraceAs(curator, 3, 0);
    eq(runs.clockOf(adapter.game()).open, 1, "still to be shown");
    _showTrace(3);
    eq(runs.traceOf(adapter, 3), inner, "held to it");
    _isAnswered(_trace3);
    eq(runs.claimable(curator), _bond(_trace3), "paid for the reply");
    bytes memory once = abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, _trace3);
    _showRefused(curator, 3, "a better one", none, once);
    _askRefused(_trace3, abi.encodeWithSelector(IGames.AlreadyDemanded.selector, adapter, _trace3));
    _solvent();
  }

  function test_silenceLosesTheBond() public {
    _ask(bob, _trace3);
    _ask(alice, _traceOf(4));
    uint256 due = runs.demandOf(adapter.game(), _trace3).due;
    eq(due, vm.getBlockTimestamp() + REPLY, "time to reply");
    vm.warp(due + 1);
    _showRefused(curator, 3, _innerRoot(), new Shown[](0), abi.encodeWithSelector(IGames.ReplyTooLate.selector, due));
    vm.prank(alice);
    runs.convictSilence(adapter.game(), _trace3);
    _is(StatementState.Refuted);
    eq(runs.claimable(bob), STAKE / 2 + _bond(_trace3), "half of the bond, and the demand's");
    eq(settlement.poolOf(datanet), STAKE / 2, "half for contributors");
    runs.takeBack(adapter.game(), _traceOf(4));
    eq(runs.claimable(alice), _bond(_traceOf(4)), "back");
    eq(runs.heldBonds(), 0, "nothing is held");
    _solvent();
  }

  /// @dev Pieces of a trace that nobody has committed to cannot be shown: they are asked for with its root, or after it.
  function test_piecesAreAskedForWithTheTraceOrAfterIt() public {
    Place memory piece = Place(3, 2, 1, 0, 0);
    bytes memory not = abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, _trace3);
    _askRefused(piece, not);
    _openTrace(4);
    _askRefused(piece, not);
    Place[] memory places = new Place[](2);
    (places[0], places[1]) = (piece, _trace3);
    uint256 bond = _bond(_trace3) + runs.furtherBond(piece);
    vm.prank(bob);
    vm.expectRevert(not);
    runs.demand{ value: bond }(adapter.game(), places);
    (places[0], places[1]) = (_trace3, piece);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    // Somebody else's piece, while the root is open; and once it is known.
    _ask(alice, Place(3, 2, 2, 0, 0));
    _showTrace(3);
    _ask(alice, Place(3, 2, 3, 0, 0));
    // When the reply is overdue the statement is lost: nothing more is asked for.
    _ask(bob, _traceOf(2));
    uint256 due = runs.demandOf(adapter.game(), _traceOf(2)).due;
    vm.warp(due + 1);
    _askRefused(Place(2, 2, 1, 0, 0), abi.encodeWithSelector(IGames.ReplyTooLate.selector, due));
  }

  /// @dev Root, nodes and a leaf in one demand and one reply.
  function test_oneReplyShowsTheRootAndWhatIsUnderIt() public {
    (Place[] memory places, Shown[] memory shown) = _rootNodesAndLeaf();
    (bytes32 inner, uint256 bond) = (_innerRoot(), _bond(places[0]) + runs.furtherBond(places[1]) + runs.furtherBond(places[2]));
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    vm.expectEmit(address(runs));
    emit IRuns.TraceShown(adapter, 3, inner);
    _showTogether(curator, 3, inner, shown);
    eq(runs.traceOf(adapter, 3), inner, "held to it");
    for (uint256 k = 0; k < places.length; k++) {
      _isAnswered(places[k]);
    }
    eq(runs.claimable(curator), bond, "paid for all of it");
    _solvent();
  }

  /// @dev What a stranger shows before the root is known stands under nothing; and a root is the maker's alone.
  function test_nothingStandsUnderARootThatIsNotKnown() public {
    (Place[] memory places, Shown[] memory shown) = _rootNodesAndLeaf();
    uint256 bond = _bond(places[0]) + runs.furtherBond(places[1]) + runs.furtherBond(places[2]);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    bytes32 inner = _innerRoot();
    _showRefused(alice, 3, 0, shown, abi.encodeWithSelector(IGames.NotTheNodes.selector, places[1]));
    _showRefused(alice, 3, inner, shown, abi.encodeWithSelector(IRuns.NotTheMaker.selector, adapter, alice));
    // Another root, under which none of it is.
    bytes memory nodes = abi.encodeWithSelector(IGames.NotTheNodes.selector, places[1]);
    _showRefused(curator, 3, "another", shown, nodes);
    eq(runs.traceOf(adapter, 3), bytes32(0), "nothing is known");
    // The root alone, and a second one with the rest.
    _showTrace(3);
    bytes memory once = abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, _trace3);
    _showRefused(curator, 3, inner, shown, once);
    _showRefused(curator, 3, "a better one", new Shown[](0), once);
    // What is under a known root anybody shows.
    _showTogether(alice, 3, 0, shown);
    eq(runs.clockOf(adapter.game()).open, 0, "all answered");
  }

  /// @dev A root for which there is nothing that was demanded cannot be taken back: silence about the rest loses.
  function test_aRootWithNothingUnderItLoses() public {
    (Place[] memory places, Shown[] memory shown) = _rootNodesAndLeaf();
    uint256 bond = _bond(places[0]) + runs.furtherBond(places[1]) + runs.furtherBond(places[2]);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    _showTraceAs(curator, 3, "any word");
    _showRefused(curator, 3, 0, shown, abi.encodeWithSelector(IGames.NotTheNodes.selector, places[1]));
    vm.warp(runs.demandOf(adapter.game(), places[1]).due + 1);
    runs.convictSilence(adapter.game(), places[1]);
    _is(StatementState.Refuted);
    eq(runs.claimable(curator), _bond(_trace3), "paid for the root only");
    _solvent();
  }

  function _rootNodesAndLeaf() private view returns (Place[] memory places, Shown[] memory shown) {
    places = new Place[](3);
    (places[0], places[1], places[2]) = (_trace3, Place(3, ALL, 0, 3, 3), Place(3, 4, 2, 0, 0));
    shown = new Shown[](2);
    shown[0] = _nodesShown(ALL, _nodes(_matrices("inner", INNER_MATRICES), 0, 3, 3));
    shown[1] = _leafShown(places[2], VALUES);
  }

  function test_placesThatAreNone() public {
    _openTrace(3);
    Place[5] memory places = [
      // Not so many leaves, and a tree has no values.
      Place(3, 2, 1, 7, 0),
      Place(3, ALL, 1, 0, 0),
      Place(3, OUTPUTS, 0, 0, 0),
      // Nodes lie below the one that is asked for, and not too many of them.
      Place(3, 2, 0, 1, 2),
      Place(3, 2, 0, 20, 12)
    ];
    for (uint256 k = 0; k < places.length; k++) {
      _askRefused(places[k], abi.encodeWithSelector(IGames.WrongPlace.selector, places[k]));
    }
    // The list of all units is posted: nothing of it has to be asked for.
    _askRefused(Place(ALL, ALL, 0, 3, 3), abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, ALL));
    _askRefused(_traceOf(UNITS), abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, UNITS));
  }

  // ---- Leaves ----

  function test_aLeafIsShown() public {
    _openTrace(3);
    Place memory place = Place(3, 2, 1, 0, 0);
    _ask(bob, place);
    _revealRefused(3, _leafShown(place, "garbage"), abi.encodeWithSelector(IGames.NotTheLeaf.selector, place));
    Place memory other = Place(3, 2, 2, 0, 0);
    _revealRefused(3, _leafShown(other, VALUES), abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, other));
    Place memory elsewhere = Place(4, 2, 1, 0, 0);
    _revealRefused(
      4, _leafShown(place, VALUES), abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, elsewhere)
    );
    _reveal(3, _leafShown(place, VALUES));
    _isAnswered(place);
    eq(runs.claimable(curator), _bond(_trace3) + _bond(place), "paid for both replies");
    _solvent();
  }

  function test_whatIsShownOfAUnitIsTheStatements() public {
    _openTrace(3);
    Place memory place = Place(3, 2, 1, 0, 0);
    _ask(bob, place);
    UnitOpening memory opening = _unit(3);
    opening.inputsHash = "others";
    Shown[] memory shown = new Shown[](1);
    shown[0] = _leafShown(place, VALUES);
    UnitShape memory shape = _shape(3);
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, 3));
    runs.reveal(adapter, opening, shape, 0, shown);
  }

  // ---- Nodes ----

  function test_nodesOfTheUnitsTrees() public {
    _openTrace(3);
    bytes32[] memory inner = _matrices("inner", INNER_MATRICES);
    bytes32[] memory outputs = _matrices(_named(3), OUTPUT_MATRICES);
    Place[4] memory places =
      [Place(3, ALL, 0, 3, 2), Place(3, OUTPUTS, 0, 2, 2), Place(3, 4, 1, 2, 2), Place(3, 9, 0, 3, 3)];
    NodesOpening[4] memory nodes;
    nodes[0] = _nodes(inner, 0, 3, 2);
    nodes[1] = _nodes(outputs, 0, 2, 2);
    // Matrix 4 is an inner one, 9 the last output.
    nodes[2] = _nodesOf(_leaves("inner", 4), inner, 4, 1, 2, 2);
    nodes[3] = _nodesOf(_leaves(_named(3), 2), outputs, 2, 0, 3, 3);
    for (uint256 k = 0; k < places.length; k++) {
      _ask(bob, places[k]);
      bytes32 right = nodes[k].hashes[0];
      nodes[k].hashes[0] = "another";
      bytes memory why = abi.encodeWithSelector(IGames.NotTheNodes.selector, places[k]);
      _revealRefused(3, _nodesShown(places[k].index, nodes[k]), why);
      nodes[k].hashes[0] = right;
      _reveal(3, _nodesShown(places[k].index, nodes[k]));
      _isAnswered(places[k]);
    }
    _solvent();
  }

  /// @dev In one transaction, of several matrices, leaves and nodes.
  function test_manyAtOnce() public {
    _openTrace(3);
    Place[] memory places = new Place[](3);
    places[0] = Place(3, ALL, 0, 3, 3);
    places[1] = Place(3, 4, 0, 3, 1);
    places[2] = Place(3, 4, 2, 0, 0);
    uint256 bond = _bond(places[0]) + runs.furtherBond(places[1]) + runs.furtherBond(places[2]);
    vm.prank(bob);
    vm.expectRevert(abi.encodeWithSelector(IGames.WrongDemandBond.selector, bond - 1, bond));
    runs.demand{ value: bond - 1 }(adapter.game(), places);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    eq(runs.clockOf(adapter.game()).open, 3, "open");
    bytes32[] memory inner = _matrices("inner", INNER_MATRICES);
    Shown[] memory shown = new Shown[](2);
    shown[0] = _nodesShown(ALL, _nodes(inner, 0, 3, 3));
    shown[1] = _leafShown(places[2], VALUES);
    shown[1].nodes = new NodesOpening[](1);
    shown[1].nodes[0] = _nodesOf(_leaves("inner", 4), inner, 4, 0, 3, 1);
    runs.reveal(adapter, _unit(3), _shape(3), 0, shown);
    eq(runs.clockOf(adapter.game()).open, 0, "all answered");
    eq(runs.heldBonds(), 0, "all paid for");
    _solvent();
  }

  /// @dev A node shown by itself, without anything below it, would do for a leaf, or for the trace.
  function test_aNodeIsNoLeaf() public {
    _openTrace(3);
    Place memory leaf = Place(3, 4, 1, 0, 0);
    _ask(bob, leaf);
    bytes32[] memory inner = _matrices("inner", INNER_MATRICES);
    NodesOpening memory node = _nodesOf(_leaves("inner", 4), inner, 4, 1, 0, 0);
    _revealRefused(3, _nodesShown(4, node), abi.encodeWithSelector(IGames.NotTheNodes.selector, leaf));
    _ask(bob, _traceOf(2));
    // The only leaf of a tree of one would be at place (2, ALL, 0, 0, 0).
    bytes memory why = abi.encodeWithSelector(IGames.NotTheNodes.selector, _traceOf(2));
    _revealRefused(2, _nodesShown(ALL, _nodes(inner, 0, 0, 0)), why);
  }

  function test_treesAreThoseOfTheProgram() public {
    _openTrace(3);
    _ask(bob, Place(3, ALL, 0, 3, 3));
    Shown memory shown = _nodesShown(ALL, _nodes(_matrices("inner", INNER_MATRICES), 0, 3, 3));
    shown.matrix.header.instructionCount = 11;
    _revealRefused(3, shown, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
  }

  // ---- Places that there are not ----

  function _noSuchPlace(uint32 unit, Place memory place) private {
    runs.showNoSuchPlace(adapter, _unit(unit), _shape(unit), _shown(place.index).matrix, place);
  }

  /// @dev From outside, so that expectRevert sees it.
  function noSuchPlace(uint32 unit, Place calldata place) external {
    _noSuchPlace(unit, place);
  }

  /// @dev Nobody can be asked for what there is not: ten instructions of which three are outputs, five leaves in a matrix.
  function test_aPlaceThatThereIsNotIsNoTrap() public {
    _openTrace(3);
    Place[6] memory none = [
      Place(3, 10, 0, 0, 0),
      Place(3, OUTPUTS - 1, 0, 2, 1),
      Place(3, 4, 5, 0, 0),
      Place(3, 4, 3, 1, 1),
      Place(3, ALL, 0, 4, 1),
      Place(3, OUTPUTS, 2, 1, 1)
    ];
    for (uint256 k = 0; k < none.length; k++) {
      _ask(bob, none[k]);
      _noSuchPlace(3, none[k]);
      _isAnswered(none[k]);
    }
    Place[6] memory there = [
      Place(3, 9, 4, 0, 0),
      Place(3, 0, 0, 0, 0),
      Place(3, 4, 2, 1, 1),
      Place(3, ALL, 3, 1, 1),
      Place(3, OUTPUTS, 1, 1, 1),
      _traceOf(4)
    ];
    for (uint256 k = 0; k < there.length; k++) {
      _ask(bob, there[k]);
      vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, there[k]));
      this.noSuchPlace(there[k].answer, there[k]);
    }
    eq(runs.clockOf(adapter.game()).open, 6, "to be shown");
  }

  function test_otherPlacesShowNothingAboutThisOne() public {
    _openTrace(3);
    Place memory place = Place(3, 4, 1, 0, 0);
    _ask(bob, place);
    UnitOpening memory opening = _unit(4);
    vm.expectRevert(abi.encodeWithSelector(IRuns.WrongUnit.selector, adapter, 3));
    runs.showNoSuchPlace(adapter, opening, _shape(4), _shown(4).matrix, place);
    // The size of another matrix.
    opening = _unit(3);
    unitReferee.setRows(1);
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, place));
    runs.showNoSuchPlace(adapter, opening, _shape(3), _shown(5).matrix, place);
    unitReferee.setRows(5);
    // Another header.
    Shown memory shown = _shown(4);
    shown.matrix.header.instructionCount = 3;
    vm.expectRevert(abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    runs.showNoSuchPlace(adapter, opening, _shape(3), shown.matrix, place);
    vm.expectRevert(abi.encodeWithSelector(IGames.NoOpenDemand.selector, adapter, Place(3, 5, 5, 0, 0)));
    runs.showNoSuchPlace(adapter, opening, _shape(3), _shown(5).matrix, Place(3, 5, 5, 0, 0));
  }

  /// @dev A given unit computes nothing: whoever asks for a piece of that is told so. Its root it has as every unit.
  function test_aGivenUnitHasNoPieces() public {
    _ask(bob, _traceOf(0));
    vm.expectRevert(abi.encodeWithSelector(IGames.PlaceExists.selector, _traceOf(0)));
    this.noSuchPlace(0, _traceOf(0));
    _showTraceAs(curator, 0, Merkle.emptyRoot());
    Place[3] memory places = [Place(0, 0, 0, 0, 0), Place(0, ALL, 0, 3, 3), Place(0, OUTPUTS, 0, 1, 1)];
    for (uint256 k = 0; k < places.length; k++) {
      _ask(bob, places[k]);
      UnitShape memory none;
      runs.showNoSuchPlace(adapter, _unit(0), none, _shown(0).matrix, places[k]);
      _isAnswered(places[k]);
    }
    eq(runs.clockOf(adapter.game()).open, 0, "nothing is open");
    _solvent();
  }

  // ---- Whole games ----

  /// @dev Nothing was published: trace, nodes, leaf, and then the proof.
  function test_aWithheldFalseRunIsConvicted() public {
    uint256 deadline = _deadline();
    test_nodesOfTheUnitsTrees();
    Place memory leaf = Place(3, 4, 1, 0, 0);
    vm.warp(deadline);
    _ask(bob, leaf);
    uint256 due = runs.demandOf(adapter.game(), leaf).due;
    eq(due, deadline + REPLY, "in the last second too");
    vm.warp(due);
    _reveal(3, _leafShown(leaf, VALUES));
    // Time to prove with what came last.
    vm.warp(due + PROVE);
    bytes memory data = _unitCall(3, true, SALT);
    _commit(bob, data);
    _nextBlock();
    _send(bob, data);
    _is(StatementState.Refuted);
    yes(vm.getBlockTimestamp() <= deadline + WINDOW, "hard stop");
    _solvent();
  }

  /// @dev Who asks for much pays for each, and the maker gets more time with each.
  /// forge-config: default.fuzz.runs = 100
  function testFuzz_manyDemandsCannotOutrunAMaker(uint8 many) public {
    _openTrace(3);
    // As many leaves as there are.
    uint32 n = uint32(bound(many, 1, 35));
    uint256 deadline = _deadline();
    vm.warp(deadline);
    for (uint32 k = 0; k < n; k++) {
      Place memory place = Place(3, k % 7, k / 7, 0, 0);
      _ask(bob, place);
      uint256 fair = deadline + REPLY + uint256(REPLY) * (k < 8 ? k : 8) / 32;
      uint256 due = runs.demandOf(adapter.game(), place).due;
      eq(due, fair < deadline + WINDOW / 2 ? fair : deadline + WINDOW / 2, "more time with each");
    }
    UnitOpening memory opening = _unit(3);
    for (uint32 k = 0; k < n; k++) {
      Shown[] memory shown = new Shown[](1);
      shown[0] = _leafShown(Place(3, k % 7, k / 7, 0, 0), VALUES);
      runs.reveal(adapter, opening, _shape(3), 0, shown);
    }
    uint256 held = runs.heldUntil(adapter.game());
    yes(held <= deadline + WINDOW, "held for twice the window at most");
    vm.warp(held + 1);
    runs.stand(adapter);
    eq(
      runs.claimable(curator),
      STAKE + _bond(_trace3) + n * _bond(Place(3, 4, 0, 0, 0)),
      "the maker earned all their bonds"
    );
    _solvent();
  }
}
