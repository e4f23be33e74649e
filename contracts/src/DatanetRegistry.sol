// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { DatanetView, IDatanetRegistry, Version } from "./interfaces/IDatanetRegistry.sol";
import { Text } from "./libraries/Text.sol";
import { DatanetId } from "./types/Ids.sol";

/// @title DatanetRegistry
/// @notice Each Datanet is a token: its owner is the curator, and selling the token hands over the curating.
/// Versions are only ever appended.
contract DatanetRegistry is ERC721, IDatanetRegistry {
  struct Datanet {
    string name;
    string metadataCid;
    uint128 minStakePerRecord;
    uint40 createdAt;
    Version[] versions;
  }

  /// @notice Bound on the stake per record: 1,000 OPEN, in wei.
  uint256 public constant MOST_STAKE_PER_RECORD = 1000 ether;

  /// @notice How many Datanets there are; ids run from 1 to this.
  uint256 public count;
  mapping(DatanetId id => Datanet) private _datanets;

  constructor() ERC721("OpenLedger Datanet", "DATANET") { }

  modifier onlyCurator(DatanetId id) {
    if (curatorOf(id) != msg.sender) revert NotCurator(id, msg.sender);
    _;
  }

  /// @notice Makes a Datanet that the caller owns and curates.
  /// @param minStakePerRecord stake asked for each contributed record, in wei
  function create(string calldata name_, string calldata metadataCid, uint256 minStakePerRecord)
    external
    returns (DatanetId id)
  {
    Text.requireName(name_);
    Text.requireCid(metadataCid);
    _requireStake(minStakePerRecord);
    id = DatanetId.wrap(++count);
    Datanet storage d = _datanets[id];
    d.name = name_;
    d.metadataCid = metadataCid;
    d.minStakePerRecord = uint128(minStakePerRecord);
    d.createdAt = uint40(block.timestamp);
    emit DatanetCreated(id, msg.sender, name_, metadataCid, minStakePerRecord);
    _mint(msg.sender, DatanetId.unwrap(id));
  }

  /// @notice Changes the stake asked for records submitted from now on, in wei each.
  function setMinStake(DatanetId id, uint256 minStakePerRecord) external onlyCurator(id) {
    _requireStake(minStakePerRecord);
    _datanets[id].minStakePerRecord = uint128(minStakePerRecord);
    emit MinStakeChanged(id, minStakePerRecord);
  }

  /// @notice Appends a version. What it holds is the curator's word, checkable by anyone against `root` and `cid`.
  /// @return number the version's number, from 1
  function publishVersion(DatanetId id, bytes32 root, bytes32 recordsRoot, string calldata cid, uint32 records)
    external
    onlyCurator(id)
    returns (uint32 number)
  {
    Text.requireCid(cid);
    if (records == 0 || root == 0 || recordsRoot == 0) revert EmptyVersion();
    Version[] storage versions_ = _datanets[id].versions;
    versions_.push(Version(root, recordsRoot, records, uint40(block.timestamp), cid));
    number = uint32(versions_.length);
    emit VersionPublished(id, number, root, recordsRoot, cid, records);
  }

  /// @inheritdoc IDatanetRegistry
  function curatorOf(DatanetId id) public view returns (address curator) {
    curator = _ownerOf(DatanetId.unwrap(id));
    if (curator == address(0)) revert UnknownDatanet(id);
  }

  /// @inheritdoc IDatanetRegistry
  function minStakeOf(DatanetId id) external view returns (uint256) {
    curatorOf(id);
    return _datanets[id].minStakePerRecord;
  }

  /// @inheritdoc IDatanetRegistry
  function version(DatanetId id, uint32 number) external view returns (Version memory) {
    curatorOf(id);
    Version[] storage versions_ = _datanets[id].versions;
    if (number == 0 || number > versions_.length) revert UnknownVersion(id, number);
    return versions_[number - 1];
  }

  /// @notice All versions of a Datanet, oldest first.
  function versions(DatanetId id) external view returns (Version[] memory) {
    curatorOf(id);
    return _datanets[id].versions;
  }

  function datanet(DatanetId id) public view returns (DatanetView memory) {
    address owner = curatorOf(id);
    Datanet storage d = _datanets[id];
    return DatanetView(id, owner, d.name, d.metadataCid, d.minStakePerRecord, uint32(d.versions.length), d.createdAt);
  }

  /// @notice Up to `limit` Datanets from id `first` on.
  function page(uint256 first, uint256 limit) external view returns (DatanetView[] memory out) {
    if (first == 0) first = 1;
    uint256 available = first > count ? 0 : count - first + 1;
    out = new DatanetView[](limit < available ? limit : available);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = datanet(DatanetId.wrap(first + k));
    }
  }

  function tokenURI(uint256 tokenId) public view override returns (string memory) {
    _requireOwned(tokenId);
    return string.concat("ipfs://", _datanets[DatanetId.wrap(tokenId)].metadataCid);
  }

  function _requireStake(uint256 minStakePerRecord) private pure {
    if (minStakePerRecord > MOST_STAKE_PER_RECORD) revert StakeTooHigh(minStakePerRecord, MOST_STAKE_PER_RECORD);
  }
}
