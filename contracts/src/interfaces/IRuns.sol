// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterId } from "../types/Ids.sol";
import { Statement, StatementState } from "../types/Runs.sol";

/// @title Statements about how adapters were made, and how false ones lose their bonds
interface IRuns {
  /// @notice `cid`: 32 bytes a unit, the roots of what they have made, in order.
  event Vouched(
    AdapterId indexed adapterId,
    address indexed maker,
    bytes32 planRoot,
    bytes32 outputsRoot,
    uint32 units,
    uint256 bond,
    uint256 deadline,
    string cid
  );
  /// @notice The maker has said what the unit computed inside, and which root among the statement's is its output's.
  event TraceShown(AdapterId indexed adapterId, uint32 unit, bytes32 innerRoot, bytes32 outputRoot);
  /// @notice Nobody has shown it to be false in time; the bond is the maker's again.
  event Stood(AdapterId indexed adapterId, address indexed maker, uint256 bond);
  /// @notice `reward` went to the challenger, `toPool` to the pool of the adapter's Datanet; wei.
  event RunRefuted(AdapterId indexed adapterId, address indexed challenger, uint256 reward, uint256 toPool);

  /// @notice Only who owns the adapter can vouch for its run.
  error NotTheOwner(AdapterId id, address caller);
  /// @notice There is one statement about each adapter's run, and it was made.
  error AlreadyVouched(AdapterId id);
  /// @notice What is wrong with the statement: the field.
  error BadStatement(string field);
  /// @notice The bond must be at least this, in wei.
  error BondTooSmall(uint256 sent, uint256 least);
  /// @notice The statement is not in the state that this needs.
  error WrongStatement(AdapterId id, StatementState state);
  /// @notice The statement can be challenged until `until` (Unix time, seconds); the greatest number while a demand is open.
  error StatementHeld(AdapterId id, uint256 until);
  /// @notice The plan has no such unit, or another here, or the outputs' tree another root for it.
  error WrongUnit(AdapterId id, uint256 unit);
  /// @notice The unit reads earlier ones only, and their roots have to be the statement's.
  error WrongSource(AdapterId id, uint256 unit, uint256 source);
  /// @notice Before anything of a unit's trace can be asked for or proved, its maker must have shown the trace's root.
  error TraceNotShown(AdapterId id, uint32 unit);
  /// @notice Only the maker says what the trace's root is.
  error NotTheMaker(AdapterId id, address caller);

  /// @notice The adapter's run was vouched for, and that was false.
  function isRefuted(AdapterId id) external view returns (bool);
  /// @notice State None where nobody has vouched.
  function statement(AdapterId id) external view returns (Statement memory);
  /// @notice Root over the unit's inner matrices, as its maker has shown it; 0 before.
  function traceOf(AdapterId id, uint32 unit) external view returns (bytes32 innerRoot);
}
