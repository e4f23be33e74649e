// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { Version } from "./interfaces/IDatanetRegistry.sol";
import {
  ColumnOpening,
  IClaims,
  IPayoutJudge,
  PayoutCase,
  PayoutEvidence,
  RecordOpening
} from "./interfaces/IPayoutJudge.sol";
import { IReferee, Opening, TraceMatrix } from "./interfaces/IReferee.sol";
import { Claim, ISettlement } from "./interfaces/ISettlement.sol";
import { Answers } from "./libraries/Answers.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Leaves } from "./libraries/Leaves.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { Openings } from "./libraries/Openings.sol";
import { PayoutMath } from "./libraries/PayoutMath.sol";
import { EvidenceRow, OrderRow, PersonRow, SumRow, Workings } from "./libraries/Workings.sol";
import { Answer, AnswerOpening } from "./types/Answers.sol";
import { Split } from "./types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "./types/Ids.sol";

/// @title PayoutJudge
/// @notice Makes one row of the workings of an answer's payouts again (Workings.sol), from the rows before it as they are claimed,
/// and compares. Whatever the number of records, a row takes a few leaves. Holds nothing and owns nothing.
/// @dev No two different rows can follow from the same earlier ones, the same trace and version: so nothing that is brought shows
/// a right row to be false, and where workings differ, the first row that does can be shown.
contract PayoutJudge is IPayoutJudge {
  uint256 private constant PAYOUTS = 6;
  uint256 private constant TOTALS = 7;
  uint256 private constant READ = 8;

  /// @dev The contributor whose columns are rows `first` to `end` − 1 of `order`, and what their parts are reckoned with.
  struct Group {
    uint256 first;
    uint256 end;
    EvidenceRow all;
    /// Wei for influence.
    uint256 amount;
    /// Reserve and all weights.
    uint256 whole;
  }

  IReferee public immutable referee;

  constructor(IReferee referee_) {
    referee = referee_;
  }

  /// @inheritdoc IPayoutJudge
  function isFalse(PayoutCase calldata c, PayoutEvidence calldata e) external view returns (bool) {
    return _isFalse(c, e);
  }

  function _isFalse(PayoutCase memory c, PayoutEvidence calldata e) private view returns (bool) {
    if (e.table == READ) return !_readable(c.read, c.records);
    for (uint256 k = 0; k < e.leaves.length; k++) {
      bool there = e.leaves[k].table < Workings.TABLES && Workings.proven(e.leaves[k], c.workingsRoot, c.records);
      if (!there) revert WrongLeaf(e.leaves[k].table, e.leaves[k].leaf);
    }
    if (e.table == PAYOUTS) return _isPayoutFalse(c, e);
    if (e.table == TOTALS) {
      SumRow memory last = _sum(e, Workings.rows(c.records, Workings.SUMS) - 1);
      return last.allocated != c.allocated || last.count != c.payoutCount;
    }
    if (e.table >= Workings.TABLES || e.row >= Workings.rows(c.records, e.table)) revert WrongRow(e.table, e.row);
    if (e.table == Workings.SUMS) return _isSumFalse(c, e);
    uint256 trained = _trained(c, e.scores);
    if (e.table == Workings.PEOPLE) return _isPersonFalse(c, e, trained);
    if (e.row >= trained) return _isAnything(_row(e, e.table, e.row));
    if (e.table == Workings.ORDER) return _isOrderFalse(c, e, trained);
    if (e.table == Workings.EVIDENCE) return _isEvidenceFalse(c, e, trained);
    if (e.table == Workings.GROSS) return _isGrossFalse(c, e, trained);
    return _isPaidFalse(c, e, trained);
  }

  /// @inheritdoc IPayoutJudge
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32)
    external
    view
    returns (bool)
  {
    return _isFalse(_case(IClaims(msg.sender), id, opening.answer), evidence);
  }

  function _case(IClaims claims, ClaimId id, Answer calldata answer) private view returns (PayoutCase memory c) {
    ISettlement settlement = claims.settlement();
    Claim memory claim = settlement.claim(id);
    IAdapterRegistry adapters = settlement.adapters();
    AdapterId adapterId = AdapterId.wrap(claim.adapterId);
    DatanetId datanet;
    uint32 number;
    (c.programHash, datanet, number) = adapters.origin(adapterId);
    Version memory version = claims.datanets().version(datanet, number);
    (c.versionRoot, c.records) = (version.root, version.count);
    c.trainedRoot = adapters.trainedRootOf(adapterId);
    (c.inputsHash, c.traceRoot, c.read) = (answer.inputsHash, answer.traceRoot, answer.read);
    (c.workingsRoot, c.payoutRoot) = (answer.workingsRoot, answer.payoutRoot);
    (c.payoutCount, c.allocated) = (answer.payoutCount, answer.allocated);
    Split memory split;
    (split, c.rule) = settlement.termsOf(claim.ruleVersion);
    uint256 used = FeeMath.usage(answer.tokensIn, answer.tokensOut, claim.rateIn, claim.rateOut);
    c.amount = FeeMath.divide(used, 0, split).contributors;
  }

  // ---- Rows ----

  /// @dev The order is right if every column stands in it, each with its contributor, strictly ascending. So there are four
  /// ways to be false: not ascending, no column, another's column, and a column left out; and then sums that are not these.
  function _isOrderFalse(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained) private view returns (bool) {
    OrderRow memory claimed = _order(e, e.row);
    OrderRow memory before;
    if (e.row > 0) before = _order(e, e.row - 1);
    uint256 key = _key(claimed.contributor, claimed.column);
    bool ascends = e.row == 0 || key > _key(before.contributor, before.column);
    if (!ascends || claimed.column >= trained) return true;

    ColumnOpening calldata witness = _witness(e);
    address contributor = _contributorOf(c, witness, trained);
    uint256 witnessKey = _key(contributor, witness.column);
    bool follows = e.row == 0 || witnessKey > _key(before.contributor, before.column);
    if (follows && witnessKey < key) return true;
    if (witness.column != claimed.column) revert WrongColumn(witness.column);
    if (contributor != claimed.contributor) return true;

    (uint32 score, uint32 noise) = _values(c, e, trained);
    uint256 top = PayoutMath.topExponent(score, noise);
    if (top < before.top) top = before.top;
    uint256 counted = before.counted + (PayoutMath.counts(score, noise) ? 1 : 0);
    return top != claimed.top || counted != claimed.counted;
  }

  function _isEvidenceFalse(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained)
    private
    view
    returns (bool)
  {
    EvidenceRow memory claimed = _evidence(e, e.row);
    EvidenceRow memory right;
    OrderRow memory own = _order(e, e.row);
    if (e.row > 0) {
      right = _evidence(e, e.row - 1);
      // Each contributor's sums begin anew.
      if (_order(e, e.row - 1).contributor != own.contributor) (right.positive, right.negative) = (0, 0);
    }
    (uint256 one, uint256 positive, uint256 negative) = _evidenceOf(c, e, own.column, trained);
    right.allNoise += one;
    right.positive += positive;
    right.negative += negative;
    return right.allNoise != claimed.allNoise || right.positive != claimed.positive || right.negative != claimed.negative;
  }

  function _isPersonFalse(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained)
    private
    pure
    returns (bool)
  {
    PersonRow memory claimed = _person(e, e.row);
    PersonRow memory right;
    if (e.row > 0) right = _person(e, e.row - 1);
    (bool some, address next) = _leastRead(c, e, right.contributor);
    address owner;
    bool columns = right.end < trained;
    if (columns) owner = _order(e, right.end).contributor;
    // Whoever has columns comes only when it is their turn; the last row of people stands for all after it.
    if (_isOver(e.row, right.contributor)) (columns, some) = (false, false);
    if (columns && (!some || owner <= next)) {
      if (claimed.contributor != owner || claimed.end <= right.end || claimed.end > trained) return true;
      if (_order(e, claimed.end - 1).contributor != owner) return true;
      if (claimed.end < trained && _order(e, claimed.end).contributor == owner) return true;
      EvidenceRow memory all = _evidence(e, claimed.end - 1);
      return claimed.weights != right.weights + PayoutMath.weight(all.positive, all.negative);
    }
    if (!some) next = address(0);
    return claimed.contributor != next || claimed.end != right.end || claimed.weights != right.weights;
  }

  function _isGrossFalse(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained) private view returns (bool) {
    Group memory group = _group(c, e, trained);
    uint256 right = e.row > group.first ? _amount(e, Workings.GROSS, e.row - 1) : 0;
    if (PayoutMath.weight(group.all.positive, group.all.negative) > 0) {
      (, uint256 positive,) = _evidenceOf(c, e, _order(e, e.row).column, trained);
      right += PayoutMath.gross(group.amount, positive, group.whole, c.rule);
    }
    return right != _amount(e, Workings.GROSS, e.row);
  }

  function _isPaidFalse(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained) private pure returns (bool) {
    Group memory group = _group(c, e, trained);
    uint256 right = 0;
    uint256 part = _amount(e, Workings.GROSS, e.row);
    if (e.row > group.first) {
      right = _amount(e, Workings.PAID, e.row - 1);
      part -= _amount(e, Workings.GROSS, e.row - 1);
    }
    uint256 all = _amount(e, Workings.GROSS, group.end - 1);
    right += PayoutMath.paid(part, all, group.amount, group.all.negative, group.whole);
    return right != _amount(e, Workings.PAID, e.row);
  }

  function _isSumFalse(PayoutCase memory c, PayoutEvidence calldata e) private pure returns (bool) {
    SumRow memory claimed = _sum(e, e.row);
    SumRow memory right;
    PersonRow memory person = _person(e, e.row);
    uint256 first = 0;
    if (e.row > 0) {
      right = _sum(e, e.row - 1);
      first = _person(e, e.row - 1).end;
    }
    right.sum = 0;
    if (!_isOver(e.row + 1, person.contributor)) {
      if (person.end > first) right.sum = _amount(e, Workings.PAID, person.end - 1);
      right.sum += _readingOf(c, e, person.contributor);
    }
    right.allocated += right.sum;
    if (right.sum > 0) right.count++;
    return right.sum != claimed.sum || right.allocated != claimed.allocated || right.count != claimed.count;
  }

  /// @dev Payout k is that of the person with whom the count of those who are paid becomes k + 1.
  function _isPayoutFalse(PayoutCase memory c, PayoutEvidence calldata e) private pure returns (bool) {
    uint256 k = e.row;
    if (k >= c.payoutCount) revert WrongRow(PAYOUTS, k);
    SumRow memory own = _sum(e, e.group);
    uint256 earlier = e.group > 0 ? _sum(e, e.group - 1).count : 0;
    if (earlier != k || own.count != k + 1) revert WrongGroup(e.group);
    bytes32 right = Merkle.leaf(abi.encode(k, _person(e, e.group).contributor, own.sum));
    // Of a tree of one leaf nobody can be asked for a node: the root alone tells.
    if (c.payoutCount == 1) return Merkle.root(1, right) != c.payoutRoot;
    if (!Openings.proves(c.payoutRoot, c.payoutCount, k, e.payoutLeaf, e.payoutProof)) revert WrongPayout(k);
    return e.payoutLeaf != right;
  }

  function _readable(uint32[] memory read, uint256 records) private pure returns (bool) {
    if (read.length > Answers.MOST_READ) return false;
    for (uint256 k = 0; k < read.length; k++) {
      if (read[k] >= records) return false;
      for (uint256 earlier = 0; earlier < k; earlier++) {
        if (read[earlier] == read[k]) return false;
      }
    }
    return true;
  }

  // ---- What rows follow from ----

  function _group(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained)
    private
    pure
    returns (Group memory group)
  {
    uint256 last = Workings.rows(c.records, Workings.PEOPLE) - 1;
    if (e.group > last) revert WrongGroup(e.group);
    if (e.group > 0) group.first = _person(e, e.group - 1).end;
    group.end = _person(e, e.group).end;
    if (e.row < group.first || e.row >= group.end) revert WrongGroup(e.group);
    group.all = _evidence(e, group.end - 1);
    group.amount = c.amount - PayoutMath.forReading(c.amount, c.read.length, c.rule);
    uint256 counted = _order(e, trained - 1).counted;
    group.whole =
      PayoutMath.reserve(_evidence(e, trained - 1).allNoise, counted, c.rule) + _person(e, last).weights;
  }

  function _evidenceOf(PayoutCase memory c, PayoutEvidence calldata e, uint256 column, uint256 trained)
    private
    view
    returns (uint256 one, uint256 positive, uint256 negative)
  {
    if (_witness(e).column != column) revert WrongColumn(_witness(e).column);
    OrderRow memory last = _order(e, trained - 1);
    (uint32 score, uint32 noise) = _values(c, e, trained);
    return PayoutMath.evidence(score, noise, last.top, last.counted, c.rule.nullMultiple);
  }

  /// @dev Who comes next of those who brought what was read, after `before`.
  function _leastRead(PayoutCase memory c, PayoutEvidence calldata e, address before)
    private
    pure
    returns (bool some, address least)
  {
    _requireRead(c, e);
    for (uint256 k = 0; k < e.read.length; k++) {
      address contributor = e.read[k].contributor;
      if (e.row > 0 && contributor <= before) continue;
      if (!some || contributor < least) (some, least) = (true, contributor);
    }
  }

  /// @dev Wei of a contributor for records that were read.
  function _readingOf(PayoutCase memory c, PayoutEvidence calldata e, address contributor)
    private
    pure
    returns (uint256 sum)
  {
    _requireRead(c, e);
    uint256[] memory shares =
      PayoutMath.readingShares(PayoutMath.forReading(c.amount, c.read.length, c.rule), c.read.length);
    for (uint256 k = 0; k < shares.length; k++) {
      if (e.read[k].contributor == contributor) sum += shares[k];
    }
  }

  function _requireRead(PayoutCase memory c, PayoutEvidence calldata e) private pure {
    if (e.read.length != c.read.length) revert WrongRecord(e.read.length);
    for (uint256 k = 0; k < e.read.length; k++) {
      if (e.read[k].index != c.read[k]) revert WrongRecord(e.read[k].index);
      _requireRecord(c, e.read[k]);
    }
  }

  /// @dev That the row before is one after the last person, where the contributor of that row is this. Only the very first can
  /// have the address 0, as all ascend.
  function _isOver(uint256 row, address before) private pure returns (bool) {
    return row > 1 && before == address(0);
  }

  function _key(address contributor, uint256 column) private pure returns (uint256) {
    return uint256(uint160(contributor)) << 32 | column;
  }

  function _isAnything(bytes calldata values) private pure returns (bool) {
    for (uint256 k = 0; k < values.length; k++) {
      if (values[k] != 0) return true;
    }
    return false;
  }

  // ---- Proofs ----

  /// @dev How many columns there are: of records that were trained.
  function _trained(PayoutCase memory c, TraceMatrix calldata scores) private view returns (uint256 columns) {
    uint256 count = scores.header.instructionCount;
    if (count < 2 || scores.index != count - 2) revert WrongMatrix(scores.index);
    columns = _columnsOf(c, scores);
    bool fits = c.trainedRoot == 0 ? columns == c.records : columns <= c.records;
    if (columns == 0 || !fits) revert WrongMatrix(scores.index);
  }

  function _columnsOf(PayoutCase memory c, TraceMatrix calldata matrix) private view returns (uint256 columns) {
    uint256 rows;
    (rows, columns,) = referee.shapeOf(c.programHash, c.inputsHash, matrix);
    if (rows != 1) revert WrongMatrix(matrix.index);
  }

  function _witness(PayoutEvidence calldata e) private pure returns (ColumnOpening calldata) {
    if (e.columns.length == 0) revert WrongColumn(type(uint256).max);
    return e.columns[0];
  }

  /// @dev Who brought the record of a column.
  function _contributorOf(PayoutCase memory c, ColumnOpening calldata column, uint256 trained)
    private
    pure
    returns (address)
  {
    uint256 index = column.record.index;
    bool right = column.column < trained;
    if (c.trainedRoot == 0) {
      right = right && index == column.column;
    } else {
      bytes32 leaf = Merkle.leaf(abi.encode(uint256(column.column), index));
      right = right && Openings.proves(c.trainedRoot, trained, column.column, leaf, column.trainedProof);
    }
    if (!right) revert WrongColumn(column.column);
    _requireRecord(c, column.record);
    return column.record.contributor;
  }

  function _requireRecord(PayoutCase memory c, RecordOpening calldata r) private pure {
    bytes32 leaf = Merkle.leaf(abi.encode(uint256(r.index), r.contributor, r.contribution, r.recordHash));
    if (!Openings.proves(c.versionRoot, c.records, r.index, leaf, r.proof)) revert WrongRecord(r.index);
  }

  /// @dev Float32 bits of the column that was brought.
  function _values(PayoutCase memory c, PayoutEvidence calldata e, uint256 trained)
    private
    view
    returns (uint32 score, uint32 noise)
  {
    if (e.noise.index != uint256(e.scores.index) + 1) revert WrongMatrix(e.noise.index);
    if (_columnsOf(c, e.noise) != trained) revert WrongMatrix(e.noise.index);
    ColumnOpening calldata column = _witness(e);
    if (column.column >= trained) revert WrongColumn(column.column);
    score = _value(c, e.scores, column.score, column.column);
    noise = _value(c, e.noise, column.noise, column.column);
  }

  function _value(PayoutCase memory c, TraceMatrix calldata matrix, Opening calldata piece, uint256 column)
    private
    view
    returns (uint32 bits)
  {
    bool there = piece.leaf == column / Leaves.MOST
      && referee.isOpening(c.programHash, c.inputsHash, c.traceRoot, matrix, piece);
    if (!there) revert WrongPiece(matrix.index, piece.leaf);
    uint256 first = 4 * (column % Leaves.MOST);
    bits = uint32(bytes4(piece.values[first:first + 4]));
    // Little-endian.
    bits = (bits >> 24) | ((bits >> 8) & 0xff00) | ((bits << 8) & 0xff0000) | (bits << 24);
  }

  // ---- Rows that were brought ----

  function _row(PayoutEvidence calldata e, uint256 table, uint256 row) private pure returns (bytes calldata) {
    for (uint256 k = 0; k < e.leaves.length; k++) {
      (bool found, bytes calldata values) = Workings.rowIn(e.leaves[k], table, row);
      if (found) return values;
    }
    revert MissingRow(table, row);
  }

  function _order(PayoutEvidence calldata e, uint256 row) private pure returns (OrderRow memory) {
    return Workings.order(_row(e, Workings.ORDER, row));
  }

  function _evidence(PayoutEvidence calldata e, uint256 row) private pure returns (EvidenceRow memory) {
    return Workings.evidence(_row(e, Workings.EVIDENCE, row));
  }

  function _person(PayoutEvidence calldata e, uint256 row) private pure returns (PersonRow memory) {
    return Workings.person(_row(e, Workings.PEOPLE, row));
  }

  function _sum(PayoutEvidence calldata e, uint256 row) private pure returns (SumRow memory) {
    return Workings.sum(_row(e, Workings.SUMS, row));
  }

  function _amount(PayoutEvidence calldata e, uint256 table, uint256 row) private pure returns (uint256) {
    return Workings.amount(_row(e, table, row));
  }
}
