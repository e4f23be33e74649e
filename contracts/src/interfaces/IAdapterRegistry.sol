// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterId, DatanetId } from "../types/Ids.sol";

/// @notice What someone registers as an adapter.
struct AdapterDraft {
  DatanetId datanet;
  /// The Datanet's version it was trained on, from 1.
  uint32 version;
  /// Root over the base model's weights.
  bytes32 baseRoot;
  /// Root over the adapter's factors.
  bytes32 adapterRoot;
  /// Root over the adapter's states before its last that attribution looks at.
  bytes32 checkpointsRoot;
  /// Root over the run's ledger, one leaf a record that was trained.
  bytes32 ledgerRoot;
  /// The program that traces of its answers follow: keccak256(abi.encode(Header)), see IReferee.sol.
  bytes32 programHash;
  /// Where copies were left out of the training: Merkle root of which record each column of the program's scores is about, the
  /// trained records ascending; leaf k is Merkle.leaf(abi.encode(k, record)). 0: every record was trained.
  bytes32 trainedRoot;
  /// CID of the folder with adapter, run and ledger.
  string cid;
  string name;
  /// Wei per 1,000 prompt tokens.
  uint128 rateIn;
  /// Wei per 1,000 answer tokens.
  uint128 rateOut;
}

struct AdapterView {
  AdapterId id;
  /// Receives the owner's part of fees.
  address owner;
  /// Who registered it.
  address maker;
  /// Unix time, seconds.
  uint40 registeredAt;
  AdapterDraft draft;
}

/// @title Adapters: what they were made from, who owns them, what they cost
interface IAdapterRegistry {
  event AdapterRegistered(
    AdapterId indexed id,
    DatanetId indexed datanet,
    address indexed maker,
    uint32 version,
    bytes32 baseRoot,
    bytes32 adapterRoot,
    bytes32 checkpointsRoot,
    bytes32 ledgerRoot,
    bytes32 programHash,
    string cid,
    string name,
    uint128 rateIn,
    uint128 rateOut
  );
  event PricesChanged(AdapterId indexed id, uint128 rateIn, uint128 rateOut);

  /// @notice There is no adapter with this id.
  error UnknownAdapter(AdapterId id);
  /// @notice Only the adapter's owner may do this.
  error NotAdapterOwner(AdapterId id, address caller);
  /// @notice A price is above the bound; wei per 1,000 tokens.
  error RateTooHigh(uint256 rate, uint256 most);
  /// @notice One of the four roots, or the program's hash, is zero.
  error MissingRoot();

  /// @notice Owner and prices (wei per 1,000 tokens); reverts with UnknownAdapter.
  function terms(AdapterId id) external view returns (address owner, uint128 rateIn, uint128 rateOut);

  /// @notice What its answers' traces follow, and the Datanet version it was trained on; reverts with UnknownAdapter.
  function origin(AdapterId id) external view returns (bytes32 programHash, DatanetId datanet, uint32 version);

  /// @notice AdapterDraft.trainedRoot; reverts with UnknownAdapter.
  function trainedRootOf(AdapterId id) external view returns (bytes32);
}
