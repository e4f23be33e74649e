// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Bounds on text that is kept on chain
/// @notice Everything written here comes from strangers and is shown to people: lengths are bounded in bytes.
library Text {
  /// @notice The text is empty or longer than allowed.
  /// @param field what the text was for: "name", "cid", "reason"
  /// @param length its length in bytes
  /// @param longest the most that is allowed, in bytes
  error TextLength(string field, uint256 length, uint256 longest);

  uint256 internal constant LONGEST_NAME = 80;
  uint256 internal constant LONGEST_CID = 128;
  uint256 internal constant LONGEST_REASON = 1000;

  function requireName(string calldata text) internal pure {
    _require("name", bytes(text).length, LONGEST_NAME);
  }

  function requireCid(string calldata text) internal pure {
    _require("cid", bytes(text).length, LONGEST_CID);
  }

  function requireReason(string calldata text) internal pure {
    _require("reason", bytes(text).length, LONGEST_REASON);
  }

  function _require(string memory field, uint256 length, uint256 longest) private pure {
    if (length == 0 || length > longest) revert TextLength(field, length, longest);
  }
}
