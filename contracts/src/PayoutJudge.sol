// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IPayoutJudge, PayoutCase, PayoutEvidence } from "./interfaces/IPayoutJudge.sol";
import { IReferee, Opening, TraceMatrix } from "./interfaces/IReferee.sol";
import { Answers } from "./libraries/Answers.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { MerkleRoot } from "./libraries/MerkleRoot.sol";
import { PayoutMath } from "./libraries/PayoutMath.sol";

/// @title PayoutJudge
/// @notice Divides the contributors' part of one answer again, from the scores and the noise that stand in its trace.
/// Holds nothing and owns nothing. Scores and noise are brought of every record, 8 bytes each; who brought a record only of
/// those that stand out from their noise or were read. About 1,500 records fit one call, see the gas tests.
contract PayoutJudge is IPayoutJudge {
  /// @dev The least number that 1 … 16 divide: weight of the record read at rank r is WHOLE / r.
  uint256 private constant WHOLE = 720_720;
  uint256 private constant BASIS_POINTS = 10_000;
  uint256 private constant PIECE = 256;

  /// @dev Bytes of one record that is brought.
  uint256 private constant RECORD = 92;

  /// @dev Records that were brought, by contributor.
  struct Brought {
    uint256[] records;
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
    Brought memory brought = _brought(payoutCase, evidence.records, evidence.siblings);
    if (!_readable(payoutCase.read, payoutCase.records)) return (false, 0, 0, 0);
    uint256 instructions = evidence.scores.header.instructionCount;
    if (instructions < 2) revert WrongMatrix(0);
    uint32[] memory trained = _trained(payoutCase, evidence.trained);
    uint32[] memory scores = _row(payoutCase, evidence.scores, evidence.scorePieces, trained, instructions - 2);
    uint32[] memory noise = _row(payoutCase, evidence.noise, evidence.noisePieces, trained, instructions - 1);
    uint256[] memory parts = _parts(payoutCase, brought, scores, noise);
    possible = true;
    (root, count, allocated) = _payouts(parts, brought.contributors);
  }

  /// @dev The version's, each once.
  function _brought(PayoutCase calldata payoutCase, bytes calldata records, bytes32[] calldata siblings)
    private
    pure
    returns (Brought memory brought)
  {
    uint256 n = records.length / RECORD;
    if (records.length != n * RECORD) revert WrongRecords();
    if (n == 0) return brought;
    brought = Brought(new uint256[](n), new address[](n));
    bytes32[] memory leaves = new bytes32[](n);
    uint256[] memory indices = new uint256[](n);
    for (uint256 k = 0; k < n; k++) {
      bytes calldata record = records[k * RECORD:(k + 1) * RECORD];
      uint256 index = uint32(bytes4(record));
      if (index >= payoutCase.records || (k > 0 && index <= indices[k - 1])) revert WrongRecords();
      uint256 place = uint32(bytes4(record[4:]));
      address contributor = address(bytes20(record[8:]));
      // One more than the index, so that a place that is taken shows: then none is left empty.
      if (place >= n || brought.records[place] != 0) revert WrongOrder(place);
      (brought.records[place], brought.contributors[place]) = (index + 1, contributor);
      (indices[k], leaves[k]) = (index, _recordLeaf(index, contributor, record[28:]));
    }
    _order(brought);
    if (MerkleRoot.rootOf(payoutCase.records, indices, leaves, siblings) != payoutCase.versionRoot) {
      revert WrongRecords();
    }
  }

  /// @dev Merkle.leaf(abi.encode(index, contributor, contribution, recordHash)), without leaving anything in memory.
  function _recordLeaf(uint256 index, address contributor, bytes calldata rest) private pure returns (bytes32 hash) {
    assembly ("memory-safe") {
      let free := mload(0x40)
      mstore8(free, 0)
      mstore(add(free, 1), index)
      mstore(add(free, 33), contributor)
      calldatacopy(add(free, 65), rest.offset, 64)
      hash := keccak256(free, 129)
    }
  }

  /// @dev Takes off what was added to each index. They must ascend by contributor, then index.
  function _order(Brought memory brought) private pure {
    uint256 before = 0;
    for (uint256 k = 0; k < brought.records.length; k++) {
      uint256 key = uint256(uint160(brought.contributors[k])) << 32 | brought.records[k]--;
      if (key <= before) revert WrongOrder(k);
      before = key;
    }
  }

  /// @dev Ascending and of the version, so that no place of a row is written twice or lies beyond it.
  function _trained(PayoutCase calldata payoutCase, bytes calldata packed)
    private
    pure
    returns (uint32[] memory trained)
  {
    if (payoutCase.trainedHash == 0) {
      if (packed.length != 0) revert WrongTrained();
      return trained;
    }
    if (packed.length == 0 || packed.length % 4 != 0) revert WrongTrained();
    trained = new uint32[](packed.length / 4);
    for (uint256 k = 0; k < trained.length; k++) {
      trained[k] = uint32(bytes4(packed[4 * k:4 * k + 4]));
      if (trained[k] >= payoutCase.records || (k > 0 && trained[k] <= trained[k - 1])) revert WrongTrained();
    }
    // Words of 32 bytes.
    if (keccak256(abi.encodePacked(trained)) != payoutCase.trainedHash) revert WrongTrained();
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
    uint32[] memory trained,
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
    // Within the values: they are whole numbers of 4 bytes, as many as the row has from `first` on.
    assembly ("memory-safe") {
      let to := add(add(row, 0x20), shl(5, first))
      let end := add(values.offset, values.length)
      for { let from := values.offset } lt(from, end) { from := add(from, 4) } {
        let bits := shr(224, calldataload(from))
        bits := or(or(shr(24, bits), and(shr(8, bits), 0xff00)), or(and(shl(8, bits), 0xff0000), shl(24, and(bits, 0xff))))
        mstore(to, bits)
        to := add(to, 0x20)
      }
    }
  }

  /// @dev Wei of each record that was brought: what the payout rule gives for influence, and what was read earns.
  function _parts(
    PayoutCase calldata payoutCase,
    Brought memory brought,
    uint32[] memory scores,
    uint32[] memory noise
  ) private pure returns (uint256[] memory parts) {
    uint256 forReading =
      payoutCase.read.length > 0 ? payoutCase.amount * payoutCase.rule.retrievalPart / BASIS_POINTS : 0;
    parts = PayoutMath.divideAmong(
      payoutCase.amount - forReading, scores, noise, brought.records, brought.contributors, payoutCase.rule
    );
    _addReading(parts, brought.records, payoutCase.read, forReading);
  }

  /// @dev By 1 / rank, each rounded down, the dust to the first: retrievalShares() in src/protocol/retrieval-share.ts.
  function _addReading(
    uint256[] memory parts,
    uint256[] memory records,
    uint32[] calldata read,
    uint256 amount
  ) private pure {
    if (read.length == 0) return;
    uint256 sum = 0;
    for (uint256 k = 0; k < read.length; k++) {
      sum += WHOLE / (k + 1);
    }
    uint256 left = amount;
    for (uint256 k = 0; k < read.length; k++) {
      uint256 share = amount * (WHOLE / (k + 1)) / sum;
      parts[_placeOf(records, read[k])] += share;
      left -= share;
    }
    parts[_placeOf(records, read[0])] += left;
  }

  /// @dev Where a record is among those that were brought. At most sixteen are looked for.
  function _placeOf(uint256[] memory records, uint256 index) private pure returns (uint256 place) {
    for (; place < records.length; place++) {
      if (records[place] == index) return place;
    }
    revert WrongRecords();
  }

  /// @dev One payout for each contributor with any part, ascending.
  function _payouts(uint256[] memory parts, address[] memory contributors)
    private
    pure
    returns (bytes32 root, uint256 count, uint256 allocated)
  {
    bytes32[] memory leaves = new bytes32[](parts.length);
    for (uint256 k = 0; k < parts.length;) {
      address contributor = contributors[k];
      uint256 sum = 0;
      for (; k < parts.length && contributors[k] == contributor; k++) {
        sum += parts[k];
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
