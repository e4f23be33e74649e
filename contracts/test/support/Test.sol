// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Vm } from "./Vm.sol";

/// @notice Assertions and forge's entry points, in place of forge-std.
abstract contract Test {
  struct FuzzSelector {
    address addr;
    bytes4[] selectors;
  }

  error AssertionFailed(string what, uint256 left, uint256 right);

  bool public constant IS_TEST = true;
  Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

  address[] private _targets;
  FuzzSelector[] private _selectors;

  function targetContracts() external view returns (address[] memory) {
    return _targets;
  }

  function targetSelectors() external view returns (FuzzSelector[] memory) {
    return _selectors;
  }

  function _target(address handler, bytes4[] memory selectors) internal {
    _targets.push(handler);
    _selectors.push(FuzzSelector(handler, selectors));
  }

  function eq(uint256 left, uint256 right, string memory what) internal pure {
    if (left != right) revert AssertionFailed(what, left, right);
  }

  function eq(address left, address right, string memory what) internal pure {
    eq(uint160(left), uint160(right), what);
  }

  function eq(bytes32 left, bytes32 right, string memory what) internal pure {
    eq(uint256(left), uint256(right), what);
  }

  function yes(bool condition, string memory what) internal pure {
    if (!condition) revert AssertionFailed(what, 0, 1);
  }

  function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
    if (value >= least && value <= most) return value;
    uint256 size = most - least + 1;
    return size == 0 ? value : least + value % size;
  }

  function person(string memory name) internal pure returns (address) {
    return address(uint160(uint256(keccak256(bytes(name)))));
  }
}
