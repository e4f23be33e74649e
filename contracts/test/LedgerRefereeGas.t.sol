// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LedgerReferee } from "../src/LedgerReferee.sol";
import { ILedgerReferee } from "../src/interfaces/ILedgerReferee.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { RF32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { LedgerTrace, LedgerUnit, Opened, Values } from "./support/LedgerTrace.sol";
import { UnitQuestion } from "./support/RefereeTrace.sol";
import { Test } from "./support/Test.sol";

interface Snapshots {
  function snapshotValue(string calldata group, string calldata name, uint256 value) external;
}

/// @notice What the dearest step of each kind costs a challenger as a transaction of its own (contracts/snapshots/LedgerReferee.json):
/// units of up to 128 instructions, sources of up to 144 matrices, tiles of 64.
contract LedgerRefereeGasTest is Test, LedgerTrace {
  LedgerReferee private _referee;

  function setUp() public {
    _referee = new LedgerReferee();
    _fillers = 127;
  }

  /// @dev Sixteen gradients and what was before them.
  function test_squareSum() public {
    LedgerUnit memory u = _unit(0x80, hex"00000001", 17, 8, 896);
    _measure("squares of 16 gradients", u, 5, 700, _each(u, Leaves.leafOf(896, 5, 700)));
  }

  function test_listBlocks() public {
    LedgerUnit memory u = _unit(0x81, "", 1, 300, 8);
    u.made = _values(1, 10);
    _measure("sum of 256 numbers of a list", u, 0, 4, _each(u, 4));
  }

  function test_gradientScale() public {
    LedgerUnit memory u = _unit(0x82, hex"3089705f4e800000", 2, 8, 896);
    u.given[1] = _values(1, 1);
    Opened[] memory opened = _each(u, Leaves.leafOf(896, 5, 700));
    opened[1].leaf = 0;
    _measure("scale of a number", u, 5, 700, opened);
  }

  function test_tileUpdate() public {
    LedgerUnit memory u = _unit(0x87, "", 3, 64, 64);
    Opened[] memory opened = _each(u, 15);
    opened[2].leaf = 14;
    _measure("tile: one panel taken away", u, 63, 59, opened);
  }

  /// @dev Off the diagonal two rows of L and the pivot; on it one, and a root.
  function test_choleskyBlock() public {
    LedgerUnit memory u = _unit(0x88, "", 2, 64, 64);
    u.readsItself = true;
    Opened[] memory opened = new Opened[](3);
    (opened[0], opened[1], opened[2]) = (Opened(0, 15), Opened(2, 15), Opened(2, 14));
    _measure("factor: element 63, 59", u, 63, 59, opened);
    opened[2] = Opened(1, 15);
    _measure("factor: pivot 63", u, 63, 63, opened);
  }

  function test_solveRows() public {
    LedgerUnit memory u = _unit(0x89, "", 2, 64, 64);
    u.readsItself = true;
    Opened[] memory opened = new Opened[](3);
    (opened[0], opened[1], opened[2]) = (Opened(0, 15), Opened(1, 15), Opened(2, 15));
    _measure("solve: column 63", u, 63, 63, opened);
    // Backward a column of L, of which each leaf holds four.
    u.op = 0x8a;
    opened = new Opened[](18);
    for (uint32 k = 0; k < 16; k++) {
      opened[k] = Opened(1, k);
    }
    (opened[16], opened[17]) = (Opened(0, 15), Opened(2, 15));
    _measure("solve back: column 0", u, 63, 0, opened);
  }

  /// @dev Of a curvature from 4,096 draws.
  function test_foldMatrices() public {
    LedgerUnit memory u = _unit(0x8b, "", 16, 8, 512);
    _measure("sum of 16 products", u, 5, 300, _each(u, Leaves.leafOf(512, 5, 300)));
  }

  function test_quantised() public {
    LedgerUnit memory u = _unit(0x8c, "", 1, 8, 1536);
    _measure("number of a row in four bits", u, 5, 700, _each(u, Leaves.leafOf(1536, 5, 700)));
    // As many units as one can read.
    _moreSources = 252;
    _measure("number of a row in four bits, 253 sources", u, 5, 700, _each(u, Leaves.leafOf(1536, 5, 700)));
  }

  function test_chance() public {
    LedgerUnit memory u = _unit(0x8d, hex"000001c0", 2, 64, 64);
    u.given[1] = _values(1, 64);
    u.scalars = _owners(512);
    Opened[] memory opened = _each(u, 15);
    opened[1].leaf = 0;
    _measure("chance: one term", u, 63, 63, opened);
    u = _unit(0x8e, "", 2, 64, 512);
    u.given[1] = _values(1, 512);
    (u.made, u.scalars) = (_values(64, 1), _owners(512));
    opened = new Opened[](4);
    (opened[0], opened[1], opened[2], opened[3]) = (Opened(0, 126), Opened(0, 127), Opened(1, 0), Opened(1, 1));
    _measure("chance: deviation of 512 draws", u, 63, 0, opened);
  }

  /// @dev The first draw is of the first row's record, and so on.
  function _owners(uint32 count) private pure returns (bytes memory scalars) {
    scalars = hex"00000000";
    for (uint32 k = 0; k < count; k++) {
      scalars = abi.encodePacked(scalars, k);
    }
  }

  /// @dev All matrices are of one size.
  function _unit(uint8 op, bytes memory params, uint256 given, uint256 rows, uint256 columns)
    private
    pure
    returns (LedgerUnit memory u)
  {
    (u.op, u.params, u.given) = (op, params, new Values[](given));
    for (uint256 k = 0; k < given; k++) {
      u.given[k] = _values(rows, columns);
    }
    u.made = _values(rows, columns);
  }

  /// @dev Of odd significands, so that nothing is rounded early.
  function _values(uint256 rows, uint256 columns) private pure returns (Values memory) {
    bytes memory data = new bytes(4 * rows * columns);
    for (uint256 k = 0; k < rows * columns; k++) {
      RF32Sums.setValue(data, k, RF32.fromInt(int256(0x800001 + (k * 0x5bd1e) % 0x7ffffe)).scale2(-23));
    }
    return Values(rows, columns, data);
  }

  /// @dev The same leaf of each matrix.
  function _each(LedgerUnit memory u, uint256 leaf) private pure returns (Opened[] memory opened) {
    opened = new Opened[](u.given.length);
    for (uint256 k = 0; k < opened.length; k++) {
      opened[k] = Opened(uint8(k), uint32(leaf));
    }
  }

  function _measure(string memory name, LedgerUnit memory u, uint32 row, uint32 column, Opened[] memory opened)
    private
  {
    UnitQuestion memory q = _ask(u, row, column, opened);
    bytes memory data = abi.encodeCall(ILedgerReferee.isFalseUnit, (q.unit, q.shape, q.innerRoot, q.step));
    (bool done, bytes memory answer) = address(_referee).staticcall(data); // warm, as nothing else is
    yes(done && abi.decode(answer, (bool)), "judged");
    uint256 gas = gasleft();
    (done,) = address(_referee).staticcall(data);
    gas -= gasleft();
    (uint256 standard, uint256 least) = _calldataGas(data);
    Snapshots(address(vm)).snapshotValue("LedgerReferee", string.concat(name, ": execution"), gas);
    gas = 21_000 + (standard + gas > least ? standard + gas : least);
    Snapshots(address(vm)).snapshotValue("LedgerReferee", string.concat(name, ": transaction"), gas);
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
