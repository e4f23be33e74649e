// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32 } from "./RF32.sol";
import { Element } from "./steps/Element.sol";
import { InfluenceSteps } from "./steps/InfluenceSteps.sol";
import { LossSteps } from "./steps/LossSteps.sol";
import { MoveSteps } from "./steps/MoveSteps.sol";
import { NormSteps } from "./steps/NormSteps.sol";
import { PlainSteps } from "./steps/PlainSteps.sol";
import { ProductSteps } from "./steps/ProductSteps.sol";
import { SoftmaxSteps } from "./steps/SoftmaxSteps.sol";
import { UpdateSteps } from "./steps/UpdateSteps.sol";

/// @title What every instruction means, one element at a time
/// @notice The same bits as ELEMENTS in src/attribution/trace/element.ts; numbers of operations as OPS in
/// src/attribution/trace/instruction.ts.
library Steps {
  /// @notice No operation has this number.
  error StepUnknown(uint256 op);

  function compute(Element memory e) internal pure returns (Float32) {
    uint256 op = e.instruction.op;
    uint256 group = op >> 4;
    if (group == 0) return _product(e, op);
    if (group == 1) return _move(e, op);
    if (group == 2) return _plain(e, op);
    if (group == 3) return _norm(e, op);
    if (group == 4) return _softmax(e, op);
    if (group == 5) return _loss(e, op);
    if (group == 6) return _influence(e, op);
    if (group == 7) return _update(e, op);
    revert StepUnknown(op);
  }

  function _product(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x01) return ProductSteps.dot(e);
    if (op == 0x02) return ProductSteps.scores(e);
    if (op == 0x03) return ProductSteps.values(e);
    if (op == 0x04) return ProductSteps.keys(e);
    if (op == 0x05) return ProductSteps.dotBlocks(e);
    if (op == 0x06) return ProductSteps.foldGroups(e);
    revert StepUnknown(op);
  }

  function _move(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x10) return MoveSteps.transpose(e);
    if (op == 0x11) return MoveSteps.align(e);
    if (op == 0x12) return MoveSteps.split(e);
    if (op == 0x13) return MoveSteps.tokens(e);
    if (op == 0x14) return MoveSteps.pick(e);
    if (op == 0x15) return MoveSteps.place(e);
    if (op == 0x16) return MoveSteps.join(e);
    revert StepUnknown(op);
  }

  function _plain(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x20) return PlainSteps.add(e);
    if (op == 0x21) return PlainSteps.addScaled(e);
    if (op == 0x22) return PlainSteps.scale(e);
    if (op == 0x23) return PlainSteps.addRow(e);
    if (op == 0x24) return PlainSteps.scaleBy(e);
    if (op == 0x25) return PlainSteps.swiglu(e);
    if (op == 0x26) return PlainSteps.swigluUp(e);
    if (op == 0x27) return PlainSteps.swigluGate(e);
    if (op == 0x28) return PlainSteps.rope(e);
    revert StepUnknown(op);
  }

  function _norm(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x30) return NormSteps.squareBlocks(e);
    if (op == 0x31) return NormSteps.rmsScale(e);
    if (op == 0x32) return NormSteps.rmsNorm(e);
    if (op == 0x33) return NormSteps.rmsDotBlocks(e);
    if (op == 0x34) return NormSteps.rmsCoefficient(e);
    if (op == 0x35) return NormSteps.rmsGradient(e);
    revert StepUnknown(op);
  }

  function _softmax(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x40) return SoftmaxSteps.softmaxMax(e);
    if (op == 0x41) return SoftmaxSteps.softmaxExp(e);
    if (op == 0x42) return SoftmaxSteps.softmaxInverse(e);
    if (op == 0x43) return SoftmaxSteps.softmax(e);
    if (op == 0x44) return SoftmaxSteps.softmaxDot(e);
    if (op == 0x45) return SoftmaxSteps.softmaxGradient(e);
    revert StepUnknown(op);
  }

  function _loss(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x50) return LossSteps.maxBlocks(e);
    if (op == 0x51) return LossSteps.maxFold(e);
    if (op == 0x52) return LossSteps.lossExp(e);
    if (op == 0x53) return LossSteps.sumBlocks(e);
    if (op == 0x54) return LossSteps.inverseFold(e);
    // The second's weights are given: only an answer's program has the first.
    if (op == 0x55 || op == 0x56) return LossSteps.lossGradient(e);
    if (op == 0x57) return LossSteps.drawTarget(e);
    if (op == 0x58) return LossSteps.lossGradientDrawn(e);
    revert StepUnknown(op);
  }

  function _influence(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x60) return InfluenceSteps.sketch(e);
    if (op == 0x61) return InfluenceSteps.rowBlocks(e);
    if (op == 0x62) return InfluenceSteps.fold(e);
    if (op == 0x63) return InfluenceSteps.squareRowBlocks(e);
    if (op == 0x64) return InfluenceSteps.noise(e);
    revert StepUnknown(op);
  }

  function _update(Element memory e, uint256 op) private pure returns (Float32) {
    if (op == 0x70) return UpdateSteps.adamwMoment(e);
    if (op == 0x71) return UpdateSteps.adamwSquare(e);
    if (op == 0x72) return UpdateSteps.adamwWeight(e);
    revert StepUnknown(op);
  }
}
