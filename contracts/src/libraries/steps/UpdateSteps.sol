// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { Element } from "./Element.sol";

/// @title One step of AdamW
/// @notice Operations 0x70 … 0x72 of src/attribution/trace/element.ts, by their names there; formulas as in
/// src/kernels/adamw/operation.ts.
library UpdateSteps {
  /// @notice β₁ m + (1 − β₁) g. Inputs m, g; params β₁, 1 − β₁.
  function adamwMoment(Element memory e) internal pure returns (Float32) {
    return e.constantParam(0).mul(_here(e, 0)).add(e.constantParam(1).mul(_here(e, 1))).store();
  }

  /// @notice β₂ v + (1 − β₂) g². Inputs v, g; params β₂, 1 − β₂.
  function adamwSquare(Element memory e) internal pure returns (Float32) {
    Float32 g = _here(e, 1);
    return e.constantParam(0).mul(_here(e, 0)).add(e.constantParam(1).mul(g.mul(g))).store();
  }

  /// @notice w − rate · (m̂ / (√v̂ + eps) + decay · w). Inputs w, and m, v of this step; params eps, decay; scalars rate,
  /// 1/(1 − β₁^t), 1/(1 − β₂^t).
  function adamwWeight(Element memory e) internal pure returns (Float32) {
    Float32 w = _here(e, 0);
    Float32 root = RF32Functions.sqrt(_here(e, 2).mul(e.scalar(2))).add(e.constantParam(0));
    Float32 direction = RF32Functions.div(_here(e, 1).mul(e.scalar(1)), root).add(e.constantParam(1).mul(w));
    return w.sub(e.scalar(0).mul(direction)).store();
  }

  function _here(Element memory e, uint256 input) private pure returns (Float32) {
    return e.get(input, e.row, e.column);
  }
}
