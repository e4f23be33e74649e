// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What one leaf holds of a matrix: `rows` rows from `row` on, of each `columns` values from `column` on.
struct Stretch {
  uint256 row;
  uint256 rows;
  uint256 column;
  uint256 columns;
}

/// @title How a matrix is cut into leaves of at most 256 values
/// @notice As many whole rows as fit, or pieces of one row (cutOf in src/attribution/trace/tree.ts).
library Leaves {
  uint256 internal constant MOST = 256;

  /// @notice Leaves of a matrix.
  function count(uint256 rows, uint256 columns) internal pure returns (uint256) {
    if (columns > MOST) return rows * _pieces(columns);
    uint256 whole = _wholeRows(columns);
    return (rows + whole - 1) / whole;
  }

  /// @notice What leaf `leaf` holds; nothing where the matrix has no such leaf.
  function stretch(uint256 rows, uint256 columns, uint256 leaf) internal pure returns (Stretch memory part) {
    if (leaf >= count(rows, columns)) return part;
    if (columns > MOST) {
      uint256 pieces = _pieces(columns);
      part.row = leaf / pieces;
      part.rows = 1;
      part.column = (leaf % pieces) * MOST;
      part.columns = _least(columns - part.column, MOST);
    } else {
      uint256 whole = _wholeRows(columns);
      part.row = leaf * whole;
      part.rows = _least(rows - part.row, whole);
      part.columns = columns;
    }
  }

  /// @notice The leaf that holds an element.
  function leafOf(uint256 columns, uint256 row, uint256 column) internal pure returns (uint256) {
    return columns > MOST ? row * _pieces(columns) + column / MOST : row / _wholeRows(columns);
  }

  function _pieces(uint256 columns) private pure returns (uint256) {
    return (columns + MOST - 1) / MOST;
  }

  function _wholeRows(uint256 columns) private pure returns (uint256) {
    return columns == 0 ? MOST : MOST / columns;
  }

  function _least(uint256 a, uint256 b) private pure returns (uint256) {
    return a < b ? a : b;
  }
}
