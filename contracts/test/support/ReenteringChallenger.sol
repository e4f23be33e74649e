// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "../../src/PullPayments.sol";

/// @notice A challenger that asks again while it is being paid.
contract ReenteringChallenger {
  PullPayments private immutable _from;
  /// @notice The first bytes of what stopped the inner call.
  bytes4 public reason;

  constructor(PullPayments from) {
    _from = from;
  }

  receive() external payable {
    try _from.withdrawFor(address(this)) { }
    catch (bytes memory why) {
      reason = bytes4(why);
    }
  }
}
