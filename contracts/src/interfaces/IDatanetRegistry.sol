// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { DatanetId } from "../types/Ids.sol";

/// @notice A Datanet as it is read by others.
struct DatanetView {
  DatanetId id;
  /// The curator: who accepts records and publishes versions.
  address owner;
  string name;
  /// CID of a JSON file that describes the Datanet.
  string metadataCid;
  /// Stake asked for each contributed record, in wei.
  uint256 minStakePerRecord;
  /// Versions published so far; the newest has this number.
  uint32 versions;
  /// Unix time, seconds.
  uint40 createdAt;
}

/// @notice All accepted records of a Datanet at a moment.
struct Version {
  /// versionRoot() in src/protocol/record.ts: index, contributor, contribution and hash of every record.
  bytes32 root;
  /// recordsRoot(): the records alone, what a training run commits to.
  bytes32 recordsRoot;
  uint32 count;
  /// Unix time, seconds.
  uint40 publishedAt;
  /// CID of the version file.
  string cid;
}

/// @title Who owns which Datanet, and its versions
interface IDatanetRegistry {
  event DatanetCreated(
    DatanetId indexed id, address indexed owner, string name, string metadataCid, uint256 minStakePerRecord
  );
  event MinStakeChanged(DatanetId indexed id, uint256 minStakePerRecord);
  event VersionPublished(
    DatanetId indexed id, uint32 indexed version, bytes32 root, bytes32 recordsRoot, string cid, uint32 count
  );

  /// @notice There is no Datanet with this id.
  error UnknownDatanet(DatanetId id);
  /// @notice The Datanet has no version of this number (they count from 1).
  error UnknownVersion(DatanetId id, uint32 version);
  /// @notice Only the Datanet's owner may do this.
  error NotCurator(DatanetId id, address caller);
  /// @notice A version holds at least one record and no root is zero.
  error EmptyVersion();
  /// @notice The stake asked per record is above the bound, in wei.
  error StakeTooHigh(uint256 minStakePerRecord, uint256 most);

  /// @notice The Datanet's owner; reverts with UnknownDatanet.
  function curatorOf(DatanetId id) external view returns (address);
  /// @notice Stake asked per record, in wei; reverts with UnknownDatanet.
  function minStakeOf(DatanetId id) external view returns (uint256);
  /// @notice Reverts with UnknownVersion or UnknownDatanet.
  function version(DatanetId id, uint32 number) external view returns (Version memory);
}
