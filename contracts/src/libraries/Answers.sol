// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Answer, AnswerDigest } from "../types/Answers.sol";
import { AdapterId } from "../types/Ids.sol";
import { Merkle } from "./Merkle.sol";

/// @title Leaves of a claim's answers
/// @notice The same as `answerLeaf` in src/protocol/answers.ts.
library Answers {
  /// @notice Most records that are paid for having been read, as in src/protocol/retrieval-share.ts.
  uint256 internal constant MOST_READ = 16;
  /// @notice Most tokens of prompt and answer together, as in src/attribution/trace/run.ts: programs are made for as many,
  /// so nobody could check a longer one.
  uint256 internal constant MOST_TOKENS = 1024;

  /// @notice keccak256(abi.encode(traceRoot, workingsRoot, payoutRoot, payoutCount)): what follows from the answer's tokens and
  /// the records read. So whoever knows these can tell from one hash whether the answer is right.
  function made(Answer calldata answer) internal pure returns (bytes32) {
    return keccak256(abi.encode(answer.traceRoot, answer.workingsRoot, answer.payoutRoot, answer.payoutCount));
  }

  function leaf(AdapterId adapterId, Answer calldata answer) internal pure returns (bytes32) {
    return leafOf(
      adapterId,
      AnswerDigest({
        tokensIn: answer.tokensIn,
        tokensOut: answer.tokensOut,
        allocated: answer.allocated,
        receiptHash: answer.receiptHash,
        inputsHash: answer.inputsHash,
        readHash: keccak256(abi.encodePacked(answer.read)),
        madeHash: made(answer)
      })
    );
  }

  /// @notice abi.encode(adapter, digest): its fields are words in the same order.
  function leafOf(AdapterId adapterId, AnswerDigest memory digest) internal pure returns (bytes32) {
    return Merkle.leaf(abi.encode(adapterId, digest));
  }

  /// @notice What is wrong with an answer by itself: the field, or nothing.
  function fault(Answer calldata answer) internal pure returns (string memory field) {
    if (answer.receiptHash == 0) return "receiptHash";
    if (answer.inputsHash == 0) return "inputsHash";
    if (answer.traceRoot == 0) return "traceRoot";
    if (answer.workingsRoot == 0) return "workingsRoot";
    if (answer.tokensOut == 0) return "tokensOut";
    if (uint256(answer.tokensIn) + answer.tokensOut > MOST_TOKENS) return "tokens";
    if (answer.read.length > MOST_READ) return "read";
    bool nobody = answer.payoutCount == 0;
    if (answer.payoutRoot == 0 || nobody != (answer.payoutRoot == Merkle.emptyRoot())) return "payoutRoot";
    if (nobody != (answer.allocated == 0)) return "allocated";
  }
}
