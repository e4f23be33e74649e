// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The few of forge's cheat codes that these tests use.
interface Vm {
  function prank(address caller) external;
  function startPrank(address caller) external;
  function stopPrank() external;
  function deal(address account, uint256 wei_) external;
  function txGasPrice(uint256 price) external;
  function warp(uint256 timestamp) external;
  function roll(uint256 blockNumber) external;
  function getNonce(address account) external view returns (uint64);
  function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
  function getBlockTimestamp() external view returns (uint256);
  function getBlockNumber() external view returns (uint256);
  function assume(bool condition) external pure;
  function expectRevert(bytes calldata data) external;
  function expectRevert(bytes4 selector) external;
  function expectPartialRevert(bytes4 selector) external;
  function expectEmit(address emitter) external;
  function expectCall(address callee, bytes calldata data) external;
  function etch(address where, bytes calldata code) external;
  function snapshotState() external returns (uint256 id);
  function revertToState(uint256 id) external returns (bool);
}
