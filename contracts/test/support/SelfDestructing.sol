// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Forces its ether on a contract that takes none.
contract SelfDestructing {
  constructor(address payable to) payable {
    selfdestruct(to);
  }
}
