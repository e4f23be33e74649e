// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32 } from "../RF32.sol";
import { Element } from "./Element.sol";

/// @title Values moved, none made
/// @notice Operations 0x10 … 0x16 of src/attribution/trace/element.ts, by their names there. H query heads, G key/value heads,
/// E values a head, P = H/G.
library MoveSteps {
  function transpose(Element memory e) internal pure returns (Float32) {
    return e.get(0, e.column, e.row);
  }

  /// @notice [N·G, P·W]: for each token that attends this one and each head of the group its p[N·H,W] of this one; zeros after.
  /// params H, G.
  function align(Element memory e) internal pure returns (Float32) {
    (uint256 heads, uint256 groups) = (e.param(0), e.param(1));
    uint256 each = heads / groups;
    (uint256 token, uint256 group) = (e.row / groups, e.row % groups);
    uint256 from = token + e.column / each;
    if (from >= e.end(token)) return Float32.wrap(0);
    return e.get(0, from * heads + group * each + e.column % each, token - e.low(from));
  }

  /// @notice [G·E, N·P] of q[N,H·E]: row g·E + x, column token·P + head within the group. params H, G, E.
  function split(Element memory e) internal pure returns (Float32) {
    uint256 size = e.param(2);
    uint256 each = e.param(0) / e.param(1);
    uint256 head = (e.row / size) * each + e.column % each;
    return e.get(0, e.column / each, head * size + e.row % size);
  }

  /// @notice Rows of a table by the tokens that are fed; zeros for a token that it does not have.
  function tokens(Element memory e) internal pure returns (Float32) {
    uint256 id = e.token(e.row);
    return id < e.rows(0) ? e.get(0, id, e.column) : Float32.wrap(0);
  }

  /// @notice The rows that predict.
  function pick(Element memory e) internal pure returns (Float32) {
    return e.get(0, e.predicting(e.row), e.column);
  }

  /// @notice Their gradients back in place.
  function place(Element memory e) internal pure returns (Float32) {
    (bool predicts, uint256 r) = e.prediction(e.row);
    return predicts ? e.get(0, r, e.column) : Float32.wrap(0);
  }

  /// @notice [1, ·]: inputs [1, L] end to end. param L.
  function join(Element memory e) internal pure returns (Float32) {
    uint256 length = e.param(0);
    return e.get(e.column / length, 0, e.column % length);
  }
}
