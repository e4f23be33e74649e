// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Test } from "./Test.sol";

interface Snapshots {
  function snapshotValue(string calldata group, string calldata name, uint256 value) external;
  function cool(address account) external;
}

/// @notice What a call costs as a transaction of its own, written to contracts/snapshots.
abstract contract Metered is Test {
  /// @param touched contracts whose storage the call finds cold
  function _metered(string memory group, string memory name, address to, bytes memory data, address[] memory touched)
    internal
    returns (uint256 used)
  {
    return _meteredPaying(group, name, to, data, touched, 0);
  }

  /// @param value wei sent with the call
  function _meteredPaying(
    string memory group,
    string memory name,
    address to,
    bytes memory data,
    address[] memory touched,
    uint256 value
  ) internal returns (uint256 used) {
    for (uint256 k = 0; k < touched.length; k++) {
      Snapshots(address(vm)).cool(touched[k]);
    }
    used = _gasOf(to, data, value);
    (uint256 standard, uint256 least) = _calldataGas(data);
    used = 21_000 + (standard + used > least ? standard + used : least);
    Snapshots(address(vm)).snapshotValue(group, name, used);
  }

  /// @dev Not a high-level call, which would copy the data to the end of this contract's own large memory.
  function _gasOf(address to, bytes memory data, uint256 value) private returns (uint256 used) {
    bool done;
    assembly ("memory-safe") {
      used := gas()
      done := call(gas(), to, value, add(data, 0x20), mload(data), 0, 0)
      used := sub(used, gas())
    }
    yes(done, "the call is taken");
  }

  /// @dev EIP-2028, and the least that EIP-7623 takes.
  function _calldataGas(bytes memory data) private pure returns (uint256 standard, uint256 least) {
    for (uint256 k = 0; k < data.length; k++) {
      uint256 tokens = data[k] == 0 ? 1 : 4;
      standard += 4 * tokens;
      least += 10 * tokens;
    }
  }
}
