// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Settlement } from "../../src/Settlement.sol";
import { WithdrawItem } from "../../src/interfaces/ISettlement.sol";
import { AnswerOpening } from "../../src/types/Answers.sol";
import { ClaimId } from "../../src/types/Ids.sol";

/// @notice A contributor that calls back while it is being paid.
contract ReenteringContributor {
  Settlement private immutable _settlement;
  ClaimId private _claim;
  AnswerOpening private _opening;
  uint256 private _amount;
  bool private _insist;
  /// @notice The first bytes of what stopped the inner call.
  bytes4 public reason;

  constructor(Settlement settlement) {
    _settlement = settlement;
  }

  function take(ClaimId claim, AnswerOpening calldata opening, uint256 amount, bool insist) external {
    _opening = opening;
    (_claim, _amount, _insist) = (claim, amount, insist);
    _settlement.withdrawPayouts(_items());
  }

  function _items() private view returns (WithdrawItem[] memory items) {
    items = new WithdrawItem[](1);
    items[0] = WithdrawItem(_claim, _opening, 0, _amount, new bytes32[](0));
  }

  receive() external payable {
    try _settlement.withdrawPayouts(_items()) { }
    catch (bytes memory why) {
      if (_insist) revert();
      reason = bytes4(why);
    }
  }
}
