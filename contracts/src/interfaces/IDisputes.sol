// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Answer, AnswerOpening } from "../types/Answers.sol";
import { ClaimId } from "../types/Ids.sol";
import { PayoutEvidence } from "./IPayoutJudge.sol";
import { Opening, Step, TraceMatrix } from "./IReferee.sol";

/// @notice One leaf of one matrix that a claimant is to show: at most 256 values, see Opening in IReferee.sol.
struct Place {
  /// Which of the claim's answers, from 0.
  uint32 answer;
  /// Which instruction's matrix.
  uint32 index;
  uint32 leaf;
}

/// @notice Open: to be answered until it is due. Answered: shown, or shown not to exist. Closed: nobody answered, or
/// the claim fell for another reason; the bond went back.
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
}

/// @notice What holds a claim beyond its window.
struct Clock {
  /// Commitments are taken until then, Unix time in seconds; 0: until the claim's own deadline.
  uint40 commitUntil;
  /// The claim can become final after this.
  uint40 heldUntil;
  /// Demands not answered yet: with one open, the claim cannot become final.
  uint32 open;
}

struct Commitment {
  uint64 committedIn;
  /// Last moment to prove, Unix time in seconds.
  uint40 proveBy;
}

/// @title How a false claim loses its bond
/// @notice No verdict is anybody's: each follows from a proof, or from a claimant's silence.
interface IDisputes {
  event Committed(ClaimId indexed claimId, address indexed challenger, bytes32 commitment, uint256 proveBy);
  /// @notice `what`: "step", "payout", "sums", "twice", "inputs" or "silence".
  event Convicted(ClaimId indexed claimId, address indexed challenger, string what);
  event Demanded(ClaimId indexed claimId, address indexed demander, Place place, uint256 due);
  /// @notice With what was shown, whoever's call showed it: a challenger goes on from the event alone.
  event Revealed(ClaimId indexed claimId, Place place, bytes inputs, Opening shown);
  event NoSuchPlace(ClaimId indexed claimId, Place place);
  event DemandClosed(ClaimId indexed claimId, address indexed demander, Place place);

  /// @notice The claim is final or was refuted already.
  error NotOpen(ClaimId id);
  /// @notice The claim was not refuted.
  error NotRefuted(ClaimId id);
  /// @notice Challenges could begin until `until` (Unix time, seconds).
  error TooLateToBegin(ClaimId id, uint256 until);
  /// @notice The caller has not committed to exactly this call.
  error NotCommitted(address challenger, bytes32 commitment);
  /// @notice A proof comes at least one block after its commitment.
  error SameBlock(uint256 committedIn);
  /// @notice The proof had to come until `proveBy` (Unix time, seconds).
  error ProofTooLate(uint256 proveBy);
  /// @notice The claim has not this answer.
  error WrongAnswer(ClaimId id, uint256 index);
  /// @notice The proof does not show that the claim is false.
  error ClaimHolds(ClaimId id);
  /// @notice The bond of a demand must be exactly this, in wei.
  error WrongDemandBond(uint256 sent, uint256 asked);
  /// @notice This leaf was demanded before.
  error AlreadyDemanded(ClaimId id, Place place);
  /// @notice There is no open demand for this leaf.
  error NoOpenDemand(ClaimId id, Place place);
  /// @notice The claimant had until `due` (Unix time, seconds).
  error ReplyTooLate(uint256 due);
  /// @notice The claimant still has until `due` (Unix time, seconds).
  error ReplyNotDue(uint256 due);
  /// @notice What was shown is not the leaf that was demanded.
  error NotTheLeaf(Place place);
  /// @notice The place exists: it has to be shown.
  error PlaceExists(Place place);
  /// @notice Each of the two times must be from 1 second to a quarter of the window.
  error TimesDoNotFit(uint256 proveTime, uint256 replyTime, uint256 window);

  /// @notice A claim can become final after this (Unix time, seconds); the greatest number while a demand is open.
  function heldUntil(ClaimId id) external view returns (uint256);
  function commit(ClaimId id, bytes32 commitment) external;
  function proveStep(ClaimId id, AnswerOpening calldata opening, Step calldata step, bytes32 salt) external;
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32 salt)
    external;
  function proveSums(ClaimId id, Answer[] calldata answers, bytes32 salt) external;
  function proveTwice(ClaimId id, AnswerOpening calldata one, AnswerOpening calldata other, bytes32 salt) external;
  function proveInputs(ClaimId id, AnswerOpening calldata opening, bytes calldata inputs, bytes32 salt) external;
  function demand(ClaimId id, Place calldata place) external payable;
  function reveal(ClaimId id, AnswerOpening calldata opening, TraceMatrix calldata matrix, Opening calldata shown)
    external;
  function showNoSuchPlace(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    uint32 leaf
  ) external;
  function convictSilence(ClaimId id, Place calldata place) external;
  function takeBack(ClaimId id, Place calldata place) external;
}
