// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AnswerDigest, AnswerOpening } from "../types/Answers.sol";
import { ClaimId } from "../types/Ids.sol";
import { IGames, LeavesOpening, Place, Shown } from "./IGames.sol";
import { PayoutEvidence } from "./IPayoutJudge.sol";
import { Step, TraceMatrix } from "./IReferee.sol";

/// @notice An assertion, and where what it is about stands in the claim.
struct Asserted {
  /// The node of the matrix whose leaves were asserted.
  uint32 leaf;
  uint8 level;
  /// As it follows from the asserted leaves, and as claimed.
  bytes32 node;
  bytes32 claimed;
  /// Siblings within the matrix from the node's level up, then siblings of the matrix within the trace.
  bytes32[] proof;
}

/// @title How a false claim loses its bond
/// @notice What a claim can be convicted of: "step", "payout", "answer", "sums", "twice", "inputs" or "silence".
interface IDisputes is IGames {
  /// @notice The answer that a reply was about: of a claim about several only the claimant may have known it.
  event AnswerShown(ClaimId indexed id, AnswerOpening opening);

  /// @notice What all answers of the claim are computed from, see AnswersFile.sol.
  event FileShown(ClaimId indexed id, bytes file);
  /// @notice What a challenger says are the values of the leaves below node (leaf, level) of matrix place.index: float32,
  /// little-endian. Refuted in time, or the claim is lost.
  event LeavesAsserted(ClaimId indexed id, Place place, uint32 leaf, uint8 level, bytes values);
  event AssertionRefuted(ClaimId indexed id, Place place);

  /// @notice What was asserted is another than this.
  error OtherAssertion(ClaimId id, Place place);
  /// @notice Nothing of this shows that the assertion is false.
  error AssertionHolds(ClaimId id, Place place);
  /// @notice The claim has not this answer.
  error WrongAnswer(ClaimId id, uint256 index);

  function proveStep(ClaimId id, AnswerOpening calldata opening, Step calldata step, bytes32 salt) external;
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32 salt)
    external;
  function proveAnswer(ClaimId id, AnswerOpening calldata opening, bytes32 salt) external;
  function proveSums(ClaimId id, AnswerDigest[] calldata answers, bytes32 salt) external;
  function proveTwice(ClaimId id, AnswerOpening calldata one, AnswerOpening calldata other, bytes32 salt) external;
  function proveInputs(ClaimId id, AnswerOpening calldata opening, bytes calldata inputs, bytes32 salt) external;
  function demandFile(ClaimId id) external payable;
  function showFile(ClaimId id, bytes calldata file) external;
  function search(
    ClaimId id,
    uint32 answer,
    bytes32[] calldata levels,
    Place[] calldata places,
    bytes32 commitment
  ) external payable;
  function assertLeaves(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    LeavesOpening calldata own,
    bytes32 ownRoot,
    uint32 name
  ) external payable;
  function refuteAssertion(
    ClaimId id,
    AnswerOpening calldata opening,
    Place calldata place,
    TraceMatrix calldata matrix,
    Asserted calldata asserted,
    Step calldata step
  ) external;
  function reveal(ClaimId id, AnswerOpening calldata opening, Shown[] calldata shown) external;
  function showNoSuchPlace(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    Place calldata place
  ) external;
}
