// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AnswerOpening } from "../types/Answers.sol";
import { PayoutRule } from "../types/Fees.sol";
import { ClaimId } from "../types/Ids.sol";
import { IDatanetRegistry } from "./IDatanetRegistry.sol";
import { Opening, TraceMatrix } from "./IReferee.sol";
import { ISettlement } from "./ISettlement.sol";

/// @notice What the payouts of one answer follow from, and what is claimed of them, as far as the chain knows it.
struct PayoutCase {
  bytes32 programHash;
  bytes32 inputsHash;
  bytes32 traceRoot;
  /// Of the answer, as the next three.
  bytes32 workingsRoot;
  bytes32 payoutRoot;
  uint256 payoutCount;
  uint256 allocated;
  /// Of the Datanet version that the adapter was trained on.
  bytes32 versionRoot;
  uint256 records;
  /// AdapterDraft.trainedRoot.
  bytes32 trainedRoot;
  /// The contributors' part of the answer's fee, wei.
  uint256 amount;
  PayoutRule rule;
  /// Records that were read with the question, best first.
  uint32[] read;
}

/// @notice One leaf of one table of the workings (Workings.sol).
struct WorkingsLeaf {
  uint8 table;
  uint32 leaf;
  bytes values;
  /// Siblings within the table from the leaf's level up, then siblings of the table among the six.
  bytes32[] proof;
}

/// @notice A record of the Datanet version, with its proof.
struct RecordOpening {
  uint32 index;
  address contributor;
  uint256 contribution;
  /// src/protocol/record.ts.
  bytes32 recordHash;
  bytes32[] proof;
}

/// @notice A column of the last two matrices of the trace: of a record that was trained.
struct ColumnOpening {
  uint32 column;
  /// Under trainedRoot, that this column is the record's; none where all records were trained.
  bytes32[] trainedProof;
  RecordOpening record;
  /// The leaves that hold the column.
  Opening score;
  Opening noise;
}

/// @notice What shows that one row of the workings does not follow from what comes before it. Parts that the row does not need
/// may be empty.
struct PayoutEvidence {
  /// 0 to 5: a table of the workings. 6: a leaf of the payouts' tree. 7: the answer's sum and count of payouts. 8: the list
  /// of records read.
  uint8 table;
  uint32 row;
  /// Row of `people` that is about the contributor of this row (gross, paid), or of this payout (6).
  uint32 group;
  /// The last two matrices of the program, each [1, trained records].
  TraceMatrix scores;
  TraceMatrix noise;
  /// Every row that is looked at: the claimed one, and those that it follows from.
  WorkingsLeaf[] leaves;
  /// The first is looked at: for `order` any column that shows the row false, else the row's own.
  ColumnOpening[] columns;
  /// Of people and sums: all records read, in the answer's order.
  RecordOpening[] read;
  /// The claimed hash of leaf `row` of the payouts' tree, and its siblings.
  bytes32 payoutLeaf;
  bytes32[] payoutProof;
}

/// @notice Where claims are, and the Datanets: what the judge asks Disputes for.
interface IClaims {
  function settlement() external view returns (ISettlement);
  function datanets() external view returns (IDatanetRegistry);
}

/// @title Does one row of the workings of an answer's payouts follow from the rows before it?
interface IPayoutJudge {
  /// @notice There is no such row of the workings, or no such payout.
  error WrongRow(uint256 table, uint256 row);
  /// @notice This row is looked at, and no leaf that was brought holds it.
  error MissingRow(uint256 table, uint256 row);
  /// @notice A leaf that was brought does not stand under the answer's workings.
  error WrongLeaf(uint256 table, uint256 leaf);
  /// @notice The column that was brought is not the one that the row is about, shows nothing, or is no record's that was trained.
  error WrongColumn(uint256 column);
  /// @notice A record that was brought is not the version's, or not the one that was read.
  error WrongRecord(uint256 index);
  /// @notice The row is not about the contributor in this row of `people`.
  error WrongGroup(uint256 group);
  /// @notice The matrices must be the program's last two, one row with a column for every trained record.
  error WrongMatrix(uint256 index);
  /// @notice The column's leaf is not in the trace.
  error WrongPiece(uint256 index, uint256 leaf);
  /// @notice The payout's hash does not stand in the answer's payouts.
  error WrongPayout(uint256 index);

  /// @notice Whether the claimed row is another than the one that follows. Of workings that are right none is, whatever is
  /// brought; of workings that are not, the first that differs can be shown.
  /// @dev Reverts where any proof or place is wrong or anything missing. What stands in earlier rows is taken as it is claimed.
  function isFalse(PayoutCase calldata payoutCase, PayoutEvidence calldata evidence) external view returns (bool);

  /// @notice The same about an answer of a claim, by what the caller, Disputes, says of claims: the call that Disputes takes, passed
  /// on as it came. Whether the answer is the claim's is for the caller to know.
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32 salt)
    external
    view
    returns (bool);
}
