// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Float32 } from "../RF32.sol";
import { Element } from "./Element.sol";
import { Run, Sums } from "./Sums.sol";

/// @title Sums of products
/// @notice Operations 0x01 … 0x06 of src/attribution/trace/element.ts, by their names there. H query heads, G key/value heads,
/// E values a head.
library ProductSteps {
  /// @notice a[R,K] · b[C,K]ᵀ.
  function dot(Element memory e) internal pure returns (Float32) {
    return Sums.ofProducts(e, Run(0, e.row, 0), Run(1, e.column, 0), e.columns(0)).store();
  }

  /// @notice Block b of `dot`, column = C's · B + b. param B.
  function dotBlocks(Element memory e) internal pure returns (Float32) {
    uint256 blocks = e.param(0);
    uint256 b = e.column % blocks;
    uint256 first = b * Sums.BLOCK;
    return Sums.blockOfProducts(e, Run(0, e.row, 0), Run(1, e.column / blocks, 0), first, Sums.termsOf(b, e.columns(0)));
  }

  /// @notice Sums of `dotBlocks`. param B.
  function foldGroups(Element memory e) internal pure returns (Float32) {
    uint256 blocks = e.param(0);
    return Sums.fold(e, Run(0, e.row, e.column * blocks), blocks).store();
  }

  /// @notice [N·H, W]: q[N,H·E] of a token and head · k[N,G·E] of row low + column. params H, G, E.
  function scores(Element memory e) internal pure returns (Float32) {
    (uint256 heads, uint256 size) = (e.param(0), e.param(2));
    (uint256 token, uint256 head) = (e.row / heads, e.row % heads);
    if (e.column >= e.attended(token)) return Float32.wrap(0);
    Run memory q = Run(0, token, head * size);
    Run memory k = Run(1, e.low(token) + e.column, _group(e, head) * size);
    return Sums.ofProducts(e, q, k, size).store();
  }

  /// @notice [N, H·E]: p[N·H,W] of a token and head · vᵀ[G·E,N]. params H, G, E.
  function values(Element memory e) internal pure returns (Float32) {
    (uint256 heads, uint256 size) = (e.param(0), e.param(2));
    uint256 head = e.column / size;
    Run memory p = Run(0, e.row * heads + head, 0);
    Run memory v = Run(1, _group(e, head) * size + e.column % size, e.low(e.row));
    return Sums.ofProducts(e, p, v, e.attended(e.row)).store();
  }

  /// @notice [N, G·E]: aligned p [N·G, P·W] · split q [G·E, N·P] over the tokens that attend this one. params H, G, E.
  function keys(Element memory e) internal pure returns (Float32) {
    (uint256 groups, uint256 size) = (e.param(1), e.param(2));
    uint256 each = e.param(0) / groups;
    Run memory p = Run(0, e.row * groups + e.column / size, 0);
    // Row group · E + x of the split matrix is the column's own number.
    Run memory q = Run(1, e.column, e.row * each);
    return Sums.ofProducts(e, p, q, (e.end(e.row) - e.row) * each).store();
  }

  /// @dev The key/value head that a query head reads.
  function _group(Element memory e, uint256 head) private pure returns (uint256) {
    return head / (e.param(0) / e.param(1));
  }
}
