// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The few of forge's cheat codes that these tests use.
interface Vm {
  function prank(address caller) external;
  function startPrank(address caller) external;
  function stopPrank() external;
  function deal(address account, uint256 wei_) external;
  function warp(uint256 timestamp) external;
  function assume(bool condition) external pure;
  function expectRevert(bytes calldata data) external;
  function expectRevert(bytes4 selector) external;
  function expectPartialRevert(bytes4 selector) external;
}
