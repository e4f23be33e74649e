// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Unit } from "../interfaces/IUnitReferee.sol";
import { Grounds, UnitOpening } from "../types/Runs.sol";
import { Merkle } from "./Merkle.sol";

/// @title Units under the two roots of a statement
/// @notice The same leaves as `planLeaf` and `outputLeaf` in src/attribution/runs.
library Units {
  /// @notice abi.encode(programHash, inputsHash, uint256[] sources).
  function planLeaf(UnitOpening calldata o) internal pure returns (bytes32) {
    return Merkle.leaf(abi.encode(o.programHash, o.inputsHash, o.sources));
  }

  /// @notice The 32 bytes of the root over what a unit has made.
  function outputLeaf(bytes32 outputRoot) internal pure returns (bytes32) {
    return Merkle.leaf(abi.encode(outputRoot));
  }

  /// @notice Whether the plan has this unit at its place, and the outputs this root there.
  function isUnit(Grounds memory s, UnitOpening calldata o) internal pure returns (bool) {
    return Merkle.verify(s.planRoot, s.units, o.index, planLeaf(o), o.planProof)
      && isOutput(s, o.index, o.outputRoot, o.outputProof);
  }

  function isOutput(Grounds memory s, uint256 unit, bytes32 outputRoot, bytes32[] calldata proof)
    internal
    pure
    returns (bool)
  {
    return Merkle.verify(s.outputsRoot, s.units, unit, outputLeaf(outputRoot), proof);
  }

  /// @notice The first source whose root is not shown to be that of an earlier unit; as many as there are sources where
  /// all are. A source whose root is given as 0 is not needed: nothing stands under that.
  function wrongSource(Grounds memory s, UnitOpening calldata o) internal pure returns (uint256 k) {
    for (; k < o.sources.length; k++) {
      if (k >= o.sourceRoots.length || k >= o.sourceProofs.length) return k;
      if (o.sourceRoots[k] == 0) continue;
      if (o.sources[k] >= o.index || !isOutput(s, o.sources[k], o.sourceRoots[k], o.sourceProofs[k])) return k;
    }
  }

  /// @notice What a referee is told about a unit whose opening is right, where nothing of its sources is read: their roots are
  /// not looked at, and none is needed.
  function unitOf(UnitOpening calldata o) internal pure returns (Unit memory) {
    return Unit(o.programHash, o.inputsHash, o.outputRoot, new bytes32[](o.sources.length));
  }
}
