// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Treasury } from "../src/Treasury.sol";
import { Deployed } from "./support/Deployed.sol";

contract TreasuryTest is Deployed {
  function setUp() public {
    _deploy();
    vm.deal(address(treasury), 5 ether);
  }

  function test_onlyGovernanceSpends() public {
    vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
    vm.prank(alice);
    treasury.spend(payable(alice), 1, "mine");
    vm.prank(governance);
    treasury.spend(payable(bob), 2 ether, "a grant");
    eq(bob.balance, 102 ether, "received");
    eq(address(treasury).balance, 3 ether, "left");
  }

  function test_neverMoreThanIsThere() public {
    vm.expectRevert(abi.encodeWithSelector(Treasury.NotEnough.selector, 6 ether, 5 ether));
    vm.prank(governance);
    treasury.spend(payable(bob), 6 ether, "too much");
  }

  function test_aRefusedTransferIsUndone() public {
    vm.expectRevert(abi.encodeWithSelector(Treasury.TransferRefused.selector, address(datanets), 1));
    vm.prank(governance);
    treasury.spend(payable(address(datanets)), 1, "a contract that takes none");
  }

  function test_governanceMovesInTwoSteps() public {
    vm.prank(governance);
    treasury.transferOwnership(alice);
    eq(treasury.owner(), governance, "not yet");
    vm.prank(alice);
    treasury.acceptOwnership();
    eq(treasury.owner(), alice, "accepted");
  }
}
