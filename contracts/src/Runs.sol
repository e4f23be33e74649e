// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Game, Games, GameState } from "./Games.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { NodesOpening, Place, Shown } from "./interfaces/IGames.sol";
import { ILedgerReferee, Outcome } from "./interfaces/ILedgerReferee.sol";
import { Header, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { IRuns } from "./interfaces/IRuns.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { IUnitReferee, Unit, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Nodes } from "./libraries/Nodes.sol";
import { Committed as Tree } from "./libraries/Openings.sol";
import { Text } from "./libraries/Text.sol";
import { Units } from "./libraries/Units.sol";
import { Statement, StatementState, UnitOpening } from "./types/Runs.sol";
import { AdapterId, DatanetId, GameId } from "./types/Ids.sol";

/// @title Runs
/// @notice An adapter's owner vouches, with a bond, for how it was made: for what every unit of its run (each part of each
/// step of training, each gradient, each piece of the ledger) has made of what earlier units did, and that the registered
/// program's constants are what the last unit made. One bit that does not follow loses the bond: half to who showed it,
/// half to the Datanet's contributors; and nobody can pay for the adapter's answers any more. The games are those of
/// Games.sol, with the adapter's id.
/// @dev What is at stake is `outputsRoot`. The plan (programs, inputs, sources) follows from public files: who checks
/// computes it, and holds a statement with another plan for none.
contract Runs is Games, IRuns {
  /// @notice In a place, instead of a matrix: the tree of the unit's outputs. ALL instead of a matrix: the tree of its inner
  /// matrices, and with depth 0 the root of that. ALL instead of a unit: the tree of all units' output roots.
  uint32 public constant OUTPUTS = type(uint32).max - 1;

  /// @dev Gas of a reply beside its hashes: of a unit of 4,096 tokens, whose inputs are most of it (contracts/snapshots/
  /// Runs.json). Of one that is fed a number for each of them too, it is 1.4 million: below half of the stressed gas price the
  /// bond pays for that as well.
  uint256 private constant REPLY = 800_000;
  /// @dev Demands one after another: two for the tree of all output roots, the unit's trace, then three as in Disputes.
  uint256 private constant ROUNDS = 6;

  /// @dev Operations from here on are the ledger's.
  bytes1 private constant LEDGER_OPS = 0x80;

  IUnitReferee public immutable referee;
  /// @notice Judges steps between the gradients and the ledger's rows, and the outcome.
  ILedgerReferee public immutable ledgerReferee;
  IAdapterRegistry private immutable _adapters;

  /// @notice Bonds of open statements, in wei.
  uint256 public heldStakes;
  mapping(AdapterId id => Statement) private _statements;
  mapping(AdapterId id => mapping(uint32 unit => bytes32 innerRoot)) private _traces;

  constructor(
    ISettlement settlement_,
    IUnitReferee referee_,
    ILedgerReferee ledgerReferee_,
    uint40 proveTime_,
    uint40 replyTime_
  ) Games(settlement_, proveTime_, replyTime_, REPLY, ROUNDS) {
    (referee, ledgerReferee) = (referee_, ledgerReferee_);
    _adapters = settlement_.adapters();
  }

  // ---- Statements ----

  /// @notice The caller, who owns the adapter, stakes the value sent on its run. Once for each adapter.
  /// @param planRoot over the units' programs, inputs and sources (Units.planLeaf)
  /// @param outputsRoot over the root of what each has made (Units.outputLeaf)
  /// @param cid of those roots, 32 bytes each, in order
  function vouch(AdapterId id, bytes32 planRoot, bytes32 outputsRoot, uint32 units, string calldata cid)
    external
    payable
  {
    Text.requireCid(cid);
    (address owner,,) = _adapters.terms(id);
    if (msg.sender != owner) revert NotTheOwner(id, msg.sender);
    if (_statements[id].state != StatementState.None) revert AlreadyVouched(id);
    if (planRoot == 0) revert BadStatement("planRoot");
    if (outputsRoot == 0) revert BadStatement("outputsRoot");
    if (units == 0 || units == ALL) revert BadStatement("units");
    uint256 least = leastBond();
    if (msg.value < least) revert BondTooSmall(msg.value, least);
    uint40 deadline = uint40(block.timestamp) + _window;
    _statements[id] =
      Statement(msg.sender, deadline, StatementState.Open, units, uint128(msg.value), planRoot, outputsRoot);
    heldStakes += msg.value;
    _deposited(msg.value);
    emit Vouched(id, msg.sender, planRoot, outputsRoot, units, msg.value, deadline, cid);
  }

  /// @notice After the window, and when no challenge holds it, a statement stands: its maker can fetch the bond.
  function stand(AdapterId id) external {
    Statement storage s = _statements[id];
    if (s.state != StatementState.Open) revert WrongStatement(id, s.state);
    uint256 until = heldUntil(id.game());
    if (s.deadline > until) until = s.deadline;
    if (block.timestamp <= until) revert StatementHeld(id, until);
    s.state = StatementState.Stands;
    heldStakes -= s.bond;
    emit Stood(id, s.maker, s.bond);
    _credit(s.maker, s.bond);
  }

  // ---- Proofs ----

  /// @notice One element of what the unit computed does not follow from the others, and from what its sources made. Sources
  /// that the element does not read are given with root 0.
  function proveUnit(AdapterId id, UnitOpening calldata opening, UnitShape calldata shape, Step calldata step, bytes32)
    external
  {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    Unit memory unit = _unit(id, s, opening);
    uint256 source = Units.wrongSource(s, opening);
    if (source < opening.sources.length) revert WrongSource(id, opening.index, source);
    unit.sourceRoots = opening.sourceRoots;
    bytes32 innerRoot = _traces[id][opening.index];
    if (innerRoot == 0) revert TraceNotShown(id, opening.index);
    // Both are asked the same.
    IUnitReferee judge = bytes1(step.instruction) < LEDGER_OPS ? referee : IUnitReferee(address(ledgerReferee));
    if (!judge.isFalseUnit(unit, shape, innerRoot, step)) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "unit");
  }

  /// @notice What the statement says a given unit made is not what the plan gives.
  function proveGiven(AdapterId id, UnitOpening calldata opening, bytes32) external {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    _unit(id, s, opening);
    if (opening.programHash != 0 || opening.outputRoot == opening.inputsHash) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "given");
  }

  /// @notice What the last unit made is not what the registered program has among its constants.
  function proveOutcome(AdapterId id, UnitOpening calldata opening, Outcome calldata outcome, bytes32) external {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    Unit memory unit = _unit(id, s, opening);
    // Others make no outcome, whatever they are made to look like.
    if (opening.index != s.units - 1) revert WrongUnit(id, opening.index);
    (bytes32 registered,) = _origin(id);
    if (!ledgerReferee.isOtherOutcome(unit, registered, outcome)) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "outcome");
  }

  // ---- Withheld data ----

  /// @notice The maker's reply to a demand for place (unit, ALL, 0, 0, 0): what the unit's trace is, to be held to it.
  /// @param innerRoot over the matrices of all instructions but the outputs'; of a given unit Merkle.emptyRoot()
  /// @param outputRoot of the statement for this unit, with its siblings under outputsRoot
  function showTrace(AdapterId id, uint32 unit, bytes32 innerRoot, bytes32 outputRoot, bytes32[] calldata outputProof)
    external
  {
    Statement memory s = _open(id);
    // Nobody else can say what the maker's trace is.
    if (msg.sender != s.maker) revert NotTheMaker(id, msg.sender);
    Place memory place = Place(unit, ALL, 0, 0, 0);
    _requireInTime(id.game(), place);
    if (innerRoot == 0 || !Units.isOutput(s, unit, outputRoot, outputProof)) revert WrongUnit(id, unit);
    _traces[id][unit] = innerRoot;
    _answered(id.game(), s.maker, place);
    emit TraceShown(id, unit, innerRoot, outputRoot);
  }

  /// @notice Shows what was demanded of one unit. Anyone may; the demands' bonds are the maker's, late
  /// in their time the caller's.
  function reveal(AdapterId id, UnitOpening calldata opening, UnitShape calldata shape, Shown[] calldata shown)
    external
  {
    Statement memory s = _open(id);
    Unit memory unit = _unit(id, s, opening);
    for (uint256 k = 0; k < shown.length; k++) {
      _revealLeaves(id, s.maker, opening.index, unit, shape, shown[k]);
      _revealNodes(id, s.maker, opening.index, unit, shape, shown[k]);
    }
  }

  /// @notice Shows nodes of the tree of output roots that were demanded. Anyone may.
  function revealOutputs(AdapterId id, NodesOpening[] calldata nodes) external {
    Statement memory s = _open(id);
    for (uint256 k = 0; k < nodes.length; k++) {
      Place memory place = _placeOf(ALL, ALL, nodes[k]);
      _requireInTime(id.game(), place);
      bool proven = nodes[k].depth > 0 && Nodes.provenUnder(nodes[k], s.outputsRoot, s.units);
      if (!proven) revert NotTheNodes(place);
      _answered(id.game(), s.maker, place);
      emit RevealedNodes(id.game(), place, "", nodes[k]);
    }
  }

  /// @notice Shows that there is no such place: that the unit is given and computes nothing, or its program has fewer
  /// instructions, or the tree no such leaf or node. Its bond as in reveal.
  function showNoSuchPlace(
    AdapterId id,
    UnitOpening calldata opening,
    UnitShape calldata shape,
    TraceMatrix calldata matrix,
    Place calldata place
  ) external {
    Statement memory s = _open(id);
    Unit memory unit = _unit(id, s, opening);
    if (place.answer != opening.index) revert WrongUnit(id, place.answer);
    _requireInTime(id.game(), place);
    if (_exists(unit, shape, matrix, place)) revert PlaceExists(place);
    _answered(id.game(), s.maker, place);
    emit NoSuchPlace(id.game(), place);
  }

  // ---- Reading ----

  /// @notice Least bond of a statement, in wei: twice a claim's. Where everything is withheld, all bonds of the demands that
  /// a challenger needs are less than the half of it that they win.
  function leastBond() public view returns (uint256) {
    return 2 * settlement.bondFor(0);
  }

  /// @inheritdoc IRuns
  function statement(AdapterId id) external view returns (Statement memory) {
    return _statements[id];
  }

  /// @inheritdoc IRuns
  function isRefuted(AdapterId id) external view returns (bool) {
    return _statements[id].state == StatementState.Refuted;
  }

  /// @inheritdoc IRuns
  function traceOf(AdapterId id, uint32 unit) external view returns (bytes32 innerRoot) {
    return _traces[id][unit];
  }

  // ---- What Games asks ----

  function _gameOf(GameId id) internal view override returns (Game memory) {
    Statement storage s = _statements[_adapterOf(id)];
    GameState state = GameState.Over;
    if (s.state == StatementState.Open) state = GameState.Open;
    if (s.state == StatementState.Refuted) state = GameState.Refuted;
    return Game(s.maker, s.deadline, state, s.units);
  }

  /// @dev Of a unit first its trace; of a trace that nobody has committed to, no piece can be shown.
  function _requireDemandable(GameId gameId, Game memory game, Place calldata place) internal view override {
    AdapterId id = _adapterOf(gameId);
    if (place.answer == ALL) {
      _requireFormed(place);
      if (place.index != ALL || !Nodes.exists(game.parts, place.level, place.leaf)) revert WrongPlace(place);
      return;
    }
    if (place.answer >= game.parts) revert WrongUnit(id, place.answer);
    if (place.index == ALL && place.depth == 0 && place.level == 0 && place.leaf == 0) return;
    _requireFormed(place);
    if (place.index == OUTPUTS && place.depth == 0) revert WrongPlace(place);
    if (_traces[id][place.answer] == 0) revert TraceNotShown(id, place.answer);
  }

  function _refute(GameId gameId, address challenger) internal override {
    AdapterId id = _adapterOf(gameId);
    Statement storage s = _statements[id];
    s.state = StatementState.Refuted;
    uint256 reward = s.bond / 2;
    uint256 toPool = s.bond - reward;
    heldStakes -= s.bond;
    emit RunRefuted(id, challenger, reward, toPool);
    _credit(challenger, reward);
    (, DatanetId datanet) = _origin(id);
    totalWithdrawn += toPool;
    settlement.addToPool{ value: toPool }(datanet);
  }

  // ---- Inside ----

  function _adapterOf(GameId id) private pure returns (AdapterId) {
    return AdapterId.wrap(GameId.unwrap(id));
  }

  function _origin(AdapterId id) private view returns (bytes32 programHash, DatanetId datanet) {
    (programHash, datanet,) = _adapters.origin(id);
  }

  function _open(AdapterId id) private view returns (Statement memory s) {
    s = _statements[id];
    if (s.state != StatementState.Open) revert NotOpen(id.game());
  }

  /// @dev The unit, proved to be the statement's, where nothing of its sources is read.
  function _unit(AdapterId id, Statement memory s, UnitOpening calldata opening) private pure returns (Unit memory) {
    if (!Units.isUnit(s, opening)) revert WrongUnit(id, opening.index);
    return Units.unitOf(opening);
  }

  function _revealLeaves(
    AdapterId id,
    address maker,
    uint32 index,
    Unit memory unit,
    UnitShape calldata shape,
    Shown calldata shown
  ) private {
    for (uint256 k = 0; k < shown.leaves.length; k++) {
      Opening calldata leaf = shown.leaves[k];
      Place memory place = Place(index, shown.matrix.index, leaf.leaf, 0, 0);
      _requireInTime(id.game(), place);
      if (!referee.isOpeningUnit(unit, shape, _traces[id][index], shown.matrix, leaf)) revert NotTheLeaf(place);
      _answered(id.game(), maker, place);
      // Inputs follow from the plan.
      emit Revealed(id.game(), place, "", leaf);
    }
  }

  function _revealNodes(
    AdapterId id,
    address maker,
    uint32 index,
    Unit memory unit,
    UnitShape calldata shape,
    Shown calldata shown
  ) private {
    if (shown.nodes.length == 0) return;
    bool isTree = shown.matrix.index >= OUTPUTS;
    Tree memory tree = _tree(unit, shape, _traces[id][index], shown.matrix);
    for (uint256 k = 0; k < shown.nodes.length; k++) {
      NodesOpening calldata node = shown.nodes[k];
      Place memory place = _placeOf(index, shown.matrix.index, node);
      _requireInTime(id.game(), place);
      bool proven = isTree ? Nodes.provenUnder(node, tree.root, tree.count) : Nodes.proven(node, tree);
      // One node for itself would be a leaf without its values.
      if (!proven || node.depth == 0) revert NotTheNodes(place);
      _answered(id.game(), maker, place);
      emit RevealedNodes(id.game(), place, "", node);
    }
  }

  function _placeOf(uint32 unit, uint32 index, NodesOpening calldata node) private pure returns (Place memory) {
    return Place(unit, index, node.leaf, node.level, node.depth);
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
