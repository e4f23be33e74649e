// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32, RF32 } from "../RF32.sol";
import { RF32Functions } from "../rf32/RF32Functions.sol";
import { Element } from "./Element.sol";

/// @title One element from elements
/// @notice Operations 0x20 … 0x28 of src/attribution/trace/element.ts, by their names there.
library PlainSteps {
  function add(Element memory e) internal pure returns (Float32) {
    return _here(e, 0).add(_here(e, 1)).store();
  }

  /// @notice a + scale · b. param scale.
  function addScaled(Element memory e) internal pure returns (Float32) {
    return _here(e, 0).add(_here(e, 1).mul(e.constantParam(0))).store();
  }

  function scale(Element memory e) internal pure returns (Float32) {
    return _here(e, 0).mul(e.constantParam(0));
  }

  /// @notice a[R,C] + b[1,C].
  function addRow(Element memory e) internal pure returns (Float32) {
    return _here(e, 0).add(e.get(1, 0, e.column)).store();
  }

  function scaleBy(Element memory e) internal pure returns (Float32) {
    return _here(e, 0).mul(_here(e, 1));
  }

  /// @notice gate, up.
  function swiglu(Element memory e) internal pure returns (Float32) {
    Float32 gate = _here(e, 0);
    return gate.mul(RF32Functions.sigmoid(gate)).mul(_here(e, 1));
  }

  /// @notice dh, gate.
  function swigluUp(Element memory e) internal pure returns (Float32) {
    Float32 gate = _here(e, 1);
    return _here(e, 0).mul(gate.mul(RF32Functions.sigmoid(gate)));
  }

  /// @notice dh, gate, up.
  function swigluGate(Element memory e) internal pure returns (Float32) {
    Float32 gate = _here(e, 1);
    Float32 s = RF32Functions.sigmoid(gate);
    Float32 slope = s.mul(RF32.ONE.add(gate.mul(RF32.ONE.sub(s))));
    return _here(e, 0).mul(_here(e, 2)).mul(slope);
  }

  /// @notice x[N,heads·E], cos[positions,E/2], sin; the tables' row is the token's place in its text. params E, inverse.
  function rope(Element memory e) internal pure returns (Float32) {
    uint256 half = e.param(0) / 2;
    uint256 x = e.column % e.param(0);
    // A claim may be about more tokens than there are rows in the tables; they begin anew.
    uint256 position = e.position(e.row) % e.rows(1);
    Float32 c = e.get(1, position, x % half);
    Float32 s = e.get(2, position, x % half);
    if (e.param(1) != 0) s = RF32.ZERO.sub(s);
    Float32 own = _here(e, 0).mul(c);
    return x < half
      ? own.sub(e.get(0, e.row, e.column + half).mul(s)).store()
      : own.add(e.get(0, e.row, e.column - half).mul(s)).store();
  }

  function _here(Element memory e, uint256 input) private pure returns (Float32) {
    return e.get(input, e.row, e.column);
  }
}
