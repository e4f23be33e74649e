// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AnswerDigest, AnswerOpening } from "../types/Answers.sol";
import { ClaimId } from "../types/Ids.sol";
import { IGames, Place, Shown } from "./IGames.sol";
import { PayoutEvidence } from "./IPayoutJudge.sol";
import { Step, TraceMatrix } from "./IReferee.sol";

/// @title How a false claim loses its bond
/// @notice What a claim can be convicted of: "step", "payout", "answer", "sums", "twice", "inputs" or "silence".
interface IDisputes is IGames {
  /// @notice The answer that a reply was about, where the claim is about several: only the claimant may have known it.
  event AnswerShown(ClaimId indexed id, AnswerOpening opening);

  /// @notice The claim has not this answer.
  error WrongAnswer(ClaimId id, uint256 index);

  function proveStep(ClaimId id, AnswerOpening calldata opening, Step calldata step, bytes32 salt) external;
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32 salt)
    external;
  function proveAnswer(ClaimId id, AnswerOpening calldata opening, bytes32 salt) external;
  function proveSums(ClaimId id, AnswerDigest[] calldata answers, bytes32 salt) external;
  function proveTwice(ClaimId id, AnswerOpening calldata one, AnswerOpening calldata other, bytes32 salt) external;
  function proveInputs(ClaimId id, AnswerOpening calldata opening, bytes calldata inputs, bytes32 salt) external;
  function demandCut(ClaimId id, uint32 answer, bytes32[] calldata levels) external payable;
  function reveal(ClaimId id, AnswerOpening calldata opening, Shown[] calldata shown) external;
  function showNoSuchPlace(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    Place calldata place
  ) external;
}
