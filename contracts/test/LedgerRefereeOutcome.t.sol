// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LedgerReferee } from "../src/LedgerReferee.sol";
import { Outcome } from "../src/interfaces/ILedgerReferee.sol";
import { Header, IReferee } from "../src/interfaces/IReferee.sol";
import { IUnitReferee, Unit, UnitShape } from "../src/interfaces/IUnitReferee.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { LedgerTrace, Values } from "./support/LedgerTrace.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Test } from "./support/Test.sol";

/// @notice What a run has come to against the constants that its adapter is registered with.
contract LedgerRefereeOutcomeTest is Test, LedgerTrace {
  /// @dev The unit makes three matrices, which are constants 4, 0 and 2 of the registered program.
  uint256 private constant OUTPUTS = 3;
  uint256 private constant CONSTANTS = 6;

  LedgerReferee private _referee;

  struct Asked {
    Unit unit;
    bytes32 registered;
    Outcome outcome;
  }

  function setUp() public {
    _referee = new LedgerReferee();
  }

  /// @dev Of shape [k + 1, 200], so two rows of the second are two leaves; one byte of each value is `salt`.
  function _matrix(uint256 k, bytes1 salt) private pure returns (Values memory) {
    bytes memory data = new bytes(800 * (k + 1));
    for (uint256 i = 0; i < data.length; i++) {
      data[i] = i % 4 == 1 ? salt : bytes1(uint8(i + k));
    }
    return Values(k + 1, 200, data);
  }

  function _constantOf(uint256 output) private pure returns (uint256) {
    return output == 0 ? 4 : output == 1 ? 0 : 2;
  }

  /// @param constants_ changed bytes of the registered constant
  function _about(uint256 output, uint32 leaf, bytes1 constants_) private view returns (Asked memory) {
    return _against(output, leaf, _matrix(output, constants_), leaf);
  }

  /// @param registered what the registered program has in place of what the unit made
  function _against(uint256 output, uint32 leaf, Values memory registered, uint32 givenLeaf)
    private
    view
    returns (Asked memory a)
  {
    Outcome memory o = a.outcome;
    Values[] memory made = new Values[](OUTPUTS);
    Values[] memory given = new Values[](CONSTANTS);
    for (uint256 k = 0; k < CONSTANTS; k++) {
      given[k] = _matrix(10 + k, 0x11);
    }
    for (uint256 k = 0; k < OUTPUTS; k++) {
      made[k] = _matrix(k, 0x11);
      given[_constantOf(k)] = k == output ? registered : made[k];
    }
    (o.givenRows, o.givenColumns) = (uint32(registered.rows), uint32(registered.columns));
    (o.rows, o.columns) = (uint32(made[output].rows), uint32(made[output].columns));
    o.output = uint32(output);
    (bytes32[] memory outputs, bytes32[] memory constants) = (_tops(made), _tops(given));
    o.made = _open(made[output], 0, leaf, outputs, output);
    o.given = _open(registered, 0, givenLeaf, constants, _constantOf(output));
    // Another number comes before those of the outputs.
    o.inputs = _fed(hex"0000000900000004" hex"0000000000000002");
    o.header = Header(keccak256("instructions"), 5, keccak256("constants"), 2, 0);
    (o.shape.outputs, o.shape.sources) = (OUTPUTS, new uint256[](2));
    o.registered = Header(keccak256("others"), 2400, MerkleTree.root(constants), CONSTANTS, 7);
    a.unit.sourceRoots = new bytes32[](2);
    a.unit.outputRoot = MerkleTree.root(outputs);
    _name(a);
  }

  /// @dev Hashes as the contents say.
  function _name(Asked memory a) private pure {
    a.unit.inputsHash = keccak256(a.outcome.inputs);
    a.unit.programHash = keccak256(abi.encode(a.outcome.header, a.outcome.shape));
    a.registered = keccak256(abi.encode(a.outcome.registered));
  }

  function _isOther(Asked memory a) private view returns (bool) {
    return _referee.isOtherOutcome(a.unit, a.registered, a.outcome);
  }

  function _refuses(Asked memory a, bytes memory reason) private {
    vm.expectRevert(reason);
    _referee.isOtherOutcome(a.unit, a.registered, a.outcome);
  }

  function _refusesOpening(Asked memory a, uint256 input, uint256 leaf) private {
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, input, leaf));
  }

  function test_aRightOutcomeStandsAndAnotherDoesNot() public view {
    for (uint256 output = 0; output < OUTPUTS; output++) {
      for (uint32 leaf = 0; leaf <= output; leaf++) {
        yes(!_isOther(_about(output, leaf, 0x11)), "the same");
        yes(_isOther(_about(output, leaf, 0x12)), "another");
      }
    }
  }

  function test_theUnitIsProved() public {
    Asked memory a = _about(1, 0, 0x12);
    a.outcome.header.constantCount++;
    _refuses(a, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    a = _about(1, 0, 0x12);
    a.outcome.shape.outputs = 2;
    _refuses(a, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    a = _about(1, 0, 0x12);
    a.unit.programHash ^= bytes32(uint256(1));
    _refuses(a, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    a = _about(1, 0, 0x12);
    a.unit.sourceRoots = new bytes32[](1);
    _refuses(a, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    // More outputs than instructions.
    a = _about(1, 0, 0x12);
    a.outcome.header.instructionCount = 2;
    _name(a);
    _refuses(a, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
  }

  /// @dev The numbers of the constants are what the unit is fed.
  function test_theInputsAreProved() public {
    Asked memory a = _about(1, 0, 0x12);
    a.outcome.inputs = _fed(hex"0000000900000004" hex"0000000400000002");
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    // Fed so, it is about another constant.
    _name(a);
    _refusesOpening(a, 0, 0);
    // Fewer numbers than outputs: the words before are none.
    a = _about(1, 0, 0x12);
    a.outcome.inputs = _fed(hex"0000000000000002");
    _name(a);
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    // No texts.
    a.outcome.inputs = hex"0000000000000002";
    _name(a);
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
  }

  /// @dev One row too few, one too many, other columns, and the same bytes in another form.
  function test_aConstantOfAnotherSizeIsAnotherOutcome() public view {
    uint256[2][7] memory sizes = [
      [uint256(2), 200],
      [uint256(4), 200],
      [uint256(3), 199],
      [uint256(3), 201],
      [uint256(200), 3],
      [uint256(1), 600],
      [uint256(600), 1]
    ];
    for (uint256 k = 0; k < sizes.length; k++) {
      (uint256 rows, uint256 columns) = (sizes[k][0], sizes[k][1]);
      bytes memory data = new bytes(4 * rows * columns);
      bytes memory same = _matrix(2, 0x11).data;
      for (uint256 i = 0; i < data.length && i < same.length; i++) {
        data[i] = same[i];
      }
      // Any leaf of either.
      uint256 last = Leaves.count(rows, columns) - 1;
      yes(_isOther(_against(2, 0, Values(rows, columns, data), 0)), "the first leaves");
      yes(_isOther(_against(2, 2, Values(rows, columns, data), 0)), "last and first");
      yes(_isOther(_against(2, 0, Values(rows, columns, data), uint32(last))), "first and last");
    }
  }

  /// @dev Who says that the registered constant has another size has to prove it.
  function test_noOtherSizeIsProvedOfARightConstant() public {
    uint32[2][10] memory sizes = [
      [uint32(2), 200],
      [uint32(4), 200],
      [uint32(3), 199],
      [uint32(3), 201],
      [uint32(200), 3],
      [uint32(1), 600],
      [uint32(600), 1],
      [uint32(0), 200],
      [uint32(3), 0],
      [uint32(0), 0]
    ];
    for (uint256 k = 0; k < sizes.length; k++) {
      Asked memory a = _about(2, 1, 0x11);
      (a.outcome.givenRows, a.outcome.givenColumns) = (sizes[k][0], sizes[k][1]);
      _refusesOpening(a, 0, 1);
      // Nor of a false one, of which another proof is right.
      a = _about(2, 1, 0x12);
      (a.outcome.givenRows, a.outcome.givenColumns) = (sizes[k][0], sizes[k][1]);
      _refusesOpening(a, 0, 1);
      // Without values, as of a matrix that has none.
      a.outcome.given.values = "";
      _refusesOpening(a, 0, 1);
    }
  }

  /// @dev Another size of both, so that they are equal: what the unit made has its own.
  function test_whatTheUnitMadeHasOneSize() public {
    Asked memory a = _against(2, 0, Values(2, 200, _matrix(1, 0x11).data), 0);
    a.outcome.rows = 2;
    _refusesOpening(a, 255, 0);
    a = _about(2, 1, 0x11);
    (a.outcome.rows, a.outcome.columns) = (4, 200);
    _refusesOpening(a, 255, 1);
  }

  /// @dev The run's constants are 4, 0 and 2.
  function test_aConstantThatTheRegisteredProgramHasNotIsAnotherOutcome() public {
    for (uint256 count = 0; count < 5; count++) {
      Asked memory a = _about(0, 0, 0x11);
      a.outcome.registered.constantCount = count;
      delete a.outcome.given;
      (a.outcome.givenRows, a.outcome.givenColumns) = (0, 0);
      // Said of the right program.
      _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
      _name(a);
      yes(_isOther(a), "fewer constants");
      a.outcome.made.values[3] ^= 0x01;
      _refusesOpening(a, 255, 0);
    }
    // Of a constant that it has, nothing is shown without a leaf.
    for (uint256 output = 0; output < OUTPUTS; output++) {
      Asked memory a = _about(output, 0, 0x12);
      delete a.outcome.given;
      _refusesOpening(a, 0, 0);
      (a.outcome.givenRows, a.outcome.givenColumns) = (0, 0);
      _refusesOpening(a, 0, 0);
    }
    // The last that there is has to be proved.
    Asked memory last = _about(0, 0, 0x11);
    last.outcome.registered.constantCount = 5;
    _name(last);
    _refusesOpening(last, 0, 0);
  }

  function test_theRegisteredProgramIsProved() public {
    Asked memory a = _about(1, 0, 0x12);
    a.outcome.registered.window = 8;
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
    a = _about(1, 0, 0x12);
    a.registered ^= bytes32(uint256(1));
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeWrongHeader.selector));
    // Another count would be another tree.
    a = _about(1, 0, 0x12);
    a.outcome.registered.constantCount = 5;
    _name(a);
    _refusesOpening(a, 0, 0);
  }

  function test_bothLeavesAreProvedAndTheSame() public {
    Asked memory a = _about(1, 1, 0x12);
    a.unit.outputRoot = a.outcome.registered.constantsRoot;
    _refusesOpening(a, 255, 1);
    a = _about(1, 1, 0x12);
    a.outcome.made.values[3] ^= 0x01;
    _refusesOpening(a, 255, 1);
    a = _about(1, 1, 0x12);
    a.outcome.given.values[3] ^= 0x01;
    _refusesOpening(a, 0, 1);
    a = _about(1, 1, 0x12);
    a.outcome.given = _about(1, 0, 0x12).outcome.given;
    _refusesOpening(a, 0, 0);
    a = _about(1, 1, 0x12);
    a.outcome.made.leaf = 2;
    _refusesOpening(a, 255, 2);
    a = _about(1, 1, 0x12);
    a.outcome.output = 0;
    _refusesOpening(a, 255, 1);
    a = _about(1, 1, 0x12);
    a.outcome.output = uint32(OUTPUTS);
    _refuses(a, abi.encodeWithSelector(IReferee.RefereeOutside.selector, OUTPUTS, uint256(0)));
    a = _about(1, 1, 0x12);
    (a.outcome.rows, a.outcome.columns) = (1, 400);
    _refusesOpening(a, 255, 1);
    a = _about(1, 1, 0x12);
    a.outcome.given.proof = new bytes32[](0);
    _refusesOpening(a, 0, 1);
  }
}
