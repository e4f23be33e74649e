// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { WorkingsLeaf } from "../interfaces/IPayoutJudge.sol";
import { Leaves } from "./Leaves.sol";
import { Committed, Openings } from "./Openings.sol";

/// @notice Row i of `order`: the columns by contributor's address, then column; what those up to here come to.
struct OrderRow {
  address contributor;
  uint256 column;
  /// Greatest exponent field of scores and noise, at least 1.
  uint256 top;
  /// Columns with score or noise.
  uint256 counted;
}

/// @notice Row i of `evidence`, in units that the exponent of the last row of `order` gives.
struct EvidenceRow {
  /// Sum over all columns up to here.
  uint256 allNoise;
  /// Sums over the contributor's columns up to here: for them, and against.
  uint256 positive;
  uint256 negative;
}

/// @notice Row g of `people`: the g-th contributor of columns or records read, by address.
struct PersonRow {
  address contributor;
  /// Rows of `order` up to and including theirs.
  uint256 end;
  /// Sum of the weights up to and including theirs.
  uint256 weights;
}

/// @notice Row g of `sums`, in wei.
struct SumRow {
  /// What this person gets.
  uint256 sum;
  uint256 allocated;
  /// People up to here who get anything.
  uint256 count;
}

/// @title The workings of an answer's payouts
/// @notice Six tables of which every row follows from earlier ones, the trace's scores and noise, the Datanet version and the
/// claim's terms (src/protocol/payout-workings.ts). They are matrices of 4-byte words, cut into leaves and put under one root as
/// those of a trace (Leaves.sol, Openings.sol); numbers stand packed, big-endian.
///   0 order     [records × 8]          address, uint32 column, uint32 top, uint32 counted
///   1 evidence  [records × 12]         uint128 allNoise, uint128 positive, uint128 negative
///   2 people    [(records + 16) × 10]  address, uint32 end, uint128 weights
///   3 gross     [records × 4]          uint128 running sum within one contributor, wei
///   4 paid      [records × 4]          the same, with what others of the contributor's cost
///   5 sums      [(records + 16) × 9]   uint128 sum, uint128 allocated, uint32 count
/// Rows of 0, 1, 3 and 4 are those of columns: beyond the last they are zero. Rows of 2 and 5 beyond the last person: address and
/// sum 0, the rest as in the row before.
library Workings {
  uint256 internal constant TABLES = 6;
  uint256 internal constant ORDER = 0;
  uint256 internal constant EVIDENCE = 1;
  uint256 internal constant PEOPLE = 2;
  uint256 internal constant GROSS = 3;
  uint256 internal constant PAID = 4;
  uint256 internal constant SUMS = 5;
  /// @notice Place.index of table 0; then come the other five, the tree of the payouts, and the tree over the six tables.
  uint256 internal constant PLACES = type(uint32).max - 16;
  uint256 private constant PAYOUTS_PLACE = PLACES + 6;
  uint256 private constant OVER_PLACE = PLACES + 7;
  /// @notice Those who only brought what was read have no column.
  uint256 internal constant MORE_PEOPLE = 16;

  /// @notice Where the table stands, and how large it is.
  function matrix(bytes32 workingsRoot, uint256 records, uint256 table) internal pure returns (Committed memory) {
    return Committed(workingsRoot, TABLES, table, rows(records, table), columns(table));
  }

  /// @notice Whether a place of a claim is one of its workings or payouts.
  function isPlace(uint256 index) internal pure returns (bool) {
    return index >= PLACES && index <= OVER_PLACE;
  }

  /// @notice Whether that place is in one of the tables, of which leaves can be shown. Leaves of the other two trees follow.
  function isTable(uint256 index) internal pure returns (bool) {
    return index >= PLACES && index < PAYOUTS_PLACE;
  }

  /// @notice The table there; or a tree by itself, with its root and count.
  function treeAt(uint256 index, bytes32 workingsRoot, bytes32 payoutRoot, uint256 payoutCount, uint256 records)
    internal
    pure
    returns (Committed memory tree)
  {
    if (isTable(index)) return matrix(workingsRoot, records, index - PLACES);
    tree.index = type(uint32).max;
    (tree.root, tree.count) = index == OVER_PLACE ? (workingsRoot, TABLES) : (payoutRoot, payoutCount);
  }

  function rows(uint256 records, uint256 table) internal pure returns (uint256) {
    return table == PEOPLE || table == SUMS ? records + MORE_PEOPLE : records;
  }

  /// @notice Words of a row.
  function columns(uint256 table) internal pure returns (uint256) {
    return uint8(bytes6(0x080c0a040409)[table]);
  }

  function proven(WorkingsLeaf calldata leaf, bytes32 workingsRoot, uint256 records) internal pure returns (bool) {
    return Openings.provenAt(leaf.leaf, leaf.values, leaf.proof, matrix(workingsRoot, records, leaf.table)).rows > 0;
  }

  /// @notice The bytes of a row, if a leaf holds it; of a leaf that was proven.
  function rowIn(WorkingsLeaf calldata leaf, uint256 table, uint256 row)
    internal
    pure
    returns (bool found, bytes calldata values)
  {
    values = leaf.values;
    uint256 width = columns(table);
    if (leaf.table != table || leaf.leaf != Leaves.leafOf(width, row, 0)) return (false, values[:0]);
    uint256 first = 4 * width * (row % (Leaves.MOST / width));
    if (first >= values.length) return (false, values[:0]);
    return (true, values[first:first + 4 * width]);
  }

  function order(bytes calldata row) internal pure returns (OrderRow memory) {
    return OrderRow(address(bytes20(row)), _word(row, 20), _word(row, 24), _word(row, 28));
  }

  function evidence(bytes calldata row) internal pure returns (EvidenceRow memory) {
    return EvidenceRow(amount(row), amount(row[16:]), amount(row[32:]));
  }

  function person(bytes calldata row) internal pure returns (PersonRow memory) {
    return PersonRow(address(bytes20(row)), _word(row, 20), amount(row[24:]));
  }

  function sum(bytes calldata row) internal pure returns (SumRow memory) {
    return SumRow(amount(row), amount(row[16:]), _word(row, 32));
  }

  function amount(bytes calldata row) internal pure returns (uint256) {
    return uint128(bytes16(row));
  }

  function _word(bytes calldata row, uint256 place) private pure returns (uint256) {
    return uint32(bytes4(row[place:]));
  }
}
