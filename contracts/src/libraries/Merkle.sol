// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title Merkle trees with positional, domain-separated nodes
/// @notice The same trees as src/protocol/merkle.ts:
///   leaf = keccak256(0x00 ‖ data), node = keccak256(0x01 ‖ left ‖ right), root = keccak256(0x02 ‖ uint256(count) ‖ top).
/// Leaves are padded on the right with zero words to the next power of two, so the count fixes the proof's length and
/// the bits of the index fix each side. The count is inside the root.
library Merkle {
  /// @notice Root of the empty list: keccak256(0x02 ‖ uint256(0) ‖ bytes32(0)).
  function emptyRoot() internal pure returns (bytes32) {
    return root(0, bytes32(0));
  }

  function leaf(bytes memory data) internal pure returns (bytes32) {
    return keccak256(abi.encodePacked(bytes1(0x00), data));
  }

  function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
    return keccak256(abi.encodePacked(bytes1(0x01), left, right));
  }

  function root(uint256 count, bytes32 top) internal pure returns (bytes32) {
    return keccak256(abi.encodePacked(bytes1(0x02), count, top));
  }

  /// @notice Whether `leafHash` is leaf `index` of the `count` leaves under `expectedRoot`.
  function verify(bytes32 expectedRoot, uint256 count, uint256 index, bytes32 leafHash, bytes32[] calldata proof)
    internal
    pure
    returns (bool)
  {
    if (index >= count || proof.length != depth(count)) return false;
    bytes32 hash = leafHash;
    for (uint256 level = 0; level < proof.length; level++) {
      hash = (index >> level) & 1 == 0 ? node(hash, proof[level]) : node(proof[level], hash);
    }
    return root(count, hash) == expectedRoot;
  }

  /// @notice Levels between a leaf and the top: the least d with 2^d >= count.
  function depth(uint256 count) internal pure returns (uint256 levels) {
    while (levels < 255 && (uint256(1) << levels) < count) levels++;
  }
}
