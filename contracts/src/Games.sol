// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "./PullPayments.sol";
import { Clock, Commitment, Demand, DemandState, IGames, Place } from "./interfaces/IGames.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
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
/// @dev All clocks, from the beginning on, with window W, and proveTime and replyTime at most W/4:
///   commitments and demands       until W (the deadline)
///   replies to demands            until 3W/2 at the latest
///   commitments on what they show until 7W/4, proofs until 2W.
abstract contract Games is PullPayments, IGames {
  /// @notice Each open demand of a game gives its maker this part of replyTime more for the next: one in REPLIES.
  uint256 public constant REPLIES = 32;
  /// @notice Gas of one reply at worst: a demand's bond, which the maker gets for it, covers that.
  uint256 public constant REPLY_GAS = 500_000;

  ISettlement public immutable settlement;
  uint40 internal immutable _window;
  /// @notice How long after its commitment a proof can come.
  uint40 public immutable proveTime;
  /// @notice How long a maker has to show what is demanded, where nothing else is.
  uint40 public immutable replyTime;
  /// @notice Bond of a demand, in wei. The maker gets it for the reply.
  uint256 public immutable demandBond;

  /// @notice Bonds of open demands, in wei.
  uint256 public heldBonds;
  mapping(GameId id => Clock) private _clocks;
  mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
  mapping(GameId id => mapping(bytes32 place => Demand)) private _demands;

  constructor(ISettlement settlement_, uint40 proveTime_, uint40 replyTime_) {
    uint40 window = settlement_.window();
    bool fits = proveTime_ > 0 && replyTime_ > 0 && 4 * uint256(proveTime_) <= window && 4 * uint256(replyTime_) <= window;
    if (!fits) revert TimesDoNotFit(proveTime_, replyTime_, window);
    settlement = settlement_;
    _window = window;
    proveTime = proveTime_;
    replyTime = replyTime_;
    demandBond = REPLY_GAS * settlement_.stressedGasPrice();
  }

  // ---- Proofs ----

  /// @notice The caller will make a call whose data has this hash: commitment = keccak256(abi.encode(caller,
  /// keccak256(data of the call to prove…))). The salt in that call keeps it from being guessed.
  function commit(GameId id, bytes32 commitment) external {
    uint256 until = _openGame(id).deadline;
    uint256 extended = _clocks[id].commitUntil;
    if (extended > until) until = extended;
    if (block.timestamp > until) revert TooLateToBegin(id, until);
    uint40 proveBy = uint40(block.timestamp) + proveTime;
    _commitments[msg.sender][commitment] = Commitment(uint64(block.number), proveBy);
    _hold(id, proveBy);
    emit Committed(id, msg.sender, commitment, proveBy);
  }

  // ---- Withheld data ----

  /// @notice The maker has to show this leaf, or loses. The value sent is the demand's bond.
  function demand(GameId id, Place calldata place) external payable {
    Game memory game = _openGame(id);
    if (block.timestamp > game.deadline) revert TooLateToBegin(id, game.deadline);
    if (msg.value != demandBond) revert WrongDemandBond(msg.value, demandBond);
    _requireDemandable(id, game, place);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.None) revert AlreadyDemanded(id, place);
    Clock storage clock = _clocks[id];
    // The more is demanded, the more time; no limit on the number, or a maker could use it up against others.
    uint256 due = block.timestamp + replyTime + uint256(replyTime) * clock.open / REPLIES;
    uint256 last = uint256(game.deadline) + _window / 2;
    if (due > last) due = last;
    (d.demander, d.due, d.state) = (msg.sender, uint40(due), DemandState.Open);
    clock.open++;
    // Time to compute with what is shown, and to commit.
    uint40 until = uint40(due) + proveTime;
    if (until > clock.commitUntil) clock.commitUntil = until;
    _hold(id, until);
    heldBonds += msg.value;
    _deposited(msg.value);
    emit Demanded(id, msg.sender, place, due);
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

  /// @inheritdoc IGames
  function heldUntil(GameId id) public view returns (uint256) {
    Clock storage clock = _clocks[id];
    return clock.open > 0 ? type(uint256).max : clock.heldUntil;
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

  /// @dev The caller committed to this very call, in an earlier block and not too long ago.
  function _useCommitment() internal {
    bytes32 commitment = keccak256(abi.encode(msg.sender, keccak256(msg.data)));
    Commitment memory made = _commitments[msg.sender][commitment];
    if (made.proveBy == 0) revert NotCommitted(msg.sender, commitment);
    if (block.number <= made.committedIn) revert SameBlock(made.committedIn);
    if (block.timestamp > made.proveBy) revert ProofTooLate(made.proveBy);
    delete _commitments[msg.sender][commitment];
  }

  function _convict(GameId id, address challenger, string memory what) internal {
    _refute(id, challenger);
    emit Convicted(id, challenger, what);
  }

  function _requireInTime(GameId id, Place memory place) internal view {
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    if (block.timestamp > d.due) revert ReplyTooLate(d.due);
  }

  function _answered(GameId id, address maker, Place memory place) internal {
    _demands[id][_key(place)].state = DemandState.Answered;
    _clocks[id].open--;
    heldBonds -= demandBond;
    _credit(maker, demandBond);
  }

  function _close(GameId id, Demand storage d, Place calldata place) private {
    d.state = DemandState.Closed;
    _clocks[id].open--;
    heldBonds -= demandBond;
    _credit(d.demander, demandBond);
    emit DemandClosed(id, d.demander, place);
  }

  function _hold(GameId id, uint40 until) private {
    if (until > _clocks[id].heldUntil) _clocks[id].heldUntil = until;
  }

  function _key(Place memory place) private pure returns (bytes32) {
    return keccak256(abi.encode(place));
  }
}
