// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Place } from "../../src/interfaces/IGames.sol";
import { BatchRequest } from "../../src/interfaces/ISettlement.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Answer, AnswerOpening } from "../../src/types/Answers.sol";
import { Fee } from "../../src/types/Fees.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { Disputing } from "./Disputing.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice Batches whose tokens are known, and their short form (src/protocol/answers-file.ts), made the obvious way.
abstract contract Filing is Disputing {
  Answer[] internal _batch;
  /// @dev Tokens of prompt and answer, uint32 each.
  bytes[] internal _tokensOf;

  /// @dev What each answer pays alice.
  uint256 internal _each = 1;

  /// @dev Adds an answer.
  function _add(uint32 tokensIn, uint32 tokensOut, uint32[] memory read, bytes memory tokens) internal {
    bytes32[] memory payouts = new bytes32[](1);
    payouts[0] = _payout(0, alice, _each);
    bytes32 receipt = keccak256(abi.encode("receipt", _batch.length));
    Answer memory answer = _answer(receipt, tokensIn, tokensOut, MerkleTree.root(payouts), 1, _each);
    answer.inputsHash = keccak256(abi.encodePacked(tokensOut, tokens));
    answer.read = read;
    _batch.push(answer);
    _tokensOf.push(tokens);
  }

  /// @dev Words of a vocabulary of 151,936 (three bytes of four are not zero), or of its first 65,535 (two).
  function _someTokens(uint256 count, bool three) internal pure returns (bytes memory tokens) {
    tokens = new bytes(4 * count);
    for (uint256 k = 0; k < count; k++) {
      uint32 token = uint32((three ? 0x010101 : 0x0101) + 257 * k % 0xfefe);
      for (uint256 j = 0; j < 4; j++) {
        tokens[4 * k + j] = bytes1(uint8(token >> (24 - 8 * j)));
      }
    }
  }

  function _filed(uint256 k) internal view returns (bytes memory part) {
    Answer memory a = _batch[k];
    part = abi.encodePacked(uint16(a.tokensIn), uint16(a.tokensOut), a.allocated, a.receiptHash, _madeHash(a), uint8(a.read.length));
    for (uint256 j = 0; j < a.read.length; j++) {
      part = bytes.concat(part, abi.encodePacked(a.read[j]));
    }
    part = bytes.concat(part, _tokensOf[k]);
  }

  function _file() internal view returns (bytes memory file) {
    for (uint256 k = 0; k < _batch.length; k++) {
      file = bytes.concat(file, _filed(k));
    }
  }

  function _batchLeaves() internal view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](_batch.length);
    for (uint256 k = 0; k < leaves.length; k++) {
      leaves[k] = _leafOf(_batch[k]);
    }
  }

  function _batchRequest() internal view returns (BatchRequest memory request) {
    (request.adapterId, request.cid, request.ruleVersion) = (adapter, CID, settlement.payoutRuleVersion());
    (request.answersRoot, request.answers) = (MerkleTree.root(_batchLeaves()), uint16(_batch.length));
    for (uint256 k = 0; k < _batch.length; k++) {
      request.tokensIn += _batch[k].tokensIn;
      request.tokensOut += _batch[k].tokensOut;
      request.allocated += _batch[k].allocated;
    }
    request.contributorsPart = settlement.quoteBatch(adapter, request.answers, request.tokensIn, request.tokensOut).contributors;
  }

  function _payBatch() internal returns (ClaimId id) {
    BatchRequest memory request = _batchRequest();
    Fee memory fee = settlement.quoteBatch(adapter, request.answers, request.tokensIn, request.tokensOut);
    uint256 value = fee.total + settlement.bondFor(request.allocated);
    vm.deal(payer, payer.balance + value);
    vm.prank(payer);
    id = settlement.payBatch{ value: value }(request);
  }

  function _at(uint256 index) internal view returns (AnswerOpening memory) {
    return AnswerOpening(index, _batch[index], MerkleTree.proof(_batchLeaves(), index));
  }

  function _filePlace() internal pure returns (Place memory) {
    return Place(0, type(uint32).max, 0, 0, 253);
  }

  function _demandFile(address who, ClaimId id) internal returns (uint256 bond) {
    bond = disputes.fileBond(id);
    vm.deal(who, who.balance + bond);
    vm.prank(who);
    disputes.demandFile{ value: bond }(id);
  }
}
