// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A contract that does something else in the middle of being paid.
contract Meddling {
  address private _target;
  bytes private _data;
  uint256 private _value;
  /// @notice What it did while it was paid went through.
  bool public done;

  /// @notice What to call at the next payment, with how much of it.
  function next(address target, bytes calldata data, uint256 value) external {
    (_target, _data, _value, done) = (target, data, value, false);
  }

  receive() external payable {
    if (_target == address(0)) return;
    address target = _target;
    _target = address(0);
    (done,) = target.call{ value: _value }(_data);
  }
}
