// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPayoutJudge, PayoutCase, PayoutEvidence, RecordLeaf } from "./interfaces/IPayoutJudge.sol";
import { IReferee, Opening, TraceMatrix } from "./interfaces/IReferee.sol";
import { Answers } from "./libraries/Answers.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { MerkleRoot } from "./libraries/MerkleRoot.sol";
import { PayoutMath } from "./libraries/PayoutMath.sol";

/// @title PayoutJudge
/// @notice Divides the contributors' part of one answer again, from the scores and the noise that stand in its trace.
/// Holds nothing and owns nothing. About 500 records fit one call, see the gas test.
contract PayoutJudge is IPayoutJudge {
  /// @dev The least number that 1 … 16 divide: weight of the record read at rank r is WHOLE / r.
  uint256 private constant WHOLE = 720_720;
  uint256 private constant BASIS_POINTS = 10_000;
  uint256 private constant PIECE = 256;

  /// @dev The records that the rule divides among, by contributor; `records` may be longer than the others.
  struct Counted {
    uint256[] records;
    uint32[] scores;
    uint32[] noise;
    address[] contributors;
  }

  IReferee public immutable referee;

  constructor(IReferee referee_) {
    referee = referee_;
  }

  /// @inheritdoc IPayoutJudge
  function divide(PayoutCase calldata payoutCase, PayoutEvidence calldata evidence)
    external
    view
    returns (bool possible, bytes32 root, uint256 count, uint256 allocated)
  {
    _requireRecords(payoutCase, evidence.records);
    _requireOrder(evidence.records, evidence.order);
    if (!_readable(payoutCase.read, payoutCase.records)) return (false, 0, 0, 0);
    uint256 instructions = evidence.scores.header.instructionCount;
    if (instructions < 2) revert WrongMatrix(0);
    _requireTrained(payoutCase, evidence.trained);
    uint32[] memory scores = _row(payoutCase, evidence.scores, evidence.scorePieces, evidence.trained, instructions - 2);
    uint32[] memory noise = _row(payoutCase, evidence.noise, evidence.noisePieces, evidence.trained, instructions - 1);
    uint256[] memory parts = _parts(payoutCase, evidence, scores, noise);
    possible = true;
    (root, count, allocated) = _payouts(parts, evidence.records, evidence.order);
  }

  function _requireRecords(PayoutCase calldata payoutCase, RecordLeaf[] calldata records) private pure {
    if (records.length != payoutCase.records) revert WrongRecords();
    bytes32[] memory leaves = new bytes32[](records.length);
    for (uint256 k = 0; k < records.length; k++) {
      leaves[k] = _recordLeaf(k, records[k]);
    }
    if (MerkleRoot.root(leaves) != payoutCase.versionRoot) revert WrongRecords();
  }

  /// @dev Merkle.leaf(abi.encode(k, contributor, contribution, recordHash)), without leaving anything in memory.
  function _recordLeaf(uint256 k, RecordLeaf calldata record) private pure returns (bytes32 hash) {
    address contributor = record.contributor;
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 0)
      mstore(add(free, 1), k)
      mstore(add(free, 33), contributor)
      mstore(add(free, 65), calldataload(add(record, 32)))
      mstore(add(free, 97), calldataload(add(record, 64)))
      hash := keccak256(free, 129)
    }
  }

  /// @dev Strictly ascending and as long as the records: every record stands in it once.
  function _requireOrder(RecordLeaf[] calldata records, uint32[] calldata order) private pure {
    if (order.length != records.length) revert WrongOrder(order.length);
    uint256 before = 0;
    for (uint256 k = 0; k < order.length; k++) {
      uint256 record = order[k];
      if (record >= records.length) revert WrongOrder(k);
      uint256 key = uint256(uint160(records[record].contributor)) << 32 | record;
      if (k > 0 && key <= before) revert WrongOrder(k);
      before = key;
    }
  }

  /// @dev Ascending and of the version, so that no place of a row is written twice or lies beyond it.
  function _requireTrained(PayoutCase calldata payoutCase, uint32[] calldata trained) private pure {
    if (payoutCase.trainedHash == 0) {
      if (trained.length != 0) revert WrongTrained();
      return;
    }
    if (keccak256(abi.encodePacked(trained)) != payoutCase.trainedHash || trained.length == 0) revert WrongTrained();
    for (uint256 k = 0; k < trained.length; k++) {
      if (trained[k] >= payoutCase.records || (k > 0 && trained[k] <= trained[k - 1])) revert WrongTrained();
    }
  }

  function _readable(uint32[] calldata read, uint256 records) private pure returns (bool) {
    if (read.length > Answers.MOST_READ) return false;
    for (uint256 k = 0; k < read.length; k++) {
      if (read[k] >= records) return false;
      for (uint256 earlier = 0; earlier < k; earlier++) {
        if (read[earlier] == read[k]) return false;
      }
    }
    return true;
  }

  /// @dev The float32 bits of a matrix of one row, by record: 0 for those that were not trained.
  function _row(
    PayoutCase calldata payoutCase,
    TraceMatrix calldata matrix,
    Opening[] calldata pieces,
    uint32[] calldata trained,
    uint256 index
  ) private view returns (uint32[] memory row) {
    if (matrix.index != index) revert WrongMatrix(matrix.index);
    uint32[] memory opened =
      _opened(payoutCase, matrix, pieces, trained.length == 0 ? payoutCase.records : trained.length);
    if (trained.length == 0) return opened;
    row = new uint32[](payoutCase.records);
    for (uint256 k = 0; k < opened.length; k++) {
      row[trained[k]] = opened[k];
    }
  }

  /// @dev A matrix of one row, opened piece by piece.
  function _opened(
    PayoutCase calldata payoutCase,
    TraceMatrix calldata matrix,
    Opening[] calldata pieces,
    uint256 columns
  ) private view returns (uint32[] memory row) {
    {
      (uint256 rows, uint256 actual,) = referee.shapeOf(payoutCase.programHash, payoutCase.inputsHash, matrix);
      if (rows != 1 || actual != columns) revert WrongMatrix(matrix.index);
    }
    if (pieces.length != (columns + PIECE - 1) / PIECE) revert WrongPiece(matrix.index, pieces.length);
    row = new uint32[](columns);
    for (uint256 p = 0; p < pieces.length; p++) {
      uint256 left = columns - p * PIECE;
      bool whole = pieces[p].values.length == 4 * (left < PIECE ? left : PIECE);
      if (!whole || pieces[p].leaf != p || !_isThere(payoutCase, matrix, pieces[p])) revert WrongPiece(matrix.index, p);
      _read(row, p * PIECE, pieces[p].values);
    }
  }

  function _isThere(PayoutCase calldata payoutCase, TraceMatrix calldata matrix, Opening calldata piece)
    private
    view
    returns (bool)
  {
    return referee.isOpening(payoutCase.programHash, payoutCase.inputsHash, payoutCase.traceRoot, matrix, piece);
  }

  /// @dev Little-endian float32, 4 bytes each.
  function _read(uint32[] memory row, uint256 first, bytes calldata values) private pure {
    for (uint256 k = 0; k < values.length; k += 4) {
      uint32 bits;
      // Within the values: they are whole numbers of 4 bytes, as many as the row has from `first` on.
      assembly ("memory-safe") {
        bits := shr(224, calldataload(add(values.offset, k)))
      }
      row[first + k / 4] = (bits >> 24) | ((bits >> 8) & 0xff00) | ((bits << 8) & 0xff0000) | (bits << 24);
    }
  }

  /// @dev Wei of each record: what the payout rule gives for influence, and what was read earns.
  function _parts(
    PayoutCase calldata payoutCase,
    PayoutEvidence calldata evidence,
    uint32[] memory scores,
    uint32[] memory noise
  ) private pure returns (uint256[] memory parts) {
    uint256 forReading =
      payoutCase.read.length > 0 ? payoutCase.amount * payoutCase.rule.retrievalPart / BASIS_POINTS : 0;
    Counted memory counted = _counted(evidence, scores, noise);
    parts = new uint256[](scores.length);
    uint256[] memory given = PayoutMath.divide(
      payoutCase.amount - forReading, counted.scores, counted.noise, counted.contributors, payoutCase.rule
    );
    for (uint256 k = 0; k < given.length; k++) {
      parts[counted.records[k]] = given[k];
    }
    _addReading(parts, payoutCase.read, forReading);
  }

  /// @dev Records without score and noise (copies, and those that taught nothing) are no part of the rule.
  function _counted(PayoutEvidence calldata evidence, uint32[] memory scores, uint32[] memory noise)
    private
    pure
    returns (Counted memory counted)
  {
    uint32[] calldata order = evidence.order;
    RecordLeaf[] calldata leaves = evidence.records;
    uint256[] memory records = new uint256[](scores.length);
    uint256 n = 0;
    for (uint256 k = 0; k < scores.length; k++) {
      uint256 record = order[k];
      if (scores[record] << 1 != 0 || noise[record] << 1 != 0) records[n++] = record;
    }
    counted = Counted(records, new uint32[](n), new uint32[](n), new address[](n));
    for (uint256 k = 0; k < n; k++) {
      uint256 record = records[k];
      counted.scores[k] = scores[record];
      counted.noise[k] = noise[record];
      counted.contributors[k] = leaves[record].contributor;
    }
  }

  /// @dev By 1 / rank, each rounded down, the dust to the first: retrievalShares() in src/protocol/retrieval-share.ts.
  function _addReading(uint256[] memory parts, uint32[] calldata read, uint256 amount) private pure {
    if (read.length == 0) return;
    uint256 sum = 0;
    for (uint256 k = 0; k < read.length; k++) {
      sum += WHOLE / (k + 1);
    }
    uint256 left = amount;
    for (uint256 k = 0; k < read.length; k++) {
      uint256 share = amount * (WHOLE / (k + 1)) / sum;
      parts[read[k]] += share;
      left -= share;
    }
    parts[read[0]] += left;
  }

  /// @dev One payout for each contributor with any part, ascending.
  function _payouts(uint256[] memory parts, RecordLeaf[] calldata records, uint32[] calldata order)
    private
    pure
    returns (bytes32 root, uint256 count, uint256 allocated)
  {
    bytes32[] memory leaves = new bytes32[](order.length);
    for (uint256 k = 0; k < order.length;) {
      address contributor = records[order[k]].contributor;
      uint256 sum = 0;
      for (; k < order.length && records[order[k]].contributor == contributor; k++) {
        sum += parts[order[k]];
      }
      if (sum == 0) continue;
      leaves[count] = Merkle.leaf(abi.encode(count, contributor, sum));
      count++;
      allocated += sum;
    }
    assembly ("memory-safe") {
      mstore(leaves, count)
    }
    root = MerkleRoot.root(leaves);
  }
}
