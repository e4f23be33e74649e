// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Settlement } from "../../src/Settlement.sol";
import { WithdrawItem } from "../../src/interfaces/ISettlement.sol";

/// @notice A contributor that reverts when it is paid, until it relents.
contract RefusingContributor {
  Settlement private immutable _settlement;
  bool private _willing;

  constructor(Settlement settlement) {
    _settlement = settlement;
  }

  function relent() external {
    _willing = true;
  }

  function take(WithdrawItem[] calldata items) external {
    _settlement.withdrawPayouts(items);
  }

  receive() external payable {
    if (!_willing) revert();
  }
}
