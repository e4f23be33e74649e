// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { ReentrancyGuard } from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

/// @title Treasury
/// @notice Stands in for the stakers until staking exists: it receives the stakers' part of every fee and the slashed
/// part of rejected stakes, and governance (its owner) decides over it in the open. Amounts in wei of OPEN.
/// @dev Money arrives through `PullPayments.withdrawFor(treasury)`, which anyone may call.
contract Treasury is Ownable2Step, ReentrancyGuard {
  /// @notice Shown beside this contract wherever it appears.
  string public constant LABEL = "Treasury: stands in for the stakers until staking exists";

  event Received(address indexed from, uint256 amount);
  event Spent(address indexed to, uint256 amount, string purpose);

  /// @notice More was asked for than is here.
  error NotEnough(uint256 asked, uint256 balance);
  /// @notice `to` refused the transfer.
  error TransferRefused(address to, uint256 amount);

  constructor(address governance) Ownable(governance) { }

  receive() external payable {
    emit Received(msg.sender, msg.value);
  }

  /// @notice Governance sends `amount` wei to `to` and says what for.
  function spend(address payable to, uint256 amount, string calldata purpose) external onlyOwner nonReentrant {
    if (amount > address(this).balance) revert NotEnough(amount, address(this).balance);
    emit Spent(to, amount, purpose);
    (bool sent,) = to.call{ value: amount }("");
    if (!sent) revert TransferRefused(to, amount);
  }
}
