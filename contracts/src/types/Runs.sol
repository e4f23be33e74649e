// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Open: can be challenged. Refuted: shown to be false. Stands: nobody showed that in time.
enum StatementState {
  None,
  Open,
  Refuted,
  Stands
}

/// @notice What an adapter's owner vouches for: every unit of its run, and what each has made.
struct Statement {
  address maker;
  /// End of the window, Unix time in seconds.
  uint40 deadline;
  StatementState state;
  uint32 units;
  /// Wei at stake.
  uint128 bond;
  /// Over the units' programs, inputs and sources; follows from public files. See `planLeaf` in libraries/Units.sol.
  bytes32 planRoot;
  /// Over the root of what each unit has made: the list that was posted.
  bytes32 outputsRoot;
}

/// @notice What a call about a statement is judged by.
struct Grounds {
  bytes32 planRoot;
  bytes32 outputsRoot;
  uint256 units;
  /// The root of the unit's trace as its maker has shown it, 0 before; of a proof
  /// about the outcome the hash of the registered program.
  bytes32 other;
}

/// @notice One unit of a statement, with everything that shows it to be that.
struct UnitOpening {
  uint32 index;
  /// See UnitShape in IUnitReferee.sol; 0 where the unit is given: then inputsHash is the root of what it gives.
  bytes32 programHash;
  bytes32 inputsHash;
  /// Earlier units that it reads.
  uint32[] sources;
  /// Siblings of the unit's leaf under the statement's planRoot.
  bytes32[] planProof;
  /// Of the matrices that it makes.
  bytes32 outputRoot;
  /// Siblings of its leaf under the statement's outputsRoot.
  bytes32[] outputProof;
  /// Output root of each source, and its siblings under outputsRoot. 0 and no siblings where the source is not read; where
  /// none can be (replies, outcome, given units) both lists may be empty.
  bytes32[] sourceRoots;
  bytes32[][] sourceProofs;
}
