// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PayoutJudge } from "../../src/PayoutJudge.sol";
import {
  ColumnOpening,
  PayoutCase,
  PayoutEvidence,
  RecordOpening,
  WorkingsLeaf
} from "../../src/interfaces/IPayoutJudge.sol";
import { Header, Opening, TraceMatrix } from "../../src/interfaces/IReferee.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { FakeReferee } from "./FakeReferee.sol";
import { MerkleTree } from "./MerkleTree.sol";
import { Test } from "./Test.sol";
import { WorkedOut, Worked, World } from "./WorkedOut.sol";

/// @notice Workings as somebody claims them, with their trees.
struct Claimed {
  bytes[6] tables;
  bytes32[][6] leaves;
  /// The six leaves of the tree over the tables.
  bytes32[] over;
  bytes32[] payouts;
  /// Leaves of the Datanet version, and of the trained records.
  bytes32[] records;
  bytes32[] trained;
}

/// @notice Puts scores into a trace, and brings what shows one row of claimed workings false.
abstract contract Judging is Test {
  using WorkedOut for World;

  bytes32 internal constant TRACE = keccak256("trace");
  bytes32 internal constant INPUTS = keccak256("inputs");

  FakeReferee internal scoring;
  PayoutJudge internal payoutJudge;

  function _deployJudge() internal {
    scoring = new FakeReferee();
    payoutJudge = new PayoutJudge(scoring);
  }

  // ---- Claims ----

  /// @dev Everything as it is right.
  function _claimed(World memory w, Worked memory right) internal pure returns (Claimed memory c) {
    for (uint256 table = 0; table < 6; table++) {
      c.tables[table] = bytes.concat(right.tables[table]);
    }
    c.payouts = new bytes32[](right.payouts.length);
    for (uint256 k = 0; k < c.payouts.length; k++) {
      c.payouts[k] = right.payouts[k];
    }
    c.records = new bytes32[](w.contributors.length);
    for (uint256 k = 0; k < c.records.length; k++) {
      c.records[k] = Merkle.leaf(abi.encode(k, w.contributors[k], k + 1, keccak256(abi.encode(k))));
    }
    c.trained = new bytes32[](w.trained.length);
    for (uint256 k = 0; k < c.trained.length; k++) {
      c.trained[k] = Merkle.leaf(abi.encode(k, uint256(w.trained[k])));
    }
    _plant(c);
  }

  /// @dev The trees over what the tables hold.
  function _plant(Claimed memory c) internal pure {
    c.over = new bytes32[](6);
    for (uint256 table = 0; table < 6; table++) {
      uint256 size = _leafBytes(table);
      bytes memory values = c.tables[table];
      bytes32[] memory leaves = new bytes32[]((values.length + size - 1) / size);
      for (uint256 k = 0; k < leaves.length; k++) {
        leaves[k] = Merkle.leaf(_slice(values, k * size, size));
      }
      c.leaves[table] = leaves;
      uint32 rows = uint32(values.length / _width(table));
      c.over[table] = Merkle.leaf(abi.encodePacked(MerkleTree.root(leaves), rows, uint32(_width(table) / 4)));
    }
  }

  function _case(World memory w, Worked memory right, Claimed memory c) internal pure returns (PayoutCase memory) {
    return PayoutCase({
      programHash: keccak256("program"),
      inputsHash: INPUTS,
      traceRoot: TRACE,
      workingsRoot: MerkleTree.root(c.over),
      payoutRoot: MerkleTree.root(c.payouts),
      payoutCount: c.payouts.length,
      allocated: right.allocated,
      versionRoot: MerkleTree.root(c.records),
      records: w.contributors.length,
      trainedRoot: w.trained.length == 0 ? bytes32(0) : MerkleTree.root(c.trained),
      amount: w.amount,
      rule: w.rule,
      read: w.read
    });
  }

  /// @dev The last two of ten matrices.
  function _trace(World memory w) internal {
    _traceIn(scoring, w);
  }

  function _traceIn(FakeReferee referee, World memory w) internal {
    uint256 n = w.columns();
    for (uint256 index = 8; index < 10; index++) {
      referee.shape(index, 1, n, (n + 255) / 256);
      for (uint256 p = 0; p * 256 < n; p++) {
        referee.put(TRACE, index, p, _piece(w, index, p));
      }
    }
  }

  function _piece(World memory w, uint256 index, uint256 p) internal pure returns (bytes memory values) {
    uint256 n = w.columns() - p * 256 < 256 ? w.columns() - p * 256 : 256;
    values = new bytes(4 * n);
    for (uint256 k = 0; k < n; k++) {
      uint32 bits = index == 8 ? w.scores[p * 256 + k] : w.noise[p * 256 + k];
      WorkedOut.put(
        values, 4 * k, abi.encodePacked(uint8(bits), uint8(bits >> 8), uint8(bits >> 16), uint8(bits >> 24))
      );
    }
  }

  // ---- Evidence ----

  /// @dev What is brought against a row of the claimed tables, of which all before it are right.
  function _against(World memory w, Worked memory right, Claimed memory c, uint256 table, uint256 row)
    internal
    pure
    returns (PayoutEvidence memory e)
  {
    (e.table, e.row) = (uint8(table), uint32(row));
    (e.scores, e.noise) = (_lastMatrix(8), _lastMatrix(9));
    _bring(c, e, table, row);
    uint256 t = w.columns();
    if (table == 2) return _againstPerson(w, c, e, t);
    if (table == 5) return _againstSum(w, c, e);
    if (row >= t) return e;
    if (row > 0) _bring(c, e, table, row - 1);
    if (table == 0) {
      e.columns = _oneColumn(w, c, _witnessFor(w, right, c, row));
      return e;
    }
    _bring(c, e, 0, row);
    _bring(c, e, 0, t - 1);
    if (table == 1) {
      if (row > 0) _bring(c, e, 0, row - 1);
    } else {
      _bringGroup(c, e, t);
      if (table == 4) {
        _bring(c, e, 3, row);
        if (row > 0) _bring(c, e, 3, row - 1);
        _bring(c, e, 3, _end(c, e.group) - 1);
      }
    }
    if (table != 4) e.columns = _oneColumn(w, c, right.order[row]);
  }

  /// @dev Payout k of the claimed tree.
  function _againstPayout(Claimed memory c, uint256 k) internal pure returns (PayoutEvidence memory e) {
    (e.table, e.row) = (6, uint32(k));
    while (_count(c, e.group) < k + 1) e.group++;
    _bring(c, e, 2, e.group);
    _bring(c, e, 5, e.group);
    if (e.group > 0) _bring(c, e, 5, e.group - 1);
    (e.payoutLeaf, e.payoutProof) = (c.payouts[k], MerkleTree.proof(c.payouts, k));
  }

  function _againstTotals(Claimed memory c) internal pure returns (PayoutEvidence memory e) {
    e.table = 7;
    _bring(c, e, 5, c.tables[5].length / 36 - 1);
  }

  function _againstPerson(World memory w, Claimed memory c, PayoutEvidence memory e, uint256 t)
    private
    pure
    returns (PayoutEvidence memory)
  {
    uint256 before = 0;
    if (e.row > 0) {
      _bring(c, e, 2, e.row - 1);
      before = _end(c, e.row - 1);
    }
    if (before < t) _bring(c, e, 0, before);
    uint256 end = _end(c, e.row);
    if (end > 0 && end <= t) {
      _bring(c, e, 0, end - 1);
      _bring(c, e, 1, end - 1);
    }
    if (end < t) _bring(c, e, 0, end);
    e.read = _read(w, c);
    return e;
  }

  function _againstSum(World memory w, Claimed memory c, PayoutEvidence memory e)
    private
    pure
    returns (PayoutEvidence memory)
  {
    _bring(c, e, 2, e.row);
    if (e.row > 0) {
      _bring(c, e, 2, e.row - 1);
      _bring(c, e, 5, e.row - 1);
    }
    if (_end(c, e.row) > 0) _bring(c, e, 4, _end(c, e.row) - 1);
    e.read = _read(w, c);
    return e;
  }

  function _bringGroup(Claimed memory c, PayoutEvidence memory e, uint256 t) private pure {
    while (_end(c, e.group) <= e.row) e.group++;
    _bring(c, e, 2, e.group);
    if (e.group > 0) _bring(c, e, 2, e.group - 1);
    _bring(c, e, 2, c.tables[2].length / 40 - 1);
    _bring(c, e, 1, _end(c, e.group) - 1);
    _bring(c, e, 1, t - 1);
  }

  /// @dev The column that is left out where the claimed row comes too late, else the one that it names.
  function _witnessFor(World memory w, Worked memory right, Claimed memory c, uint256 row)
    private
    pure
    returns (uint256)
  {
    uint256 claimed = uint256(_word(c.tables[0], 32 * row)) >> 64;
    uint256 true_ = uint256(_word(right.tables[0], 32 * row)) >> 64;
    uint256 column = uint32(claimed);
    return claimed < true_ && column < w.columns() ? column : right.order[row];
  }

  function _oneColumn(World memory w, Claimed memory c, uint256 column)
    internal
    pure
    returns (ColumnOpening[] memory columns)
  {
    columns = new ColumnOpening[](1);
    columns[0].column = uint32(column);
    if (w.trained.length > 0) columns[0].trainedProof = MerkleTree.proof(c.trained, column);
    columns[0].record = _record(w, c, w.recordOf(column));
    columns[0].score = Opening(0, uint32(column / 256), _piece(w, 8, column / 256), new bytes32[](0));
    columns[0].noise = Opening(0, uint32(column / 256), _piece(w, 9, column / 256), new bytes32[](0));
  }

  function _record(World memory w, Claimed memory c, uint256 index) internal pure returns (RecordOpening memory) {
    return RecordOpening(
      uint32(index), w.contributors[index], index + 1, keccak256(abi.encode(index)), MerkleTree.proof(c.records, index)
    );
  }

  function _read(World memory w, Claimed memory c) internal pure returns (RecordOpening[] memory read) {
    read = new RecordOpening[](w.read.length);
    for (uint256 k = 0; k < read.length; k++) {
      read[k] = _record(w, c, w.read[k]);
    }
  }

  /// @dev The leaf that holds the row, once.
  function _bring(Claimed memory c, PayoutEvidence memory e, uint256 table, uint256 row) internal pure {
    uint256 leaf = row / (_leafBytes(table) / _width(table));
    for (uint256 k = 0; k < e.leaves.length; k++) {
      if (e.leaves[k].table == table && e.leaves[k].leaf == leaf) return;
    }
    WorkingsLeaf[] memory leaves = new WorkingsLeaf[](e.leaves.length + 1);
    for (uint256 k = 0; k < e.leaves.length; k++) {
      leaves[k] = e.leaves[k];
    }
    bytes memory values = _slice(c.tables[table], leaf * _leafBytes(table), _leafBytes(table));
    leaves[e.leaves.length] = WorkingsLeaf(uint8(table), uint32(leaf), values, _proofOf(c, table, leaf));
    e.leaves = leaves;
  }

  function _proofOf(Claimed memory c, uint256 table, uint256 leaf) internal pure returns (bytes32[] memory proof) {
    bytes32[] memory within = MerkleTree.proof(c.leaves[table], leaf);
    bytes32[] memory among = MerkleTree.proof(c.over, table);
    proof = new bytes32[](within.length + among.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : among[k - within.length];
    }
  }

  function _lastMatrix(uint32 index) internal pure returns (TraceMatrix memory matrix) {
    matrix.header = Header(0, 10, 0, 0, 0);
    matrix.index = index;
  }

  // ---- Bytes ----

  /// @dev Bytes of a row.
  function _width(uint256 table) internal pure returns (uint256) {
    return 4 * uint256(uint8(bytes6(0x080c0a040409)[table]));
  }

  function _leafBytes(uint256 table) internal pure returns (uint256) {
    return 1024 / _width(table) * _width(table);
  }

  function _slice(bytes memory values, uint256 from, uint256 size) internal pure returns (bytes memory out) {
    if (from + size > values.length) size = values.length - from;
    out = new bytes(size);
    assembly ("memory-safe") {
      mcopy(add(out, 0x20), add(add(values, 0x20), from), size)
    }
  }

  function _end(Claimed memory c, uint256 g) internal pure returns (uint256) {
    return uint32(uint256(_word(c.tables[2], 40 * g)) >> 64);
  }

  function _count(Claimed memory c, uint256 g) internal pure returns (uint256) {
    return uint256(_word(c.tables[5], 36 * g + 4)) & 0xffffffff;
  }

  function _word(bytes memory values, uint256 place) internal pure returns (bytes32 word) {
    assembly ("memory-safe") {
      word := mload(add(add(values, 0x20), place))
    }
  }
}
