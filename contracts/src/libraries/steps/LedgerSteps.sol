// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { RF32Sums } from "../rf32/RF32Sums.sol";
import { Steps } from "../Steps.sol";
import { ChanceSteps } from "./ChanceSteps.sol";
import { Element } from "./Element.sol";
import { FactorSteps } from "./FactorSteps.sol";
import { Sums } from "./Sums.sol";

/// @title From the gradients of records to the ledger's rows: squares, the scale, values moved
/// @notice Operations 0x80 … 0x8f by their numbers, and those that are in no library of their own. Names, inputs and parameters
/// as in src/attribution/trace/element-ledger.ts.
library LedgerSteps {
  function compute(Element memory e) internal pure returns (Float32) {
    uint256 op = e.instruction.op;
    if (op < 0x80 || op > 0x8f) revert Steps.StepUnknown(op);
    return op < 0x86 || op > 0x8a ? _own(e, op) : _factor(e, op);
  }

  function _own(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x80) return squareSum(e);
    if (op == 0x81) return listBlocks(e);
    if (op == 0x82) return gradientScale(e);
    if (op == 0x83) return stack(e);
    if (op == 0x84) return turnStack(e);
    if (op == 0x85) return joinColumns(e);
    if (op == 0x8b) return foldMatrices(e);
    if (op == 0x8c) return ChanceSteps.quantised(e);
    if (op == 0x8d) return ChanceSteps.chanceTerm(e);
    if (op == 0x8e) return ChanceSteps.chanceDeviation(e);
    return e.get(0, e.row, e.column);
  }

  function _factor(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x86) return FactorSteps.addDiagonal(e);
    if (op == 0x87) return FactorSteps.tileUpdate(e);
    if (op == 0x88) return FactorSteps.choleskyBlock(e);
    if (op == 0x89) return FactorSteps.solveRows(e);
    return FactorSteps.solveRowsBack(e);
  }

  /// @notice before + Σ g². Inputs before, where param 0 is 1, then one g after the other. param 0 or 1.
  function squareSum(Element memory e) internal pure returns (Float32 total) {
    uint256 k;
    if (e.param(0) != 0) (total, k) = (e.get(0, e.row, e.column), 1);
    for (; k < e.instruction.inputCount; k++) {
      Float32 g = e.get(k, e.row, e.column);
      total = total.add(g.mul(g)).store();
    }
  }

  /// @notice [1, B]: block sums of x[R,C] read as one list.
  function listBlocks(Element memory e) internal pure returns (Float32) {
    uint256 columns = e.columns(0);
    uint256 first = e.column * Sums.BLOCK;
    bytes memory values = new bytes(4 * Sums.termsOf(e.column, e.rows(0) * columns));
    for (uint256 done = 0; done < values.length;) {
      uint256 column = (first + done / 4) % columns;
      uint256 some = columns - column;
      if (4 * some > values.length - done) some = (values.length - done) / 4;
      bytes memory part = e.run(0, (first + done / 4) / columns, column, some);
      assembly ("memory-safe") {
        mcopy(add(add(values, 0x20), done), add(part, 0x20), mload(part))
      }
      done += part.length;
    }
    return RF32Sums.ofValues(values);
  }

  /// @notice By how much a number counts. Inputs S[R,C], total[1,1]; params 1e-6/P, per.
  function gradientScale(Element memory e) internal pure returns (Float32) {
    Float32 least = e.get(1, 0, 0).mul(e.constantParam(0));
    Float32 mean = RF32Functions.div(RF32.max(e.get(0, e.row, e.column), least), e.constantParam(1));
    if (!RF32.ZERO.lessThan(mean)) return RF32.ONE;
    return RF32Functions.div(RF32.ONE, RF32Functions.sqrt(RF32Functions.sqrt(mean)));
  }

  /// @notice [R, C]: inputs of h rows under each other, zeros after. param h.
  function stack(Element memory e) internal pure returns (Float32) {
    (uint256 input, uint256 row) = (e.row / e.param(0), e.row % e.param(0));
    return input < e.instruction.inputCount ? e.get(input, row, e.column) : RF32.ZERO;
  }

  /// @notice [C, R]: its transpose, of inputs [h,·]. param h.
  function turnStack(Element memory e) internal pure returns (Float32) {
    (uint256 input, uint256 row) = (e.column / e.param(0), e.column % e.param(0));
    return input < e.instruction.inputCount ? e.get(input, row, e.row) : RF32.ZERO;
  }

  /// @notice [R, ·]: inputs of L columns beside each other, zeros after. param L.
  function joinColumns(Element memory e) internal pure returns (Float32) {
    (uint256 input, uint256 column) = (e.column / e.param(0), e.column % e.param(0));
    return input < e.instruction.inputCount ? e.get(input, e.row, column) : RF32.ZERO;
  }

  /// @notice Σ inputs, in order.
  function foldMatrices(Element memory e) internal pure returns (Float32 total) {
    for (uint256 k = 0; k < e.instruction.inputCount; k++) {
      total = total.add(e.get(k, e.row, e.column));
    }
    return total.store();
  }
}
