// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Header, Opening, Step } from "./IReferee.sol";
import { Unit, UnitShape } from "./IUnitReferee.sol";

/// @notice One leaf of a constant that a run made, and one of the same constant of the program that its adapter is registered
/// with. The unit that makes such constants is the run's last: its scalars, the last words of its inputs, say for each of its
/// outputs which constant of that program it is.
struct Outcome {
  /// The unit's program: keccak256(abi.encode(header, shape)) is its hash.
  Header header;
  UnitShape shape;
  /// Of the unit.
  bytes inputs;
  /// Which of the unit's outputs.
  uint32 output;
  uint32 rows;
  uint32 columns;
  /// A leaf of it; `input` has no meaning.
  Opening made;
  /// The registered program's.
  Header registered;
  /// As large as the registered program's constant is; no meaning where that has no such constant, and so the next two.
  uint32 givenRows;
  uint32 givenColumns;
  /// A leaf of it: the same where the constant is as large as what the unit made, any where it is not.
  Opening given;
}

/// @title Does an element of what a run makes of its gradients follow from what stands before it?
/// @notice As IUnitReferee, for instructions whose operation is 0x80 or above. Errors are those of IReferee and IUnitReferee.
interface ILedgerReferee {
  /// @notice Whether the claimed element is another than the one that its instruction gives.
  function isFalseUnit(Unit calldata unit, UnitShape calldata shape, bytes32 innerRoot, Step calldata step)
    external
    view
    returns (bool);

  /// @notice Whether what the unit made is another than the registered program's constant: that program has fewer constants,
  /// or this one has other rows or columns, or the leaf holds other values.
  /// @dev Reverts where a leaf is not proved, the programs are others, or two leaves of one size are not the same place. A
  /// leaf's proof fixes the size of its matrix (Openings.sol), so no constant passes for one of another size.
  function isOtherOutcome(Unit calldata unit, bytes32 registeredProgram, Outcome calldata outcome)
    external
    view
    returns (bool);
}
