// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PayoutRule } from "../types/Fees.sol";
import { Opening, TraceMatrix } from "./IReferee.sol";

/// @notice What the payouts of one answer follow from, as far as the chain knows it.
struct PayoutCase {
  bytes32 programHash;
  bytes32 inputsHash;
  bytes32 traceRoot;
  /// Of the Datanet version that the adapter was trained on.
  bytes32 versionRoot;
  uint256 records;
  /// AdapterDraft.trainedHash.
  bytes32 trainedHash;
  /// The contributors' part of the answer's fee, wei.
  uint256 amount;
  PayoutRule rule;
  /// Records that were read with the question, best first.
  uint32[] read;
}

/// @notice Everything that whoever shows a false payout brings.
struct PayoutEvidence {
  /// The last two matrices of the program, each [1, trained records].
  TraceMatrix scores;
  TraceMatrix noise;
  /// All their pieces, in order.
  Opening[] scorePieces;
  Opening[] noisePieces;
  /// Every record whose score stands out from its noise, for or against, and every one that was read, by index. Others earn
  /// nothing and weigh nothing, whoever brought them. 92 bytes each, big-endian: uint32 its index in the version ‖ uint32 its place
  /// among these by contributor, then index ‖ address of its contributor ‖ uint256 contribution ‖ bytes32 hash of the record
  /// (src/protocol/record.ts).
  bytes records;
  /// Hashes beside those records' leaves under the version's root (MerkleRoot.rootOf); none where there is no such record.
  bytes32[] siblings;
  /// Indices of the trained records, ascending, 4 bytes each, big-endian; empty where all were.
  bytes trained;
}

/// @title What a claim's payouts should be
interface IPayoutJudge {
  /// @notice The records are not the version's, are out of order, or one that was read is not among them.
  error WrongRecords();
  /// @notice Places by contributor, then index, are not those of the records.
  error WrongOrder(uint256 place);
  /// @notice These are not the records that the adapter was trained on.
  error WrongTrained();
  /// @notice The matrices must be the program's last two, one row with a column for every trained record.
  error WrongMatrix(uint256 index);
  /// @notice A piece is missing, out of order or not in the trace.
  error WrongPiece(uint256 index, uint256 piece);

  /// @notice The payouts that follow, as divideFee() in src/protocol/divide-fee.ts gives them: no contributor more than
  /// once, ascending.
  /// @return possible false where the records read are none of the version's, or one is named twice: nothing is right
  /// @return root payoutRoot() of the payouts
  /// @return count how many there are
  /// @return allocated their sum in wei
  function divide(PayoutCase calldata payoutCase, PayoutEvidence calldata evidence)
    external
    view
    returns (bool possible, bytes32 root, uint256 count, uint256 allocated);
}
