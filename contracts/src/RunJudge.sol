// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IGames, LeavesOpening, NodesOpening, Place, Shown } from "./interfaces/IGames.sol";
import { ILedgerReferee, Outcome } from "./interfaces/ILedgerReferee.sol";
import { Header, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { IRuns } from "./interfaces/IRuns.sol";
import { IUnitReferee, Unit, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Nodes } from "./libraries/Nodes.sol";
import { Committed as Tree } from "./libraries/Openings.sol";
import { Units } from "./libraries/Units.sol";
import { AdapterId } from "./types/Ids.sol";
import { Grounds, UnitOpening } from "./types/Runs.sol";

/// @title Looks at what calls about runs show
/// @notice A part of Runs, which has no room for it: takes the same calls, with what the statement stands by behind them (Grounds),
/// and says whether they show what they are to show. Knows no statements, keeps nothing, and nothing follows from asking it.
contract RunJudge {
  uint32 private constant ALL = type(uint32).max;
  /// @dev In a place: the tree of a unit's outputs, as in Runs.
  uint32 private constant OUTPUTS = type(uint32).max - 1;
  /// @dev Operations from here on are the ledger's.
  bytes1 private constant LEDGER_OPS = 0x80;
  /// @dev Bytes of Grounds.
  uint256 private constant GROUNDS = 4 * 32;

  IUnitReferee public immutable referee;
  ILedgerReferee public immutable ledgerReferee;

  constructor(IUnitReferee referee_, ILedgerReferee ledgerReferee_) {
    (referee, ledgerReferee) = (referee_, ledgerReferee_);
  }

  // ---- Proofs: whether something is false ----

  function proveUnit(AdapterId id, UnitOpening calldata opening, UnitShape calldata shape, Step calldata step, bytes32)
    external
    view
    returns (bool)
  {
    Grounds memory s = _grounds();
    Unit memory unit = _unit(id, s, opening);
    uint256 source = Units.wrongSource(s, opening);
    if (source < opening.sources.length) revert IRuns.WrongSource(id, opening.index, source);
    unit.sourceRoots = opening.sourceRoots;
    if (s.other == 0) revert IRuns.TraceNotShown(id, opening.index);
    // Both are asked the same.
    IUnitReferee judge = bytes1(step.instruction) < LEDGER_OPS ? referee : IUnitReferee(address(ledgerReferee));
    return judge.isFalseUnit(unit, shape, s.other, step);
  }

  function proveGiven(AdapterId id, UnitOpening calldata opening, bytes32) external pure returns (bool) {
    _unit(id, _grounds(), opening);
    return opening.programHash == 0 && opening.outputRoot != opening.inputsHash;
  }

  function proveOutcome(AdapterId id, UnitOpening calldata opening, Outcome calldata outcome, bytes32)
    external
    view
    returns (bool)
  {
    Grounds memory s = _grounds();
    Unit memory unit = _unit(id, s, opening);
    // Others make no outcome, whatever they are made to look like.
    if (opening.index != s.units - 1) revert IRuns.WrongUnit(id, opening.index);
    return ledgerReferee.isOtherOutcome(unit, s.other, outcome);
  }

  // ---- Replies ----

  /// @notice True, or reverts where something shown is not the statement's.
  function reveal(AdapterId id, UnitOpening calldata opening, UnitShape calldata shape, bytes32, Shown[] calldata shown)
    external
    view
    returns (bool)
  {
    Grounds memory s = _grounds();
    Unit memory unit = _unit(id, s, opening);
    for (uint256 k = 0; k < shown.length; k++) {
      _requireShown(opening.index, unit, shape, s.other, shown[k]);
    }
    return true;
  }

  /// @notice Whether there is no such place.
  function showNoSuchPlace(
    AdapterId id,
    UnitOpening calldata opening,
    UnitShape calldata shape,
    TraceMatrix calldata matrix,
    Place calldata place
  ) external view returns (bool) {
    Unit memory unit = _unit(id, _grounds(), opening);
    if (place.answer != opening.index) revert IRuns.WrongUnit(id, place.answer);
    return !_exists(unit, shape, matrix, place);
  }

  // ---- Inside ----

  /// @dev Behind the call.
  function _grounds() private pure returns (Grounds memory) {
    return abi.decode(msg.data[msg.data.length - GROUNDS:], (Grounds));
  }

  /// @dev The unit, proved to be the statement's, where nothing of its sources is read.
  function _unit(AdapterId id, Grounds memory s, UnitOpening calldata opening) private pure returns (Unit memory) {
    if (!Units.isUnit(s, opening)) revert IRuns.WrongUnit(id, opening.index);
    return Units.unitOf(opening);
  }

  function _requireShown(
    uint32 index,
    Unit memory unit,
    UnitShape calldata shape,
    bytes32 innerRoot,
    Shown calldata shown
  ) private view {
    bool isTree = shown.matrix.index >= OUTPUTS;
    Tree memory tree = _tree(unit, shape, innerRoot, shown.matrix);
    for (uint256 k = 0; k < shown.leaves.length; k++) {
      LeavesOpening calldata leaves = shown.leaves[k];
      if (isTree || !Nodes.provenLeaves(leaves, tree)) {
        revert IGames.NotTheLeaf(Place(index, shown.matrix.index, leaves.leaf, leaves.level, 0));
      }
    }
    for (uint256 k = 0; k < shown.nodes.length; k++) {
      NodesOpening calldata node = shown.nodes[k];
      bool proven = isTree ? Nodes.provenUnder(node, tree.root, tree.count) : Nodes.proven(node, tree);
      // One node for itself would be a leaf without its values.
      if (!proven || node.depth == 0) {
        revert IGames.NotTheNodes(Place(index, shown.matrix.index, node.leaf, node.level, node.depth));
      }
    }
  }

  /// @dev The matrix under its root; or, where the index says so, the tree of the inner matrices or of the outputs.
  function _tree(Unit memory unit, UnitShape calldata shape, bytes32 innerRoot, TraceMatrix calldata matrix)
    private
    view
    returns (Tree memory tree)
  {
    uint256 inner = _innerCount(unit, shape, matrix.header);
    uint256 index = matrix.index;
    if (index == ALL) return Tree(innerRoot, inner, 0, 0, 0);
    if (index == OUTPUTS) return Tree(unit.outputRoot, shape.outputs, 0, 0, 0);
    (tree.rows, tree.columns,) = referee.shapeOfUnit(unit, shape, matrix);
    bool isInner = index < inner;
    (tree.root, tree.count, tree.index) =
      isInner ? (innerRoot, inner, index) : (unit.outputRoot, shape.outputs, index - inner);
  }

  /// @dev Matrices of the program that are no outputs.
  function _innerCount(Unit memory unit, UnitShape calldata shape, Header calldata header)
    private
    pure
    returns (uint256)
  {
    if (keccak256(abi.encode(header, shape)) != unit.programHash || shape.outputs > header.instructionCount) {
      revert IUnitReferee.RefereeWrongUnit();
    }
    return header.instructionCount - shape.outputs;
  }

  function _exists(Unit memory unit, UnitShape calldata shape, TraceMatrix calldata matrix, Place calldata place)
    private
    view
    returns (bool)
  {
    // Every unit has a root that its maker can show; a given one has nothing else.
    if (place.index == ALL && place.depth == 0) return true;
    if (unit.programHash == 0) return false;
    uint256 inner = _innerCount(unit, shape, matrix.header);
    if (place.index == ALL) return Nodes.exists(inner, place.level, place.leaf);
    if (place.index == OUTPUTS) return Nodes.exists(shape.outputs, place.level, place.leaf);
    if (place.index >= matrix.header.instructionCount) return false;
    // Who proves another matrix's size proves nothing about this one.
    if (matrix.index != place.index) return true;
    (,, uint256 leaves) = referee.shapeOfUnit(unit, shape, matrix);
    return Nodes.exists(leaves, place.level, place.leaf);
  }
}
