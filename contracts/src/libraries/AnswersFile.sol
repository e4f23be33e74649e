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
  /// @dev Bytes of an answer before its records.
  uint256 private constant HEAD = 85;

  /// @notice Root of the answers in the file, if they are `count` and nothing is left over; else 0.
  function root(AdapterId adapterId, bytes calldata file, uint256 count) external pure returns (bytes32) {
    bytes32[] memory leaves = new bytes32[](count);
    AnswerDigest memory digest;
    uint256 from = 0;
    for (uint256 k = 0; k < count; k++) {
      if (file.length < from + HEAD) return 0;
      uint256 end = from + HEAD + 4 * _readHead(file, from, digest);
      uint256 tokens = uint256(digest.tokensIn) + digest.tokensOut;
      uint256 next = end + 4 * tokens;
      if (file.length < next) return 0;
      digest.readHash = _readHash(file[from + HEAD:end]);
      digest.inputsHash = _inputsHash(digest.tokensOut, file[end:next]);
      leaves[k] = _leafOf(adapterId, digest);
      from = next;
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

  /// @dev What stands before an answer's records, HEAD bytes from `place` on, and how many these are.
  function _readHead(bytes calldata file, uint256 place, AnswerDigest memory digest) private pure returns (uint256 records) {
    assembly ("memory-safe") {
      place := add(file.offset, place)
      let first := calldataload(place)
      mstore(digest, shr(240, first))
      mstore(add(digest, 0x20), and(shr(224, first), 0xffff))
      mstore(add(digest, 0x40), and(shr(96, first), 0xffffffffffffffffffffffffffffffff))
      mstore(add(digest, 0x60), calldataload(add(place, 20)))
      mstore(add(digest, 0xc0), calldataload(add(place, 52)))
      records := byte(0, calldataload(add(place, 84)))
    }
  }

  /// @dev Answers.leafOf in a tenth of its gas, and nothing stays in memory: the digest's seven words stand there as encoded.
  function _leafOf(AdapterId adapterId, AnswerDigest memory digest) private pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 0x00)
      mstore(add(free, 0x01), adapterId)
      mcopy(add(free, 0x21), digest, 0xe0)
      hash := keccak256(free, 0x101)
    }
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
