// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterDraft, AdapterView, IAdapterRegistry } from "../src/interfaces/IAdapterRegistry.sol";
import { IDatanetRegistry } from "../src/interfaces/IDatanetRegistry.sol";
import { AdapterId, DatanetId } from "../src/types/Ids.sol";
import { Deployed } from "./support/Deployed.sol";

contract AdapterRegistryTest is Deployed {
  function setUp() public {
    _deploy();
  }

  function test_readsBackWhatWasRegistered() public view {
    AdapterView memory view_ = adapters.adapter(adapter);
    eq(view_.owner, curator, "owner");
    eq(view_.maker, curator, "maker");
    eq(keccak256(abi.encode(view_.draft)), keccak256(abi.encode(_draft())), "draft");
  }

  function test_needsAPublishedVersion() public {
    AdapterDraft memory draft = _draft();
    draft.version = 2;
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.UnknownVersion.selector, 1, 2));
    adapters.register(draft);
  }

  function test_needsEveryRoot() public {
    for (uint256 k = 0; k < 5; k++) {
      AdapterDraft memory draft = _draft();
      if (k == 0) draft.baseRoot = 0;
      if (k == 1) draft.adapterRoot = 0;
      if (k == 2) draft.checkpointsRoot = 0;
      if (k == 3) draft.ledgerRoot = 0;
      if (k == 4) draft.programHash = 0;
      vm.expectRevert(IAdapterRegistry.MissingRoot.selector);
      adapters.register(draft);
    }
  }

  function test_onlyTheOwnerSetsPrices() public {
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.NotAdapterOwner.selector, 1, alice));
    vm.prank(alice);
    adapters.setPrices(adapter, 1, 2);
    vm.prank(curator);
    adapters.transferFrom(curator, alice, 1);
    vm.prank(alice);
    adapters.setPrices(adapter, 1, 2);
    (address owner, uint128 rateIn, uint128 rateOut) = adapters.terms(adapter);
    eq(owner, alice, "owner");
    eq(rateIn, 1, "in");
    eq(rateOut, 2, "out");
    eq(adapters.adapter(adapter).maker, curator, "the maker stays");
  }

  function testFuzz_pricesAreBounded(uint128 rate) public {
    uint128 most = adapters.MOST_RATE();
    rate = uint128(bound(rate, uint256(most) + 1, type(uint128).max));
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.RateTooHigh.selector, rate, most));
    vm.prank(curator);
    adapters.setPrices(adapter, 0, rate);
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.RateTooHigh.selector, rate, most));
    vm.prank(curator);
    adapters.setPrices(adapter, rate, 0);
  }

  function test_unknownAdapterSaysSo() public {
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.UnknownAdapter.selector, 9));
    adapters.terms(AdapterId.wrap(9));
  }

  function testFuzz_pagesCoverEveryIdOnce(uint8 more, uint8 first, uint8 limit) public {
    uint256 total = 1 + bound(more, 0, 6);
    for (uint256 k = 1; k < total; k++) {
      adapters.register(_draft());
    }
    AdapterView[] memory page = adapters.page(first, limit);
    uint256 from = first == 0 ? 1 : first;
    uint256 expected = from > total ? 0 : total - from + 1;
    eq(page.length, expected < limit ? expected : limit, "length");
    for (uint256 k = 0; k < page.length; k++) {
      eq(AdapterId.unwrap(page[k].id), from + k, "id");
    }
  }

  function test_originIsWhatWasRegistered() public {
    (bytes32 programHash, DatanetId from, uint32 version) = adapters.origin(adapter);
    eq(programHash, _draft().programHash, "program");
    eq(DatanetId.unwrap(from), DatanetId.unwrap(datanet), "Datanet");
    eq(version, 1, "version");
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.UnknownAdapter.selector, 9));
    adapters.origin(AdapterId.wrap(9));
  }

  function test_tokenUriIsTheFolder() public view {
    eq(keccak256(bytes(adapters.tokenURI(1))), keccak256(bytes(string.concat("ipfs://", CID))), "token URI");
  }
}
