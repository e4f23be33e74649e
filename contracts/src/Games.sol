// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "./PullPayments.sol";
import { Clock, Commitment, Demand, DemandState, IGames, Place } from "./interfaces/IGames.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { Nodes } from "./libraries/Nodes.sol";
import { GameId } from "./types/Ids.sol";

/// @notice Over: final, or never begun.
enum GameState {
  Over,
  Open,
  Refuted
}

/// @notice What can be lost, as far as the games need to know it.
struct Game {
  /// Who answers demands, and gets their bonds for it.
  address maker;
  /// End of the window, Unix time in seconds.
  uint40 deadline;
  GameState state;
  /// How many answers, or units, there are to be asked about.
  uint32 parts;
}

/// @title Games
/// @notice Clocks, commitments, demands and their bonds, the same for claims (Disputes) and for runs (Runs). A challenger
/// commits to the call that proves something false, waits a block, and makes that call: nobody who sees the call can take
/// it for their own. What a proof needs and the maker has not published is demanded piece by piece. Nobody decides
/// anything here: no owner, no pause, no upgrade. Times in seconds, amounts in wei.
/// @dev All clocks, from the beginning on, with window W and proveTime at most W/4:
///   commitments and demands        until W (the deadline)
///   replies to demands             until 3W/2 at the latest
///   further demands on what replies show until replyTime before that
///   commitments on it              until 7W/4, proofs until 2W.
/// A search takes rounds, each a demand on what the last has shown. replyTime is short enough for all of them, whatever
/// the maker does to delay them.
abstract contract Games is PullPayments, IGames {
  /// @notice Each open demand of a game gives its maker this part of replyTime more for the next: one in REPLIES, up to
  /// MOST_REPLIES of them. A maker can make demands too, so that there must be an end to it.
  uint256 private constant REPLIES = 32;
  uint256 private constant MOST_REPLIES = 8;
  /// @notice Gas of one hash in a reply, at worst: 32 bytes of 40 gas each (EIP-7623). Hashing and its event cost less.
  uint256 public constant NODE_GAS = 1300;
  /// @notice The same of one leaf: 256 values of 4 bytes.
  uint256 private constant LEAF_GAS = 45_000;
  /// @notice Gas of a further place in a reply, beside its hashes and leaves: its proof, its instruction, what is written down
  /// about it (contracts/snapshots/Disputes.json). Where two places do not fit into one transaction, each has hashes or leaves
  /// enough that what these are paid for more than they cost pays for the other transaction.
  uint256 private constant FURTHER_GAS = 100_000;
  /// @notice Most levels below a node that are shown at once: 2,048 hashes, 64 KiB. Twice as many do not fit into a
  /// transaction that nodes pass on, and a maker who cannot reply must not lose.
  uint256 private constant MOST_DEPTH = 11;
  /// @notice Gas of 32 nodes of a cut, with their levels, at worst; and most such words of one.
  uint256 private constant CUT_GAS = 33 * NODE_GAS;
  uint256 private constant MOST_CUT = 64;
  /// @notice No tree is higher: places are 32 bits.
  uint256 private constant MOST_LEVEL = 32;
  /// @notice Index of a place in the tree over all matrices.
  uint32 public constant ALL = type(uint32).max;

  ISettlement public immutable settlement;
  uint40 internal immutable _window;
  /// @notice How long after its commitment a proof can come.
  uint40 public immutable proveTime;
  /// @notice How long a maker has to show what is demanded, where nothing else is.
  uint40 public immutable replyTime;
  /// @notice Gas of a reply to one place at worst, beside the hashes and leaves that it shows: the bond of a call's first demand
  /// pays for both. Further ones of the same call are replied to in the same transaction.
  uint256 public immutable replyGas;
  uint256 internal immutable _gasPrice;

  /// @notice Bonds of open demands, in wei.
  uint256 public heldBonds;
  mapping(GameId id => Clock) private _clocks;
  mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
  mapping(GameId id => mapping(bytes32 place => Demand)) private _demands;
  /// @dev What a place stands for that has no room for it: a cut, an assertion.
  mapping(GameId id => mapping(bytes32 place => bytes32 hash)) private _named;

  /// @param rounds demands that a search needs one after another
  constructor(ISettlement settlement_, uint40 proveTime_, uint40 replyTime_, uint256 replyGas_, uint256 rounds) {
    uint40 window = settlement_.window();
    bool fits = proveTime_ > 0 && replyTime_ > 0 && 4 * uint256(proveTime_) <= window;
    // So many replies, each at the last moment of 5/4 replyTime, come within 3W/2.
    fits = fits && 5 * rounds * replyTime_ <= 6 * uint256(window);
    if (!fits) revert TimesDoNotFit(proveTime_, replyTime_, window);
    settlement = settlement_;
    _window = window;
    proveTime = proveTime_;
    replyTime = replyTime_;
    replyGas = replyGas_;
    _gasPrice = settlement_.stressedGasPrice();
  }

  // ---- Proofs ----

  /// @notice The caller will make a call about this game whose data has this hash: commitment = keccak256(abi.encode(caller,
  /// keccak256(data of the call to prove…))). The salt in that call keeps it from being guessed.
  function commit(GameId id, bytes32 commitment) external {
    uint256 until = _openGame(id).deadline;
    uint256 extended = _clocks[id].commitUntil;
    if (extended > until) until = extended;
    if (block.timestamp > until) revert TooLateToBegin(id, until);
    uint40 proveBy = uint40(block.timestamp) + proveTime;
    _commitments[msg.sender][commitment] = Commitment(uint64(block.number), proveBy, uint128(GameId.unwrap(id)));
    _hold(id, proveBy);
    emit Committed(id, msg.sender, commitment, proveBy);
  }

  // ---- Withheld data ----

  /// @notice The maker has to show these places, or loses. The value sent is the sum of their bonds: demandBond of the first,
  /// furtherBond of each other.
  function demand(GameId id, Place[] calldata places) external payable {
    (Game memory game, Clock memory clock) = _demandable(id);
    uint256 bondGas = 0;
    for (uint256 k = 0; k < places.length; k++) {
      bondGas += _openFormed(id, game, clock, places[k], k == 0 ? replyGas : FURTHER_GAS);
    }
    _takeBonds(id, clock, bondGas);
  }

  /// @notice What was demanded was not shown in time: the game is lost, to whoever demanded it.
  function convictSilence(GameId id, Place calldata place) external {
    _openGame(id);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    if (block.timestamp <= d.due) revert ReplyNotDue(d.due);
    address demander = d.demander;
    _close(id, d, place);
    _convict(id, demander, "silence");
  }

  /// @notice The bond of a demand that was open when the game was lost goes back.
  function takeBack(GameId id, Place calldata place) external {
    if (_gameOf(id).state != GameState.Refuted) revert NotRefuted(id);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    _close(id, d, place);
  }

  // ---- Reading ----

  /// @notice Bond of a demand for this place, the first of its call, in wei. The maker gets it for the reply.
  function demandBond(Place calldata place) external view returns (uint256) {
    return (replyGas + _shownGas(place)) * _gasPrice;
  }

  /// @notice Bond of a demand for this place with others before it in the same call, in wei.
  function furtherBond(Place calldata place) external view returns (uint256) {
    return (FURTHER_GAS + _shownGas(place)) * _gasPrice;
  }

  /// @inheritdoc IGames
  function heldUntil(GameId id) public view returns (uint256) {
    Clock storage clock = _clocks[id];
    return clock.open > 0 ? type(uint256).max : clock.heldUntil;
  }

  /// @notice Demands are taken until then (Unix time, seconds), as long as the game is open.
  function demandUntil(GameId id) external view returns (uint256) {
    return _demandUntil(_gameOf(id), _clocks[id]);
  }

  function clockOf(GameId id) external view returns (Clock memory) {
    return _clocks[id];
  }

  function demandOf(GameId id, Place calldata place) external view returns (Demand memory) {
    return _demands[id][_key(place)];
  }

  function commitmentOf(address challenger, bytes32 commitment) external view returns (Commitment memory) {
    return _commitments[challenger][commitment];
  }

  // ---- What each kind of game says ----

  function _gameOf(GameId id) internal view virtual returns (Game memory);

  /// @dev Reverts where nobody can be asked for the place.
  function _requireDemandable(GameId id, Game memory game, Place calldata place) internal view virtual;

  /// @dev Takes the bond at stake from the maker of an open game; `challenger` gets a part of it.
  function _refute(GameId id, address challenger) internal virtual;

  // ---- Inside ----

  function _openGame(GameId id) internal view returns (Game memory game) {
    game = _gameOf(id);
    if (game.state != GameState.Open) revert NotOpen(id);
  }

  /// @dev The caller committed to this very call about this game, in an earlier block and not too long ago. In another
  /// game's clocks there may be time left when there is none in this one's.
  function _useCommitment(GameId id) internal {
    bytes32 commitment = keccak256(abi.encode(msg.sender, keccak256(msg.data)));
    Commitment memory made = _commitments[msg.sender][commitment];
    if (made.proveBy == 0 || made.game != GameId.unwrap(id)) revert NotCommitted(msg.sender, commitment);
    if (block.number <= made.committedIn) revert SameBlock(made.committedIn);
    if (block.timestamp > made.proveBy) revert ProofTooLate(made.proveBy);
    delete _commitments[msg.sender][commitment];
  }

  function _convict(GameId id, address challenger, string memory what) internal {
    _refute(id, challenger);
    emit Convicted(id, challenger, what);
  }

  /// @dev A few leaves, or a node that is shown by what is 1 to MOST_DEPTH levels below it.
  function _requireFormed(Place calldata place) internal pure {
    bool leaves = place.depth == 0 && place.level <= Nodes.MOST_RANGE && place.index != ALL;
    bool node = place.depth > 0 && place.depth <= MOST_DEPTH && place.depth <= place.level && place.level <= MOST_LEVEL;
    if (!leaves && !node) revert WrongPlace(place);
  }

  /// @dev Gas of what shows a place: hashes, or leaves.
  function _shownGas(Place calldata place) private pure returns (uint256) {
    return place.depth > 0 ? NODE_GAS << place.depth : LEAF_GAS << place.level;
  }

  /// @dev Of an open game, as long as demands can be made.
  function _demandable(GameId id) internal view returns (Game memory game, Clock memory clock) {
    (game, clock) = (_openGame(id), _clocks[id]);
    uint256 until = _demandUntil(game, clock);
    if (block.timestamp > until) revert TooLateToBegin(id, until);
  }

  /// @dev The maker has to show a cut of the tree over all matrices, see NodesOpening, and further places, or loses.
  function _demandCut(GameId id, uint32 answer, bytes32[] calldata levels, Place[] calldata places) internal {
    (Game memory game, Clock memory clock) = _demandable(id);
    bytes32 hash = keccak256(abi.encodePacked(levels));
    Place memory place = Place(answer, ALL, uint32(uint256(hash)), 0, uint8(Nodes.CUT));
    if (levels.length == 0 || levels.length > MOST_CUT) revert WrongPlace(place);
    if (answer >= game.parts) revert WrongPlace(place);
    uint256 bondGas = replyGas + CUT_GAS * levels.length;
    _openNamed(id, game, clock, place, hash, bondGas);
    emit CutDemanded(id, place, levels);
    for (uint256 k = 0; k < places.length; k++) {
      bondGas += _openFormed(id, game, clock, places[k], FURTHER_GAS);
    }
    _takeBonds(id, clock, bondGas);
  }

  /// @dev A place and what its bond is, in gas.
  function _openFormed(GameId id, Game memory game, Clock memory clock, Place calldata place, uint256 replyPart)
    private
    returns (uint256 bondGas)
  {
    _requireDemandable(id, game, place);
    bondGas = replyPart + _shownGas(place);
    _openDemand(id, game, clock, place, bondGas);
  }

  /// @dev A place that stands for something by its hash.
  function _openNamed(
    GameId id,
    Game memory game,
    Clock memory clock,
    Place memory place,
    bytes32 hash,
    uint256 bondGas
  ) internal {
    _openDemand(id, game, clock, place, bondGas);
    _named[id][_key(place)] = hash;
  }

  /// @dev For demands that were written down.
  function _takeBonds(GameId id, Clock memory clock, uint256 bondGas) internal {
    uint256 bonds = bondGas * _gasPrice;
    if (msg.value != bonds) revert WrongDemandBond(msg.value, bonds);
    _clocks[id] = clock;
    heldBonds += bonds;
    _deposited(bonds);
  }

  /// @dev Who was shown something goes on, as long as there is the whole time for a reply.
  function _demandUntil(Game memory game, Clock memory clock) private view returns (uint256 until) {
    until = game.deadline;
    if (clock.commitUntil > until) until = clock.commitUntil;
    uint256 last = _lastReply(game) - replyTime;
    if (until > last) until = last;
  }

  /// @dev The hard stop of replies.
  function _lastReply(Game memory game) private view returns (uint256) {
    return uint256(game.deadline) + _window / 2;
  }

  /// @dev Writes the demand, and the clock that the caller has in memory.
  function _openDemand(GameId id, Game memory game, Clock memory clock, Place memory place, uint256 bondGas) internal {
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.None) revert AlreadyDemanded(id, place);
    // The more is demanded, the more time; no limit on the number, or a maker could use it up against others.
    uint256 more = clock.open < MOST_REPLIES ? clock.open : MOST_REPLIES;
    uint256 due = block.timestamp + replyTime + uint256(replyTime) * more / REPLIES;
    uint256 last = _lastReply(game);
    if (due > last) due = last;
    (d.demander, d.due, d.state, d.bondGas) = (msg.sender, uint40(due), DemandState.Open, uint48(bondGas));
    clock.open++;
    // Time to compute with what is shown, and to commit.
    uint40 until = uint40(due) + proveTime;
    if (until > clock.commitUntil) clock.commitUntil = until;
    if (until > clock.heldUntil) clock.heldUntil = until;
    emit Demanded(id, msg.sender, place, due);
  }

  /// @dev Whether the place stands for what has this hash.
  function _stands(GameId id, Place memory place, bytes32 hash) internal view returns (bool) {
    return _named[id][_key(place)] == hash;
  }

  /// @dev The caller knew something in an earlier block, and said so by a commitment that is not used up.
  function _requireKnown(GameId id, bytes32 what) internal view {
    bytes32 commitment = keccak256(abi.encode(msg.sender, what));
    Commitment storage made = _commitments[msg.sender][commitment];
    if (made.committedIn == 0 || made.game != GameId.unwrap(id)) revert NotCommitted(msg.sender, commitment);
    if (block.number <= made.committedIn) revert SameBlock(made.committedIn);
  }

  /// @dev Says that the caller knows something, for _requireKnown alone: no clock is held by it.
  function _know(GameId id, bytes32 commitment) internal {
    _commitments[msg.sender][commitment] = Commitment(uint64(block.number), 0, uint128(GameId.unwrap(id)));
  }

  function _requireInTime(GameId id, Place memory place) internal view {
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    if (block.timestamp > d.due) revert ReplyTooLate(d.due);
  }

  /// @dev Marks a demand that is open and not yet due. In the first half of its time a reply is paid to the maker, whoever's call it is: a reply that is seen on its way
  /// can be copied, and a challenger could take their bonds back by copying. Afterwards the caller is paid: a maker who is
  /// not there need not lose.
  function _answered(GameId id, address maker, Place memory place) internal {
    _requireInTime(id, place);
    Demand storage d = _demands[id][_key(place)];
    d.state = DemandState.Answered;
    _settle(id, block.timestamp + replyTime / 2 <= d.due ? maker : msg.sender, d);
  }

  function _close(GameId id, Demand storage d, Place calldata place) private {
    d.state = DemandState.Closed;
    _settle(id, d.demander, d);
    emit DemandClosed(id, d.demander, place);
  }

  /// @dev Of a demand that was open: its bond is somebody's.
  function _settle(GameId id, address whose, Demand storage d) private {
    uint256 bond = d.bondGas * _gasPrice;
    _clocks[id].open--;
    heldBonds -= bond;
    _credit(whose, bond);
  }

  function _hold(GameId id, uint40 until) private {
    if (until > _clocks[id].heldUntil) _clocks[id].heldUntil = until;
  }

  function _key(Place memory place) private pure returns (bytes32) {
    return keccak256(abi.encode(place));
  }
}
