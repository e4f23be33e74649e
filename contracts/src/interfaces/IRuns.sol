// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterId } from "../types/Ids.sol";
import { Statement, StatementState } from "../types/Runs.sol";

/// @title Statements about how adapters were made, and how false ones lose their bonds
interface IRuns {
  /// @notice Roots of what the units from `first` on have made, 32 bytes each. `first` is where the list ended; or 0, and it
  /// begins again. The list of a statement is what was posted until it was made.
  event Posted(AdapterId indexed adapterId, uint32 first, bytes roots);
  event Vouched(
    AdapterId indexed adapterId,
    address indexed maker,
    bytes32 planRoot,
    bytes32 outputsRoot,
    uint32 units,
    uint256 bond,
    uint256 deadline
  );
  /// @notice The maker has said what the unit computed inside.
  event TraceShown(AdapterId indexed adapterId, uint32 unit, bytes32 innerRoot);
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
  /// @notice A part of the list begins where the list ends, after `posted` roots, or at 0.
  error WrongPart(AdapterId id, uint256 posted);
  /// @notice The list that was posted has this root, and not the one that is vouched for.
  error WrongList(AdapterId id, bytes32 outputsRoot);
  /// @notice The bond must be at least this, in wei.
  error BondTooSmall(uint256 sent, uint256 least);
  /// @notice The statement is not in the state that this needs.
  error WrongStatement(AdapterId id, StatementState state);
  /// @notice The statement can be challenged until `until` (Unix time, seconds); the greatest number while a demand is open.
  error StatementHeld(AdapterId id, uint256 until);
  /// @notice The plan has no such unit, or another here, or the list another root for it.
  error WrongUnit(AdapterId id, uint256 unit);
  /// @notice The unit reads earlier ones only, and their roots have to be the statement's.
  error WrongSource(AdapterId id, uint256 unit, uint256 source);
  /// @notice Before anything of a unit's trace can be proved, its maker must have shown the trace's root.
  error TraceNotShown(AdapterId id, uint32 unit);
  /// @notice Only the maker says what the trace's root is.
  error NotTheMaker(AdapterId id, address caller);

  /// @notice The adapter's run was vouched for, and that was false.
  function isRefuted(AdapterId id) external view returns (bool);
  /// @notice State None where nobody has vouched.
  function statement(AdapterId id) external view returns (Statement memory);
  /// @notice How many roots of its units were posted for an adapter, and the Merkle root of them; of a list that began again, of what
  /// came since. What is posted with a statement itself does not count.
  function posted(AdapterId id) external view returns (uint32 count, bytes32 root);
  /// @notice Root over the unit's inner matrices, as its maker has shown it; 0 before.
  function traceOf(AdapterId id, uint32 unit) external view returns (bytes32 innerRoot);
}
