// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LedgerReferee } from "../src/LedgerReferee.sol";
import { IReferee, Opening } from "../src/interfaces/IReferee.sol";
import { IUnitReferee } from "../src/interfaces/IUnitReferee.sol";
import { Instructions } from "../src/libraries/Instructions.sol";
import { RF32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { Steps } from "../src/libraries/Steps.sol";
import { Elements } from "../src/libraries/steps/Element.sol";
import { LedgerTrace, LedgerUnit, Opened, Values } from "./support/LedgerTrace.sol";
import { LedgerVectors } from "./support/LedgerVectors.sol";
import { UnitQuestion } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

/// @notice Operations 0x80 … 0x8f: right elements stand, false ones are convicted, and nothing is judged that is not proved.
contract LedgerRefereeTest is Test, LedgerTrace {
  LedgerReferee private _referee;

  function setUp() public {
    _referee = new LedgerReferee();
    _fillers = 2;
  }

  function test_rightElementsStand() public view {
    for (uint256 k = 0; k < LedgerVectors.COUNT; k++) {
      uint256 count = LedgerVectors.unit(k).made.data.length / 4;
      for (uint32 n = 0; n < count; n++) {
        yes(!this.judged(k, n, type(uint256).max), "the right bits");
      }
    }
  }

  /// @dev Any one bit of any element.
  function test_flippedBitsAreConvicted() public view {
    for (uint256 k = 0; k < LedgerVectors.COUNT; k++) {
      uint256 count = LedgerVectors.unit(k).made.data.length / 4;
      for (uint32 n = 0; n < count; n++) {
        yes(this.judged(k, n, uint256(keccak256(abi.encode(k, n))) % 32), "another bit");
      }
    }
  }

  /// @notice Element n of vector k, with one bit changed where there is such a bit. A call each, so that its memory goes.
  function judged(uint256 k, uint32 n, uint256 bit) external view returns (bool) {
    LedgerUnit memory u = LedgerVectors.unit(k);
    if (bit < 32) u.made.data[4 * uint256(n) + bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
    return _isFalse(_at(u, n));
  }

  /// @dev Without a leaf that the element needs there is no verdict; without another the verdict is the same.
  function test_everyOpeningThatIsReadIsNeeded() public view {
    for (uint256 k = 0; k < LedgerVectors.COUNT; k++) {
      yes(this.neededOpenings(k) > 0, "something is read");
    }
  }

  /// @notice How many of the openings of a false element there is no verdict without.
  function neededOpenings(uint256 k) external view returns (uint256 needed) {
    LedgerUnit memory u = LedgerVectors.unit(k);
    uint32 last = uint32(u.made.data.length / 4 - 1);
    u.made.data[4 * last] ^= 0x01;
    UnitQuestion memory q = _at(u, last);
    Opening[] memory all = q.step.openings;
    q.step.openings = new Opening[](all.length - 1);
    for (uint256 gone = 0; gone < all.length; gone++) {
      for (uint256 i = 0; i + 1 < all.length; i++) {
        q.step.openings[i] = all[i < gone ? i : i + 1];
      }
      try _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step) returns (bool verdict) {
        yes(verdict, "as with it");
      } catch (bytes memory reason) {
        eq(bytes32(bytes4(reason)), bytes32(Elements.ElementMissing.selector), "what is missing");
        needed++;
      }
    }
  }

  /// @dev The list is summed in blocks wherever its rows end.
  /// forge-config: default.fuzz.runs = 500
  function testFuzz_listBlocks(uint16 columns, uint256 seed) public view {
    columns = uint16(bound(columns, 1, 400));
    uint256 rows = 1 + seed % (800 / uint256(columns));
    LedgerUnit memory u = _unit(0x81, "", "", 1);
    bytes memory data = new bytes(4 * rows * columns);
    for (uint256 k = 0; k < data.length / 4; k++) {
      RF32Sums.setValue(data, k, RF32.fromInt(int256((seed >> (k % 200)) % 2001) - 1000).scale2(-5));
    }
    u.given[0] = Values(rows, columns, data);
    uint256 blocks = (rows * columns + 255) / 256;
    uint256 b = (seed >> 128) % blocks;
    u.made = Values(1, blocks, new bytes(4 * blocks));
    RF32Sums.setValue(u.made.data, b, RF32Sums.ofValues(_slice(data, 1024 * b, 1024)));
    yes(!_isFalse(_at(u, uint32(b))), "the block's sum");
  }

  function _slice(bytes memory data, uint256 first, uint256 most) private pure returns (bytes memory part) {
    part = new bytes(data.length - first < most ? data.length - first : most);
    for (uint256 k = 0; k < part.length; k++) {
      part[k] = data[first + k];
    }
  }

  /// @dev −8 steps are the value of greatest magnitude, halves go up, and what would be 8 is 7; the first of two as great decides.
  function test_fourBits() public view {
    _rounds([int256(-32), -28, 2, 3, 4, 1, 32, 31], [int256(-32), -28, 4, 4, 4, 0, 28, 28]);
    _rounds([int256(32), 28, 2, -2, -3, 4, -32, 0], [int256(32), 28, 0, -4, -4, 4, -28, 0]);
  }

  /// @dev In units of 1/8, so that a step is 1/2.
  function _rounds(int256[8] memory values, int256[8] memory rounded) private view {
    LedgerUnit memory u = _unit(0x8c, "", "", 1);
    u.given[0] = Values(1, 8, _eighths(values));
    u.made = Values(1, 8, _eighths(rounded));
    for (uint32 k = 0; k < 8; k++) {
      yes(!_isFalse(_at(u, k)), "rounded");
    }
  }

  function _eighths(int256[8] memory values) private pure returns (bytes memory data) {
    data = new bytes(32);
    for (uint256 k = 0; k < 8; k++) {
      RF32Sums.setValue(data, k, RF32.fromInt(values[k]).scale2(-3));
    }
  }

  /// @dev 2^-42, and the number below it.
  function test_groupsThatAreTooSmall() public view {
    LedgerUnit memory u = _unit(0x8c, "", "", 1);
    u.given[0] = Values(1, 1, hex"0000802a");
    u.made = Values(1, 1, hex"0000802a");
    yes(!_isFalse(_at(u, 0)), "2^-42");
    u.given[0].data = hex"ffff7faa";
    u.made.data = hex"00000000";
    yes(!_isFalse(_at(u, 0)), "less than it, below zero");
  }

  /// @dev A number that no gradient has moved, where all are so and where others were.
  function test_scaleOfWhatDidNotMove() public view {
    LedgerUnit memory u = _unit(0x82, hex"3f0000003f800000", "", 2);
    u.given[0] = Values(1, 1, hex"00000000");
    u.given[1] = Values(1, 1, hex"00000000");
    u.made = Values(1, 1, hex"0000803f");
    yes(!_isFalse(_at(u, 0)), "nothing moved: 1");
    // The floor is half of 32: 16, whose inverse fourth root is 1/2 but for what RF32's functions lose.
    u.given[1].data = hex"00000042";
    yes(_isFalse(_at(u, 0)), "others did");
  }

  /// @dev A pivot at its floor is none, and one above it is.
  function test_pivotsAtTheFloor() public view {
    LedgerUnit memory u = _unit(0x88, "", "", 2);
    u.readsItself = true;
    // 2^-20 of 1, and the number above it; of −1 nothing.
    u.given[0] = Values(1, 1, hex"00008035");
    u.given[1] = Values(1, 1, hex"0000803f");
    u.made = Values(1, 1, hex"00000000");
    yes(!_isFalse(_at(u, 0)), "at the floor");
    u.given[0].data = hex"01008035";
    yes(_isFalse(_at(u, 0)), "above it");
    u.given[1].data = hex"000080bf";
    u.given[0].data = hex"000080bf";
    yes(!_isFalse(_at(u, 0)), "below zero");
  }

  /// @dev A draw of the record itself does not count, nor one whose squares are none; then there is no deviation.
  function test_drawsThatDoNotCount() public view {
    LedgerUnit memory u = _unit(0x8e, "", hex"000000070000000700000008", 2);
    u.given[0] = Values(1, 2, hex"0000803f0000803f");
    u.given[1] = Values(1, 2, hex"0000803f00000000");
    u.made = Values(1, 1, hex"00000000");
    yes(!_isFalse(_at(u, 0)), "none counts");
    u.given[1].data = hex"0000803f0000803f";
    yes(_isFalse(_at(u, 0)), "one counts");
  }

  /// @dev Nobody can have come here honestly.
  function test_whatComesOutInfiniteConvicts() public view {
    LedgerUnit memory u = _unit(0x86, hex"7f7fffff", "", 1);
    u.given[0] = Values(1, 1, hex"ffff7f7f");
    u.made = Values(1, 1, hex"0000807f");
    yes(_isFalse(_at(u, 0)), "infinite");
  }

  function test_otherOperationsAreNoneHere() public {
    uint8[4] memory ops = [0x00, 0x7f, 0x90, 0xff];
    for (uint256 k = 0; k < ops.length; k++) {
      LedgerUnit memory u = LedgerVectors.unit(LedgerVectors.COUNT - 1);
      u.op = ops[k];
      _refuses(_at(u, 0), abi.encodeWithSelector(Steps.StepUnknown.selector, uint256(ops[k])));
    }
  }

  function test_whatAnInstructionLacks() public {
    // Parameters.
    for (uint256 k = 0; k < LedgerVectors.COUNT; k++) {
      LedgerUnit memory u = LedgerVectors.unit(k);
      if (u.params.length == 0) continue;
      u.params = "";
      _refuses(_at(u, 0), abi.encodeWithSelector(Instructions.InstructionLacks.selector, uint256(0)));
    }
    // Scalars.
    for (uint256 k = 0; k < LedgerVectors.COUNT; k++) {
      LedgerUnit memory u = LedgerVectors.unit(k);
      if (u.op != 0x8d && u.op != 0x8e) continue;
      u.scalars = "";
      _refuses(_at(u, 0), abi.encodeWithSelector(Elements.ElementNoScalar.selector, uint256(0)));
    }
  }

  function test_everyPartOfAStepIsProved() public {
    LedgerUnit memory u = LedgerVectors.unit(0);
    UnitQuestion memory q = _at(u, 0);
    q.unit.programHash ^= bytes32(uint256(1));
    _refuses(q, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    q = _at(u, 0);
    q.unit.sourceRoots = new bytes32[](2);
    _refuses(q, abi.encodeWithSelector(IUnitReferee.RefereeWrongUnit.selector));
    q = _at(u, 0);
    q.step.inputs = bytes.concat(q.step.inputs, hex"00000000");
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInputs.selector));
    q = _at(u, 0);
    q.step.index = 1;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongInstruction.selector, uint256(1)));
    q = _at(u, 0);
    q.step.row = uint32(u.made.rows);
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeOutside.selector, u.made.rows, uint256(0)));
    q = _at(u, 0);
    q.step.column = uint32(u.made.columns);
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeOutside.selector, uint256(0), u.made.columns));
    q = _at(u, 0);
    q.unit.outputRoot ^= bytes32(uint256(1));
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(255), uint256(0)));
    q = _at(u, 0);
    q.step.output.leaf = 1;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(255), uint256(1)));
    q = _at(u, 0);
    q.unit.sourceRoots[0] = 0;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(0), uint256(0)));
    q = _at(u, 0);
    q.step.openings[3].values[5] ^= 0x01;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(3), uint256(0)));
    q = _at(u, 0);
    q.step.openings[2].proof = new bytes32[](1);
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(2), uint256(0)));
    q = _at(u, 0);
    q.step.openings[2].input = uint8(u.given.length);
    _refuses(q, abi.encodeWithSelector(Instructions.InstructionLacks.selector, u.given.length));
  }

  /// @dev A leaf of another row may be large: the element's own leaf is asked for.
  function test_theElementsOwnLeaf() public {
    LedgerUnit memory u = _unit(0x8f, "", "", 1);
    u.given[0] = Values(2, 200, new bytes(1600));
    u.made = Values(2, 200, new bytes(1600));
    UnitQuestion memory q = _ask(u, 1, 7, new Opened[](0));
    yes(!_isFalse(q), "right");
    q.step.row = 0;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, uint256(255), uint256(1)));
  }

  function test_tooManyOpenings() public {
    LedgerUnit memory u = LedgerVectors.unit(0);
    UnitQuestion memory q = _at(u, 0);
    Opening[] memory many = new Opening[](65);
    for (uint256 k = 0; k < 65; k++) {
      many[k] = q.step.openings[k % q.step.openings.length];
    }
    q.step.openings = many;
    _refuses(q, abi.encodeWithSelector(IReferee.RefereeTooManyOpenings.selector, uint256(65)));
  }

  /// @dev What the claim holds for a matrix that reads itself counts, not what would be right: a false value convicts where it
  /// was made, and what follows from it stands.
  function test_whatFollowsFromAFalseValue() public view {
    LedgerUnit memory u = _unit(0x89, "", "", 2);
    u.readsItself = true;
    // x · L[2,2]ᵀ = B: L = 1, 0; 1, 1. B = 3, 5. x = 3, 2.
    u.given[0] = Values(1, 2, hex"000040400000a040");
    u.given[1] = Values(2, 2, hex"0000803f000000000000803f0000803f");
    u.made = Values(1, 2, hex"0000404000000040");
    yes(!_isFalse(_at(u, 0)) && !_isFalse(_at(u, 1)), "right");
    // x = 4, 1.
    u.made.data = hex"000080400000803f";
    yes(_isFalse(_at(u, 0)) && !_isFalse(_at(u, 1)), "forward");
    // The other way round x · L = B: x = −2, 5; then −1, 4.
    u.op = 0x8a;
    u.made.data = hex"000000c00000a040";
    yes(!_isFalse(_at(u, 0)) && !_isFalse(_at(u, 1)), "right");
    u.made.data = hex"000080bf00008040";
    yes(!_isFalse(_at(u, 0)) && _isFalse(_at(u, 1)), "backward");
  }

  function _unit(uint8 op, bytes memory params, bytes memory scalars, uint256 given)
    private
    pure
    returns (LedgerUnit memory u)
  {
    (u.op, u.params, u.scalars, u.given) = (op, params, scalars, new Values[](given));
  }

  /// @dev About element n.
  function _at(LedgerUnit memory u, uint32 n) private view returns (UnitQuestion memory) {
    uint32 columns = uint32(u.made.columns);
    return _ask(u, n / columns, n % columns, new Opened[](0));
  }

  function _isFalse(UnitQuestion memory q) private view returns (bool) {
    return _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }

  function _refuses(UnitQuestion memory q, bytes memory reason) private {
    vm.expectRevert(reason);
    _referee.isFalseUnit(q.unit, q.shape, q.innerRoot, q.step);
  }
}
