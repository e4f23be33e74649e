// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Game, Games, GameState } from "./Games.sol";
import { RunJudge } from "./RunJudge.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { LeavesOpening, NodesOpening, Place, Shown } from "./interfaces/IGames.sol";
import { ILedgerReferee, Outcome } from "./interfaces/ILedgerReferee.sol";
import { Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { IRuns } from "./interfaces/IRuns.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { IUnitReferee, UnitShape } from "./interfaces/IUnitReferee.sol";
import { Frontier, Frontiers } from "./libraries/Frontiers.sol";
import { Statement, StatementState, UnitOpening } from "./types/Runs.sol";
import { AdapterId, DatanetId, GameId } from "./types/Ids.sol";

/// @title Runs
/// @notice An adapter's owner vouches, with a bond, for how it was made: for what every unit of its run (each part of each
/// step of training, each gradient, each piece of the ledger) has made of what earlier units did, and that the registered
/// program's constants are what the last unit made. One bit that does not follow loses the bond: half to who showed it,
/// half to the Datanet's contributors; and nobody can pay for the adapter's answers any more. The games are those of
/// Games.sol, with the adapter's id.
/// @dev What is at stake is `outputsRoot`, over a list that is posted here with it: nobody can withhold that. The plan (programs,
/// inputs, sources) follows from public files: who checks computes it, and holds a statement with another plan for none.
contract Runs is Games, IRuns {
  using Frontiers for Frontier;

  /// @notice In a place, instead of a matrix: the tree of the unit's outputs. ALL instead of a matrix: the tree of its inner
  /// matrices, and with depth 0 the root of that.
  uint32 private constant OUTPUTS = type(uint32).max - 1;

  /// @dev Gas of a reply beside its hashes: of a unit of 4,096 tokens, whose inputs are most of it (contracts/snapshots/
  /// Runs.json). Of one that is fed a number for each of them too, it is 1.4 million: below half of the stressed gas price the
  /// bond pays for that as well.
  uint256 private constant REPLY = 800_000;
  /// @dev Demands one after another, as in Disputes: the unit's trace with its first nodes, nodes, leaves.
  uint256 private constant ROUNDS = 3;

  /// @dev Of a root in a list.
  uint256 private constant WORD = 32;

  /// @notice Looks at what calls show.
  RunJudge public immutable judge;
  IAdapterRegistry private immutable _adapters;

  /// @notice Bonds of open statements, in wei.
  uint256 public heldStakes;
  mapping(AdapterId id => Statement) private _statements;
  mapping(AdapterId id => Frontier) private _lists;
  mapping(AdapterId id => mapping(uint32 unit => bytes32 innerRoot)) private _traces;

  constructor(
    ISettlement settlement_,
    IUnitReferee referee_,
    ILedgerReferee ledgerReferee_,
    uint40 proveTime_,
    uint40 replyTime_
  ) Games(settlement_, proveTime_, replyTime_, REPLY, ROUNDS) {
    judge = new RunJudge(referee_, ledgerReferee_);
    _adapters = settlement_.adapters();
  }

  // ---- Statements ----

  /// @notice A part of the list of what the units of the caller's adapter have made, ahead of the statement: one transaction holds
  /// some 3,500 roots. 1,280 gas each, at 40 gas a byte (EIP-7623).
  /// @param first number of the first of them: where the list ends; or 0, and it begins again
  /// @param roots 32 bytes each
  function post(AdapterId id, uint32 first, bytes calldata roots) external {
    _requireMine(id);
    (bytes32[21] memory nodes, uint256 count) = _append(id, first, roots);
    _lists[id].keep(nodes, count);
  }

  /// @notice The caller, who owns the adapter, stakes the value sent on its run. Once for each adapter.
  /// @param planRoot over the units' programs, inputs and sources (Units.planLeaf)
  /// @param outputsRoot over the root of what each has made (Units.outputLeaf), which is that of the list: so nobody stakes on
  /// another list than they mean, whatever became of the parts before
  /// @param roots the last part of the list, or all of it
  function vouch(AdapterId id, bytes32 planRoot, bytes32 outputsRoot, uint32 units, bytes calldata roots)
    external
    payable
  {
    _requireMine(id);
    if (planRoot == 0) revert BadStatement("planRoot");
    uint256 last = roots.length / WORD;
    if (units == 0 || last > units) revert BadStatement("units");
    (bytes32[21] memory nodes, uint256 count) = _append(id, units - last, roots);
    bytes32 posted_ = Frontiers.root(nodes, count);
    if (posted_ != outputsRoot) revert WrongList(id, posted_);
    uint256 least = leastBond();
    if (msg.value < least) revert BondTooSmall(msg.value, least);
    uint40 deadline = uint40(block.timestamp) + _window;
    _statements[id] =
      Statement(msg.sender, deadline, StatementState.Open, units, uint128(msg.value), planRoot, outputsRoot);
    heldStakes += msg.value;
    _deposited(msg.value);
    emit Vouched(id, msg.sender, planRoot, outputsRoot, units, msg.value, deadline);
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
  function proveUnit(AdapterId id, UnitOpening calldata opening, UnitShape calldata, Step calldata, bytes32) external {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    _convictIf(_judged(s, _traces[id][opening.index]), id, "unit");
  }

  /// @notice What the statement says a given unit made is not what the plan gives.
  function proveGiven(AdapterId id, UnitOpening calldata, bytes32) external {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    _convictIf(_judged(s, 0), id, "given");
  }

  /// @notice What the last unit made is not what the registered program has among its constants.
  function proveOutcome(AdapterId id, UnitOpening calldata, Outcome calldata, bytes32) external {
    Statement memory s = _open(id);
    _useCommitment(id.game());
    (bytes32 registered,) = _origin(id);
    _convictIf(_judged(s, registered), id, "outcome");
  }

  // ---- Withheld data ----

  /// @notice Shows what was demanded of one unit. Anyone may; the demands' bonds are the maker's, late in their time the
  /// caller's.
  /// @param innerRoot answers the demand for place (unit, ALL, 0, 0, 0): over the matrices of all instructions but the outputs';
  /// of a given unit Merkle.emptyRoot(). Only the maker can say that, once, and is held to it. Else 0
  function reveal(
    AdapterId id,
    UnitOpening calldata opening,
    UnitShape calldata,
    bytes32 innerRoot,
    Shown[] calldata shown
  ) external {
    Statement memory s = _open(id);
    uint32 unit = opening.index;
    if (innerRoot != 0) _showTrace(id, s.maker, unit, innerRoot);
    for (uint256 k = 0; k < shown.length; k++) {
      uint32 index = shown[k].matrix.index;
      for (uint256 j = 0; j < shown[k].leaves.length; j++) {
        LeavesOpening calldata leaves = shown[k].leaves[j];
        Place memory place = Place(unit, index, leaves.leaf, leaves.level, 0);
        _answered(id.game(), s.maker, place);
        // Inputs follow from the plan.
        emit Revealed(id.game(), place, "", leaves);
      }
      for (uint256 j = 0; j < shown[k].nodes.length; j++) {
        NodesOpening calldata node = shown[k].nodes[j];
        Place memory place = Place(unit, index, node.leaf, node.level, node.depth);
        _answered(id.game(), s.maker, place);
        emit RevealedNodes(id.game(), place, "", node);
      }
    }
    _judged(s, _traces[id][unit]);
  }

  /// @notice Shows that there is no such place: that the unit is given and computes nothing, or its program has fewer
  /// instructions, or the tree no such leaf or node. Its bond as in reveal.
  function showNoSuchPlace(
    AdapterId id,
    UnitOpening calldata,
    UnitShape calldata,
    TraceMatrix calldata,
    Place calldata place
  ) external {
    Statement memory s = _open(id);
    _answered(id.game(), s.maker, place);
    if (!_judged(s, 0)) revert PlaceExists(place);
    emit NoSuchPlace(id.game(), place);
  }

  // ---- Reading ----

  /// @notice Least bond of a statement, in wei: twice a claim's. Where everything is withheld, all bonds of the demands that
  /// a challenger needs are less than the half of it that they win.
  function leastBond() public view returns (uint256) {
    return 2 * settlement.bondFor(0);
  }

  /// @notice Judges steps of a model's passes.
  function referee() external view returns (IUnitReferee) {
    return judge.referee();
  }

  /// @notice Judges steps between the gradients and the ledger's rows, and the outcome.
  function ledgerReferee() external view returns (ILedgerReferee) {
    return judge.ledgerReferee();
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
  function posted(AdapterId id) external view returns (uint32 count, bytes32 root) {
    count = _lists[id].count;
    root = Frontiers.root(_lists[id].nodes, count);
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

  /// @dev Of a trace that nobody has committed to, nothing can be shown: that is asked for first, or in the same call.
  function _requireDemandable(GameId gameId, Game memory game, Place calldata place) internal view override {
    AdapterId id = _adapterOf(gameId);
    if (place.answer >= game.parts) revert WrongUnit(id, place.answer);
    if (place.index == ALL && place.depth == 0 && place.level == 0 && place.leaf == 0) return;
    _requireFormed(place);
    if (place.index == OUTPUTS && place.depth == 0) revert WrongPlace(place);
    if (_traces[id][place.answer] == 0) _requireInTime(gameId, _tracePlace(place.answer));
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

  function _tracePlace(uint32 unit) private pure returns (Place memory) {
    return Place(unit, ALL, 0, 0, 0);
  }

  function _requireMine(AdapterId id) private view {
    (address owner,,) = _adapters.terms(id);
    if (msg.sender != owner) revert NotTheOwner(id, msg.sender);
    if (_statements[id].state != StatementState.None) revert AlreadyVouched(id);
  }

  /// @dev What the posted list becomes with these roots behind its end, or with nothing else.
  function _append(AdapterId id, uint256 first, bytes calldata roots)
    private
    returns (bytes32[21] memory nodes, uint256 count)
  {
    count = first + roots.length / WORD;
    if (roots.length % WORD != 0 || count > Frontiers.MOST) revert BadStatement("roots");
    if (first > 0) {
      Frontier storage list = _lists[id];
      if (first != list.count) revert WrongPart(id, list.count);
      nodes = list.nodes;
    }
    Frontiers.append(nodes, first, roots);
    emit Posted(id, uint32(first), roots);
  }

  function _showTrace(AdapterId id, address maker, uint32 unit, bytes32 innerRoot) private {
    // Nobody else can say what the maker's trace is.
    if (msg.sender != maker) revert NotTheMaker(id, msg.sender);
    _answered(id.game(), maker, _tracePlace(unit));
    _traces[id][unit] = innerRoot;
    emit TraceShown(id, unit, innerRoot);
  }

  function _convictIf(bool isFalse, AdapterId id, string memory what) private {
    if (!isFalse) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, what);
  }

  /// @dev What the judge says about this very call. It gets the call as it came, and behind it what the statement stands by:
  /// so all of it is looked at in one place, and nothing is copied piece by piece.
  function _judged(Statement memory s, bytes32 other) private view returns (bool) {
    (bool done, bytes memory said) =
      address(judge).staticcall(abi.encodePacked(msg.data, abi.encode(s.planRoot, s.outputsRoot, s.units, other)));
    if (!done) {
      assembly ("memory-safe") {
        revert(add(said, 0x20), mload(said))
      }
    }
    return abi.decode(said, (bool));
  }
}
