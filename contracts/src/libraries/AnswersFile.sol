// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterId } from "../types/Ids.sol";
import { AnswerDigest } from "../types/Answers.sol";
import { Answers } from "./Answers.sol";
import { MerkleRoot } from "./MerkleRoot.sol";

/// @title The answers of a claim as they are shown on chain
/// @notice Answer by answer, end to end, big-endian: uint16 tokensIn, uint16 tokensOut, uint128 allocated, bytes32 receiptHash, bytes32
/// madeHash, uint8 number of records read, each of them uint32, each token of prompt and answer uint32. The same as
/// src/protocol/answers-file.ts. It is all that one needs to compute the answers again.
/// @dev A part of Disputes with code of its own on chain, since there is no room for it there.
library AnswersFile {
  /// @notice Most tokens of one answer among several: with longer ones a dispute about a batch that nobody published would cost more
  /// than five million gas (docs/claims.md). They can be claimed alone.
  uint256 internal constant MOST_TOKENS = 512;
  /// @dev Bytes of an answer before its records.
  uint256 private constant HEAD = 85;

  /// @notice Root of the answers in the file, if they are `count`, none of several is too long, and nothing is left over; else 0.
  function root(AdapterId adapterId, bytes calldata file, uint256 count) external pure returns (bytes32) {
    bytes32[] memory leaves = new bytes32[](count);
    AnswerDigest memory digest;
    uint256 from = 0;
    for (uint256 k = 0; k < count; k++) {
      if (file.length < from + HEAD) return 0;
      uint256 end = from + HEAD;
      {
        bytes calldata head = file[from:end];
        digest.tokensIn = uint16(bytes2(head));
        digest.tokensOut = uint16(bytes2(head[2:]));
        digest.allocated = uint128(bytes16(head[4:]));
        digest.receiptHash = bytes32(head[20:]);
        digest.madeHash = bytes32(head[52:]);
        from = end;
        end += 4 * uint256(uint8(head[84]));
      }
      uint256 tokens = uint256(digest.tokensIn) + digest.tokensOut;
      if (file.length < end + 4 * tokens || (count > 1 && tokens > MOST_TOKENS)) return 0;
      digest.readHash = _readHash(file[from:end]);
      from = end + 4 * tokens;
      digest.inputsHash = _inputsHash(digest.tokensOut, file[end:from]);
      leaves[k] = Answers.leafOf(adapterId, digest);
    }
    return from == file.length ? MerkleRoot.root(leaves) : bytes32(0);
  }

  /// @notice Root of all answers of a claim, and the sums of what they say.
  function sums(AdapterId adapterId, AnswerDigest[] calldata answers)
    external
    pure
    returns (bytes32 rootOf, uint256 tokensIn, uint256 tokensOut, uint256 allocated)
  {
    bytes32[] memory leaves = new bytes32[](answers.length);
    for (uint256 k = 0; k < answers.length; k++) {
      AnswerDigest calldata answer = answers[k];
      leaves[k] = Answers.leafOf(adapterId, answer);
      tokensIn += answer.tokensIn;
      tokensOut += answer.tokensOut;
      allocated += answer.allocated;
    }
    rootOf = MerkleRoot.root(leaves);
  }

  /// @dev Hash of the records as words of 32 bytes. Nothing stays in memory.
  function _readHash(bytes calldata records) private pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      let to := free
      let next := records.offset
      for { let end := add(next, records.length) } lt(next, end) { next := add(next, 4) } {
        mstore(to, shr(224, calldataload(next)))
        to := add(to, 0x20)
      }
      hash := keccak256(free, sub(to, free))
    }
  }

  /// @dev As `inputsHash` of an answer. Nothing stays in memory.
  function _inputsHash(uint256 tokensOut, bytes calldata tokens) private pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore(free, shl(224, tokensOut))
      calldatacopy(add(free, 4), tokens.offset, tokens.length)
      hash := keccak256(free, add(tokens.length, 4))
    }
  }
}
