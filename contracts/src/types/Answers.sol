// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What a claim says about one answer: what it was computed from, what was computed, who earns what.
struct Answer {
  uint32 tokensIn;
  uint32 tokensOut;
  /// canonicalHash of the receipt.
  bytes32 receiptHash;
  /// keccak256 of the answer's length and all tokens, uint32 each, big-endian; see TraceMatrix in IReferee.sol.
  bytes32 inputsHash;
  /// Over every matrix that the computation produced, in program order.
  bytes32 traceRoot;
  /// Over the tables that the payouts follow from, see libraries/Workings.sol.
  bytes32 workingsRoot;
  /// payoutRoot() in src/protocol/fee.ts: who gets what of the contributors' part.
  bytes32 payoutRoot;
  uint32 payoutCount;
  /// Sum of the payouts in wei; 0 where nobody is paid.
  uint128 allocated;
  /// Records that were read with the question, best first; they earn by src/protocol/retrieval-share.ts.
  uint32[] read;
}

/// @notice What an answer's leaf is made of: what it was computed from, and the hash of what was computed. A claim's sums are
/// proved with these.
struct AnswerDigest {
  uint32 tokensIn;
  uint32 tokensOut;
  uint128 allocated;
  bytes32 receiptHash;
  bytes32 inputsHash;
  /// keccak256 of the records read as 32-byte words.
  bytes32 readHash;
  /// Answers.made: of traceRoot, workingsRoot, payoutRoot, payoutCount.
  bytes32 madeHash;
}

/// @notice An answer with its proof under the root of its claim's answers.
struct AnswerOpening {
  uint256 index;
  Answer answer;
  bytes32[] proof;
}
