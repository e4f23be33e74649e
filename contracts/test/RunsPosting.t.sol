// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IAdapterRegistry } from "../src/interfaces/IAdapterRegistry.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { AdapterId } from "../src/types/Ids.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Vouching } from "./support/Vouching.sol";

/// @notice The list of what a run's units have made: posted in one transaction or in parts, and what it comes to.
contract RunsPostingTest is Vouching {
  bytes32 private constant PLAN = "plan";

  function setUp() public {
    _setUp();
  }

  /// @dev Any words, 32 bytes each, from `first` on.
  function _part(uint256 first, uint256 end) private pure returns (bytes memory part) {
    bytes32[] memory words = new bytes32[](end - first);
    for (uint256 k = first; k < end; k++) {
      words[k - first] = keccak256(abi.encode("root", k));
    }
    part = abi.encodePacked(words);
  }

  function _rootOf(uint256 count) private pure returns (bytes32) {
    bytes32[] memory leaves = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      leaves[k] = Merkle.leaf(abi.encode(keccak256(abi.encode("root", k))));
    }
    return MerkleTree.root(leaves);
  }

  function _post(uint256 first, uint256 end) private {
    vm.prank(curator);
    runs.post(adapter, uint32(first), _part(first, end));
  }

  function _close(uint256 first, uint256 end) private {
    (bytes memory part, bytes32 root) = (_part(first, end), _rootOf(end));
    vm.prank(curator);
    runs.vouch{ value: STAKE }(adapter, PLAN, root, uint32(end), part);
  }

  function _closeRefused(uint256 first, uint256 end, bytes32 root, uint256 units_, bytes memory why) private {
    bytes memory part = _part(first, end);
    vm.expectRevert(why);
    vm.prank(curator);
    runs.vouch{ value: STAKE }(adapter, PLAN, root, uint32(units_), part);
  }

  function _isPosted(uint256 count) private view {
    (uint32 posted, bytes32 root) = runs.posted(adapter);
    eq(posted, count, "posted");
    eq(root, count == 0 ? Merkle.emptyRoot() : _rootOf(count), "their root");
  }

  /// @dev However it is cut, the list comes to the same root: the one that proofs are judged by.
  /// forge-config: default.fuzz.runs = 500
  function testFuzz_partsComeToTheRootOfTheList(uint8 a, uint8 b, uint8 c) public {
    (uint256 one, uint256 two) = (bound(a, 1, 70), 0);
    two = one + bound(b, 0, 70);
    uint256 all = two + bound(c, 0, 70);
    _isPosted(0);
    _post(0, one);
    _isPosted(one);
    _post(one, two);
    _isPosted(two);
    _close(two, all);
    eq(runs.statement(adapter).outputsRoot, _rootOf(all), "of the whole list");
    eq(runs.statement(adapter).units, all, "units");
  }

  function test_everyPartIsInAnEvent() public {
    vm.expectEmit(address(runs));
    emit IRuns.Posted(adapter, 0, _part(0, 5));
    _post(0, 5);
    vm.expectEmit(address(runs));
    emit IRuns.Posted(adapter, 5, _part(5, 6));
    _close(5, 6);
  }

  function test_aListBeginsAgain() public {
    _post(0, 9);
    _post(0, 3);
    _isPosted(3);
    _post(3, 4);
    _isPosted(4);
    // The statement too can begin again, with all of it.
    _close(0, 6);
    eq(runs.statement(adapter).outputsRoot, _rootOf(6), "of its own list");
  }

  function test_partsFollowEachOther() public {
    _post(0, 4);
    bytes memory part = _part(3, 6);
    bytes memory why = abi.encodeWithSelector(IRuns.WrongPart.selector, adapter, 4);
    for (uint32 first = 1; first < 8; first++) {
      if (first == 4) continue;
      vm.expectRevert(why);
      vm.prank(curator);
      runs.post(adapter, first, part);
    }
    // More units than were posted, or fewer.
    bytes32 root = _rootOf(6);
    _closeRefused(4, 6, root, 7, why);
    _closeRefused(4, 6, root, 5, why);
    _closeRefused(4, 6, root, 1, abi.encodeWithSelector(IRuns.BadStatement.selector, "units"));
    _isPosted(4);
    _close(4, 6);
  }

  /// @dev Nobody stakes on another list than they mean, should a part before be another.
  function test_theRootIsTheLists() public {
    _post(0, 4);
    _closeRefused(4, 6, "another", 6, abi.encodeWithSelector(IRuns.WrongList.selector, adapter, _rootOf(6)));
    vm.prank(curator);
    runs.post(adapter, 0, abi.encode(1, 2, 3, 4));
    vm.expectPartialRevert(IRuns.WrongList.selector);
    this.close(4, 6);
    _close(0, 6);
  }

  function close(uint256 first, uint256 end) external {
    _close(first, end);
  }

  function test_whatIsNoList() public {
    bytes memory bad = abi.encodeWithSelector(IRuns.BadStatement.selector, "roots");
    bytes[2] memory parts = [bytes(hex"00"), bytes.concat(_part(0, 2), hex"0011")];
    vm.startPrank(curator);
    for (uint256 k = 0; k < 2; k++) {
      vm.expectRevert(bad);
      runs.post(adapter, 0, parts[k]);
      vm.expectRevert(bad);
      runs.vouch{ value: STAKE }(adapter, PLAN, _rootOf(2), uint32(k + 1), parts[k]);
    }
    // 2^20 units at most.
    vm.expectRevert(bad);
    runs.vouch{ value: STAKE }(adapter, PLAN, _rootOf(2), 1 << 20 | 1, _part(0, 2));
    vm.expectRevert(bad);
    runs.post(adapter, type(uint32).max, _part(0, 2));
    vm.stopPrank();
  }

  function test_onlyTheOwnerPostsAndOnlyBefore() public {
    bytes memory part = _part(0, 2);
    vm.expectRevert(abi.encodeWithSelector(IRuns.NotTheOwner.selector, adapter, alice));
    vm.prank(alice);
    runs.post(adapter, 0, part);
    AdapterId none = AdapterId.wrap(9);
    vm.expectRevert(abi.encodeWithSelector(IAdapterRegistry.UnknownAdapter.selector, none));
    vm.prank(curator);
    runs.post(none, 0, part);
    _post(0, 2);
    _close(2, 3);
    vm.expectRevert(abi.encodeWithSelector(IRuns.AlreadyVouched.selector, adapter));
    vm.prank(curator);
    runs.post(adapter, 0, part);
  }

  /// @dev Of two adapters each has its own list; who buys one goes on with it, or begins again.
  function test_listsAreTheirAdapters() public {
    vm.prank(curator);
    AdapterId other = adapters.register(_draft());
    _post(0, 4);
    (uint32 count,) = runs.posted(other);
    eq(count, 0, "none of the other's");
    vm.prank(curator);
    adapters.transferFrom(curator, alice, AdapterId.unwrap(adapter));
    bytes memory part = _part(4, 6);
    vm.expectRevert(abi.encodeWithSelector(IRuns.NotTheOwner.selector, adapter, curator));
    vm.prank(curator);
    runs.post(adapter, 4, part);
    bytes32 root = _rootOf(6);
    vm.prank(alice);
    runs.vouch{ value: STAKE }(adapter, PLAN, root, 6, part);
    eq(runs.statement(adapter).maker, alice, "hers");
  }
}
