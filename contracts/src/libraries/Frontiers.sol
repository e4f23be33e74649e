// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "./Merkle.sol";

/// @notice What a list of words that comes in parts leaves behind: for each bit of `count` the top of the full tree that it
/// stands for, the last ones lowest.
struct Frontier {
  uint32 count;
  bytes32[21] nodes;
}

/// @title Merkle roots of lists that come in parts
/// @notice The leaf of a word is Merkle.leaf of its 32 bytes. What is kept of a list of any length is one word for each level.
library Frontiers {
  /// @notice Words that a list has at most: one for each bit below, and the bit of the full tree, is kept.
  uint256 internal constant MOST = 1 << 20;

  /// @notice The frontier of `count` words with those words behind them, which are whole ones and not above MOST with them.
  /// Changes `nodes`. In assembly: a word costs some 300 gas, less than its place in the call.
  function append(bytes32[21] memory nodes, uint256 count, bytes calldata words) internal pure {
    assembly ("memory-safe") {
      let free := mload(0x40)
      let end := add(words.offset, words.length)
      for { let at := words.offset } lt(at, end) { at := add(at, 0x20) } {
        mstore8(free, 0x00)
        mstore(add(free, 0x01), calldataload(at))
        let hash := keccak256(free, 0x21)
        mstore8(free, 0x01)
        let node := nodes
        // Full trees of the same height become one.
        for { let left := count } and(left, 1) { left := shr(1, left) } {
          mstore(add(free, 0x01), mload(node))
          mstore(add(free, 0x21), hash)
          hash := keccak256(free, 0x41)
          node := add(node, 0x20)
        }
        mstore(node, hash)
        count := add(count, 1)
      }
    }
  }

  /// @notice Merkle root of the `count` words that left this frontier.
  function root(bytes32[21] memory nodes, uint256 count) internal pure returns (bytes32) {
    uint256 depth = Merkle.depth(count);
    if (count == 1 << depth) return Merkle.root(count, nodes[depth]);
    // The tree of what is left of a level's full trees, padded to that level; and padding alone.
    bytes32 rest = 0;
    bytes32 zero = 0;
    for (uint256 level = 0; level < depth; level++) {
      rest = (count >> level) & 1 == 1 ? Merkle.node(nodes[level], rest) : Merkle.node(rest, zero);
      zero = Merkle.node(zero, zero);
    }
    return Merkle.root(count, rest);
  }

  /// @notice Keeps what a list has become.
  function keep(Frontier storage kept, bytes32[21] memory nodes, uint256 count) internal {
    kept.count = uint32(count);
    for (uint256 level = 0; count >> level > 0; level++) {
      if ((count >> level) & 1 == 1 && kept.nodes[level] != nodes[level]) kept.nodes[level] = nodes[level];
    }
  }
}
