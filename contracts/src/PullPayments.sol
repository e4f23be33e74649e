// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { ReentrancyGuard } from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

/// @title Balances that their owners fetch
/// @notice Money is never pushed while something else is being decided: it is credited, and fetched in a call of its
/// own. All amounts in wei of OPEN, the chain's native currency.
abstract contract PullPayments is ReentrancyGuard {
  /// @notice `account` can now fetch `amount` wei more.
  event Credited(address indexed account, uint256 amount);
  /// @notice `amount` wei left this contract for `account`.
  event Withdrawn(address indexed account, uint256 amount);

  /// @notice There is nothing to fetch for `account`.
  error NothingToWithdraw(address account);
  /// @notice `account` refused the transfer of `amount` wei.
  error TransferRefused(address account, uint256 amount);

  /// @notice What each account can fetch, in wei.
  mapping(address account => uint256) public claimable;
  /// @notice Sum of all `claimable`, in wei.
  uint256 public totalClaimable;
  /// @notice Everything that ever came in through this contract's functions, in wei.
  uint256 public totalDeposited;
  /// @notice Everything that ever left, in wei.
  uint256 public totalWithdrawn;

  /// @notice Fetches all that the caller is owed here.
  /// @return amount wei sent
  function withdraw() external returns (uint256 amount) {
    return withdrawFor(msg.sender);
  }

  /// @notice Sends `account` what it is owed, whoever pays the gas: for contracts that cannot call (the Treasury).
  /// @return amount wei sent
  function withdrawFor(address account) public nonReentrant returns (uint256 amount) {
    amount = claimable[account];
    if (amount == 0) revert NothingToWithdraw(account);
    claimable[account] = 0;
    totalClaimable -= amount;
    _send(account, amount);
  }

  function _deposited(uint256 amount) internal {
    totalDeposited += amount;
  }

  function _credit(address account, uint256 amount) internal {
    if (amount == 0) return;
    claimable[account] += amount;
    totalClaimable += amount;
    emit Credited(account, amount);
  }

  /// @dev Only from functions that are `nonReentrant`, after all state is written.
  function _send(address account, uint256 amount) internal {
    totalWithdrawn += amount;
    emit Withdrawn(account, amount);
    (bool sent,) = payable(account).call{ value: amount }("");
    if (!sent) revert TransferRefused(account, amount);
  }
}
