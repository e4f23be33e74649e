// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { GameId } from "../types/Ids.sol";
import { TraceMatrix } from "./IReferee.sol";

/// @notice What a maker is to show. depth 0: the values of all leaves of a matrix below a node, see LeavesOpening; at level 0 of
/// one leaf. depth d from 1 on: the hashes of a node's descendants d levels below it, see NodesOpening. Of a cut the end of its
/// hash stands in `leaf`; its level is 0 and its depth 255. Of an assertion (IDisputes.assertLeaves) a number that its maker chose
/// stands there; its level is 0 and its depth 254. 253: the file of a claim about several answers (IDisputes.demandFile).
struct Place {
  /// Which of the claim's answers, or of the run's units, from 0.
  uint32 answer;
  /// Which instruction's matrix, or the greatest number: the tree over all matrices, whose leaves are
  /// Merkle.leaf(root ‖ rows ‖ columns) of each. Of an answer also the greatest number less 16 and the next seven: the tables of
  /// its workings, the tree of its payouts, the tree over the tables; of the last two trees nodes alone (Workings.sol).
  uint32 index;
  /// Which leaf, or which node of its level, from 0.
  uint32 leaf;
  /// Levels above the leaves.
  uint8 level;
  uint8 depth;
}

/// @notice Nodes of one tree with their proof: all descendants of one node, `depth` levels below it, from left to right,
/// but those that are padding (with no leaf below them).
/// A cut has nodes of several levels, from left to right over the whole tree: so that large matrices stand alone, and small
/// ones in groups. Instead of siblings it has the level of each node, a byte each, 32 in a word. A level that does not
/// fit its node's place (the leaves before it, the tree) is the highest one that does, and so is each behind the last:
/// every cut is one of every tree.
struct NodesOpening {
  uint32 leaf;
  uint8 level;
  uint8 depth;
  bytes32[] hashes;
  /// Siblings from the node's level up; for the tree of a matrix then siblings of the matrix within the trace.
  bytes32[] proof;
}

/// @notice Values of all leaves of a matrix below one node, from left to right; level 0: of one leaf.
struct LeavesOpening {
  uint32 leaf;
  uint8 level;
  /// float32, little-endian, 4 bytes each; as many as these leaves have.
  bytes values;
  /// Siblings within the matrix from the node's level up, then siblings of the matrix within the trace.
  bytes32[] proof;
}

/// @notice What is shown of one matrix. For the tree over all matrices `matrix.index` is the greatest number, and there is no
/// instruction.
struct Shown {
  TraceMatrix matrix;
  LeavesOpening[] leaves;
  NodesOpening[] nodes;
}

/// @notice Open: to be answered until it is due. Answered: shown, or shown not to exist. Closed: nobody answered, or
/// the game was lost for another reason; the bond went back.
enum DemandState {
  None,
  Open,
  Answered,
  Closed
}

struct Demand {
  address demander;
  /// Last moment to answer, Unix time in seconds.
  uint40 due;
  DemandState state;
  /// What its bond is, in gas: wei at the games' gas price.
  uint48 bondGas;
}

/// @notice What holds a game beyond its window.
struct Clock {
  /// Commitments are taken until then, Unix time in seconds; 0: until the game's own deadline.
  uint40 commitUntil;
  /// What is at stake can become final after this.
  uint40 heldUntil;
  /// Demands not answered yet: with one open, nothing can become final.
  uint32 open;
}

struct Commitment {
  uint64 committedIn;
  /// Last moment to prove, Unix time in seconds.
  uint40 proveBy;
  /// Id of the game it was made in.
  uint128 game;
}

/// @title What is the same in every game about whether something claimed is false
/// @notice No verdict is anybody's: each follows from a proof, or from a maker's silence. `id`: of the claim (Disputes) or
/// of the adapter whose run is vouched for (Runs).
interface IGames {
  event Committed(GameId indexed id, address indexed challenger, bytes32 commitment, uint256 proveBy);
  /// @notice `what` was proved, or "silence".
  event Convicted(GameId indexed id, address indexed challenger, string what);
  event Demanded(GameId indexed id, address indexed demander, Place place, uint256 due);
  /// @notice The levels of a cut that was demanded: what its maker has to show.
  event CutDemanded(GameId indexed id, Place place, bytes32[] levels);
  /// @notice With what was shown, whoever's call showed it: a challenger goes on from the event alone.
  event Revealed(GameId indexed id, Place place, bytes inputs, LeavesOpening shown);
  /// @notice The same for nodes.
  event RevealedNodes(GameId indexed id, Place place, bytes inputs, NodesOpening shown);
  event NoSuchPlace(GameId indexed id, Place place);
  event DemandClosed(GameId indexed id, address indexed demander, Place place);

  /// @notice It is final or was refuted already.
  error NotOpen(GameId id);
  /// @notice It was not refuted.
  error NotRefuted(GameId id);
  /// @notice Challenges could begin until `until` (Unix time, seconds).
  error TooLateToBegin(GameId id, uint256 until);
  /// @notice The caller has not committed to exactly this call.
  error NotCommitted(address challenger, bytes32 commitment);
  /// @notice A proof comes at least one block after its commitment.
  error SameBlock(uint256 committedIn);
  /// @notice The proof had to come until `proveBy` (Unix time, seconds).
  error ProofTooLate(uint256 proveBy);
  /// @notice The proof does not show that anything claimed is false.
  error ClaimHolds(GameId id);
  /// @notice Nobody can be asked for this: a node's depth must be 1 to 11 and at most its level, leaves are those below a node of
  /// level 0 to 6, a cut has 1 to 2,048 nodes.
  error WrongPlace(Place place);
  /// @notice The bonds of what is demanded are exactly this, in wei.
  error WrongDemandBond(uint256 sent, uint256 asked);
  /// @notice This place was demanded before.
  error AlreadyDemanded(GameId id, Place place);
  /// @notice There is no open demand for this place.
  error NoOpenDemand(GameId id, Place place);
  /// @notice The maker had until `due` (Unix time, seconds).
  error ReplyTooLate(uint256 due);
  /// @notice The maker still has until `due` (Unix time, seconds).
  error ReplyNotDue(uint256 due);
  /// @notice What was shown are not the leaves that were demanded.
  error NotTheLeaf(Place place);
  /// @notice What was shown are not the nodes that were demanded.
  error NotTheNodes(Place place);
  /// @notice The place exists: it has to be shown.
  error PlaceExists(Place place);
  /// @notice Both times are at least a second, proveTime at most a quarter of the window, replyTime so short that all rounds
  /// of a search fit: three tenths of the window for a claim, two fifths for a run.
  error TimesDoNotFit(uint256 proveTime, uint256 replyTime, uint256 window);

  /// @notice It can become final after this (Unix time, seconds); the greatest number while a demand is open.
  function heldUntil(GameId id) external view returns (uint256);
  function commit(GameId id, bytes32 commitment) external;
  function demandBond(Place calldata place) external view returns (uint256);
  function furtherBond(Place calldata place) external view returns (uint256);
  function demand(GameId id, Place[] calldata places) external payable;
  function convictSilence(GameId id, Place calldata place) external;
  function takeBack(GameId id, Place calldata place) external;
}
