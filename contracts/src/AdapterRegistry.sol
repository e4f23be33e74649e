// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { AdapterDraft, AdapterView, IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { IDatanetRegistry } from "./interfaces/IDatanetRegistry.sol";
import { Text } from "./libraries/Text.sol";
import { AdapterId, DatanetId } from "./types/Ids.sol";

/// @title AdapterRegistry
/// @notice Each adapter is a token bound for ever to a base, a published Datanet version and a run's roots. The
/// token's owner sets the prices and earns the owner's part of fees.
contract AdapterRegistry is ERC721, IAdapterRegistry {
  struct Adapter {
    address maker;
    uint40 registeredAt;
    AdapterDraft draft;
  }

  /// @notice Bound on prices: 1,000 OPEN per 1,000 tokens, in wei. Below 2^72: a claim keeps both in one word.
  uint128 public constant MOST_RATE = 1000 ether;

  IDatanetRegistry public immutable datanets;
  /// @notice How many adapters there are; ids run from 1 to this.
  uint256 public count;
  mapping(AdapterId id => Adapter) private _adapters;

  constructor(IDatanetRegistry datanets_) ERC721("OpenLedger Adapter", "ADAPTER") {
    datanets = datanets_;
  }

  /// @notice Registers an adapter that the caller then owns. The Datanet version must have been published.
  function register(AdapterDraft calldata draft) external returns (AdapterId id) {
    Text.requireName(draft.name);
    Text.requireCid(draft.cid);
    _requireRates(draft.rateIn, draft.rateOut);
    if (draft.baseRoot == 0 || draft.adapterRoot == 0 || draft.checkpointsRoot == 0 || draft.ledgerRoot == 0) {
      revert MissingRoot();
    }
    if (draft.programHash == 0) revert MissingRoot();
    datanets.version(draft.datanet, draft.version);
    id = AdapterId.wrap(++count);
    _adapters[id] = Adapter(msg.sender, uint40(block.timestamp), draft);
    _emitRegistered(id, draft);
    _mint(msg.sender, AdapterId.unwrap(id));
  }

  /// @notice Prices of answers paid from now on, in wei per 1,000 tokens.
  function setPrices(AdapterId id, uint128 rateIn, uint128 rateOut) external {
    if (_ownerOrRevert(id) != msg.sender) revert NotAdapterOwner(id, msg.sender);
    _requireRates(rateIn, rateOut);
    AdapterDraft storage draft = _adapters[id].draft;
    draft.rateIn = rateIn;
    draft.rateOut = rateOut;
    emit PricesChanged(id, rateIn, rateOut);
  }

  /// @inheritdoc IAdapterRegistry
  function terms(AdapterId id) external view returns (address owner, uint128 rateIn, uint128 rateOut) {
    owner = _ownerOrRevert(id);
    AdapterDraft storage draft = _adapters[id].draft;
    return (owner, draft.rateIn, draft.rateOut);
  }

  /// @inheritdoc IAdapterRegistry
  function origin(AdapterId id) external view returns (bytes32 programHash, DatanetId datanet, uint32 version) {
    _ownerOrRevert(id);
    AdapterDraft storage draft = _adapters[id].draft;
    return (draft.programHash, draft.datanet, draft.version);
  }

  /// @inheritdoc IAdapterRegistry
  function trainedRootOf(AdapterId id) external view returns (bytes32) {
    _ownerOrRevert(id);
    return _adapters[id].draft.trainedRoot;
  }

  function adapter(AdapterId id) public view returns (AdapterView memory) {
    address owner = _ownerOrRevert(id);
    Adapter storage a = _adapters[id];
    return AdapterView(id, owner, a.maker, a.registeredAt, a.draft);
  }

  /// @notice Up to `limit` adapters from id `first` on.
  function page(uint256 first, uint256 limit) external view returns (AdapterView[] memory out) {
    if (first == 0) first = 1;
    uint256 available = first > count ? 0 : count - first + 1;
    out = new AdapterView[](limit < available ? limit : available);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = adapter(AdapterId.wrap(first + k));
    }
  }

  function tokenURI(uint256 tokenId) public view override returns (string memory) {
    _requireOwned(tokenId);
    return string.concat("ipfs://", _adapters[AdapterId.wrap(tokenId)].draft.cid);
  }

  function _ownerOrRevert(AdapterId id) private view returns (address owner) {
    owner = _ownerOf(AdapterId.unwrap(id));
    if (owner == address(0)) revert UnknownAdapter(id);
  }

  function _requireRates(uint128 rateIn, uint128 rateOut) private pure {
    if (rateIn > MOST_RATE) revert RateTooHigh(rateIn, MOST_RATE);
    if (rateOut > MOST_RATE) revert RateTooHigh(rateOut, MOST_RATE);
  }

  /// @dev Apart, so that the stack is deep enough.
  function _emitRegistered(AdapterId id, AdapterDraft calldata draft) private {
    emit AdapterRegistered(
      id,
      draft.datanet,
      msg.sender,
      draft.version,
      draft.baseRoot,
      draft.adapterRoot,
      draft.checkpointsRoot,
      draft.ledgerRoot,
      draft.programHash,
      draft.cid,
      draft.name,
      draft.rateIn,
      draft.rateOut
    );
  }
}
