// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { DatanetView, IDatanetRegistry, Version } from "../src/interfaces/IDatanetRegistry.sol";
import { IContributions } from "../src/interfaces/IContributions.sol";
import { Text } from "../src/libraries/Text.sol";
import { DatanetId } from "../src/types/Ids.sol";
import { Deployed } from "./support/Deployed.sol";

contract DatanetRegistryTest is Deployed {
  function setUp() public {
    _deploy();
  }

  function test_readsBackWhatWasCreated() public view {
    DatanetView memory view_ = datanets.datanet(datanet);
    eq(view_.owner, curator, "owner");
    eq(keccak256(bytes(view_.name)), keccak256("DeFi exploits"), "name");
    eq(view_.minStakePerRecord, MIN_STAKE, "stake");
    eq(view_.versions, 1, "versions");
    Version memory version = datanets.version(datanet, 1);
    eq(version.root, keccak256("root"), "root");
    eq(version.recordsRoot, keccak256("records"), "records root");
    eq(version.count, 120, "count");
    eq(keccak256(bytes(datanets.tokenURI(1))), keccak256(bytes(string.concat("ipfs://", CID))), "token URI");
  }

  function test_sellingTheTokenHandsOverTheCurating() public {
    vm.prank(curator);
    datanets.transferFrom(curator, alice, 1);
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.NotCurator.selector, 1, curator));
    vm.prank(curator);
    datanets.publishVersion(datanet, "a", "b", CID, 1);
    vm.prank(alice);
    eq(datanets.publishVersion(datanet, "a", "b", CID, 1), 2, "second version");
  }

  function test_refusesEmptyVersions() public {
    vm.startPrank(curator);
    vm.expectRevert(IDatanetRegistry.EmptyVersion.selector);
    datanets.publishVersion(datanet, "a", "b", CID, 0);
    vm.expectRevert(IDatanetRegistry.EmptyVersion.selector);
    datanets.publishVersion(datanet, 0, "b", CID, 1);
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "cid", 0, 128));
    datanets.publishVersion(datanet, "a", "b", "", 1);
    vm.stopPrank();
  }

  function test_unknownIdsSaySo() public {
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.UnknownDatanet.selector, 7));
    datanets.minStakeOf(DatanetId.wrap(7));
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.UnknownVersion.selector, 1, 0));
    datanets.version(datanet, 0);
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.UnknownVersion.selector, 1, 2));
    datanets.version(datanet, 2);
  }

  function test_namesAreBoundedInBytes() public {
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "name", 81, 80));
    datanets.create(string(new bytes(81)), CID, 0);
    vm.expectRevert(abi.encodeWithSelector(Text.TextLength.selector, "name", 0, 80));
    datanets.create("", CID, 0);
  }

  function testFuzz_stakeIsBounded(uint256 stake) public {
    stake = bound(stake, 1000 ether + 1, type(uint256).max);
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.StakeTooHigh.selector, stake, 1000 ether));
    datanets.create("a", CID, stake);
  }

  function testFuzz_pagesCoverEveryIdOnce(uint8 more, uint8 first, uint8 limit) public {
    uint256 total = 1 + bound(more, 0, 12);
    for (uint256 k = 1; k < total; k++) {
      datanets.create("more", CID, k);
    }
    DatanetView[] memory page = datanets.page(first, limit);
    uint256 from = first == 0 ? 1 : first;
    uint256 expected = from > total ? 0 : total - from + 1;
    eq(page.length, expected < limit ? expected : limit, "length");
    for (uint256 k = 0; k < page.length; k++) {
      eq(DatanetId.unwrap(page[k].id), from + k, "id");
    }
  }

  function test_aNewStakeCountsFromNowOn() public {
    vm.expectRevert(abi.encodeWithSelector(IDatanetRegistry.NotCurator.selector, 1, bob));
    vm.prank(bob);
    datanets.setMinStake(datanet, 0);
    vm.prank(curator);
    datanets.setMinStake(datanet, 3 ether);
    eq(datanets.minStakeOf(datanet), 3 ether, "changed");
    vm.expectRevert(abi.encodeWithSelector(IContributions.StakeTooLow.selector, MIN_STAKE, 3 ether));
    vm.prank(alice);
    contributions.submit{ value: MIN_STAKE }(datanet, "root", CID, 1);
  }

  function test_versionsAreListedOldestFirst() public {
    vm.prank(curator);
    datanets.publishVersion(datanet, "second", "records", CID, 121);
    Version[] memory all = datanets.versions(datanet);
    eq(all.length, 2, "versions");
    eq(all[0].root, keccak256("root"), "first");
    eq(all[1].root, "second", "second");
  }
}
