// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { NodesOpening } from "../../src/interfaces/IGames.sol";
import { Leaves } from "../../src/libraries/Leaves.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Nodes } from "../../src/libraries/Nodes.sol";
import { Committed } from "../../src/libraries/Openings.sol";
import { MerkleTree } from "../support/MerkleTree.sol";
import { Test } from "../support/Test.sol";

/// @notice Against trees that are built whole (MerkleTree.sol).
contract NodesTest is Test {
  function provenUnder(NodesOpening calldata shown, bytes32 root, uint256 count) external pure returns (bool) {
    return Nodes.provenUnder(shown, root, count);
  }

  function proven(NodesOpening calldata shown, Committed calldata matrix) external pure returns (bool) {
    return Nodes.proven(shown, matrix);
  }

  function test_aTreeOfFiveByHand() public view {
    bytes32[] memory leaves = _leaves(5, "five");
    bytes32 root = MerkleTree.root(leaves);
    bytes32[] memory hashes = new bytes32[](3);
    hashes[0] = Merkle.node(leaves[0], leaves[1]);
    hashes[1] = Merkle.node(leaves[2], leaves[3]);
    // The fourth node of this level has nothing below it and is not shown.
    hashes[2] = Merkle.node(leaves[4], 0);
    yes(this.provenUnder(NodesOpening(0, 3, 2, hashes, new bytes32[](0)), root, 5), "two levels below the top");
    bytes32[] memory last = new bytes32[](1);
    last[0] = leaves[4];
    bytes32[] memory proof = new bytes32[](1);
    proof[0] = Merkle.node(hashes[0], hashes[1]);
    yes(this.provenUnder(NodesOpening(1, 2, 2, last, proof), root, 5), "the last leaf, alone below its node");
  }

  function test_whereANodeExists() public pure {
    yes(!Nodes.exists(0, 0, 0), "an empty tree has none");
    yes(Nodes.exists(1, 0, 0) && !Nodes.exists(1, 1, 0), "one leaf is the top itself");
    yes(Nodes.exists(5, 3, 0) && !Nodes.exists(5, 4, 0), "three levels");
    yes(Nodes.exists(5, 1, 2) && !Nodes.exists(5, 1, 3), "padding is no node");
    yes(Nodes.exists(5, 0, 4) && !Nodes.exists(5, 0, 5), "leaves");
    yes(Nodes.exists(type(uint256).max, 255, 1) && !Nodes.exists(type(uint256).max, 255, 2), "no overflow");
  }

  function testFuzz_nodesOfEveryPlaceAreProven(uint16 size, uint8 up, uint8 down, uint16 place, bytes32 salt) public view {
    uint256 count = bound(size, 1, 150);
    NodesOpening memory shown = _shown(_leaves(count, salt), up, down, place);
    yes(this.provenUnder(shown, MerkleTree.root(_leaves(count, salt)), count), "proven");
  }

  /// @dev Any one thing changed, and nothing is proved.
  function testFuzz_anythingElseFails(uint16 size, uint8 up, uint8 down, uint16 place, uint16 what) public view {
    uint256 count = bound(size, 2, 150);
    bytes32[] memory leaves = _leaves(count, "else");
    bytes32 root = MerkleTree.root(leaves);
    NodesOpening memory shown = _shown(leaves, up, down, place);
    yes(this.provenUnder(shown, root, count), "as it is");
    uint256 which = what % shown.hashes.length;
    if (what % 8 == 0) shown.hashes[which] ^= bytes32(uint256(1) << what % 256);
    if (what % 8 == 1) shown.hashes = _longer(shown.hashes);
    if (what % 8 == 2) shown.hashes = _shorter(shown.hashes);
    if (what % 8 == 3) shown.proof = _longer(shown.proof);
    if (what % 8 == 4 && shown.proof.length == 0) root = ~root;
    else if (what % 8 == 4) shown.proof[what % shown.proof.length] ^= bytes32(uint256(1) << what % 256);
    if (what % 8 == 5) shown.leaf ^= uint32(1) << (what % 32);
    if (what % 8 == 6) shown.level++;
    if (what % 8 == 7) shown.depth++;
    yes(!this.provenUnder(shown, root, count), "another");
  }

  function testFuzz_nodesOfAMatrix(uint8 rows, uint16 columns, uint8 up, uint8 down, uint16 place, uint8 what) public view {
    Committed memory matrix = Committed(0, 7, what % 7, bound(rows, 1, 60), bound(columns, 1, 600));
    uint256 count = Leaves.count(matrix.rows, matrix.columns);
    bytes32[] memory leaves = _leaves(count, "matrix");
    bytes32[] memory trace = _leaves(7, "trace");
    trace[matrix.index] =
      Merkle.leaf(abi.encodePacked(MerkleTree.root(leaves), uint32(matrix.rows), uint32(matrix.columns)));
    matrix.root = MerkleTree.root(trace);
    NodesOpening memory shown = _shown(leaves, up, down, place);
    bytes32[] memory within = shown.proof;
    bytes32[] memory beyond = MerkleTree.proof(trace, matrix.index);
    shown.proof = new bytes32[](within.length + beyond.length);
    for (uint256 k = 0; k < shown.proof.length; k++) {
      shown.proof[k] = k < within.length ? within[k] : beyond[k - within.length];
    }
    yes(this.proven(shown, matrix), "proven");
    if (what % 6 == 0) matrix.rows++;
    if (what % 6 == 1) matrix.columns++;
    if (what % 6 == 2) matrix.index++;
    if (what % 6 == 3) matrix.count++;
    if (what % 6 == 4) shown.hashes[place % shown.hashes.length] ^= bytes32(uint256(1));
    if (what % 6 == 5) shown.proof = new bytes32[](0);
    yes(!this.proven(shown, matrix), "another");
  }

  function test_ofAMatrixTheNodeMustExistAndAllOfItsNodesBeShown() public view {
    bytes32[] memory leaves = _leaves(5, "matrix");
    bytes32[] memory trace = new bytes32[](1);
    trace[0] = Merkle.leaf(abi.encodePacked(MerkleTree.root(leaves), uint32(5), uint32(256)));
    Committed memory matrix = Committed(MerkleTree.root(trace), 1, 0, 5, 256);
    bytes32[] memory none = new bytes32[](0);
    yes(this.proven(NodesOpening(0, 3, 3, leaves, none), matrix), "all five leaves");
    yes(!this.proven(NodesOpening(1, 3, 3, leaves, none), matrix), "no second top");
    yes(!this.proven(NodesOpening(0, 4, 3, leaves, none), matrix), "no higher level");
    yes(!this.proven(NodesOpening(0, 3, 4, leaves, none), matrix), "nothing below the leaves");
    yes(!this.proven(NodesOpening(0, 3, 3, _shorter(leaves), none), matrix), "four of five");
    yes(!this.proven(NodesOpening(0, 3, 3, none, none), matrix), "none of them");
  }

  // ---- Cuts ----

  /// @dev Every list of levels is a cut of every tree: the level that fits is the highest below it, and the last ones go on.
  function testFuzz_aCutIsOneOfEveryTree(uint16 size, uint256 seed) public view {
    uint256 count = bound(size, 1, 150);
    bytes32[] memory leaves = _leaves(count, "cut");
    (bytes32[] memory hashes, bytes32[] memory levels) = _cut(leaves, seed);
    NodesOpening memory shown = NodesOpening(7, 0, 255, hashes, levels);
    yes(this.provenUnder(shown, MerkleTree.root(leaves), count), "as it is");
    uint256 which = seed % hashes.length;
    shown.hashes[which] ^= bytes32(uint256(1));
    yes(!this.provenUnder(shown, MerkleTree.root(leaves), count), "another hash");
    shown.hashes[which] ^= bytes32(uint256(1));
    shown.hashes = _longer(hashes);
    yes(!this.provenUnder(shown, MerkleTree.root(leaves), count), "one more");
    shown.hashes = _shorter(hashes);
    yes(!this.provenUnder(shown, MerkleTree.root(leaves), count), "one less");
    shown.hashes = hashes;
    yes(!this.provenUnder(shown, MerkleTree.root(leaves), count + 1), "of another tree");
  }

  function test_aCutByHand() public view {
    bytes32[] memory leaves = _leaves(5, "cut");
    bytes32[] memory hashes = new bytes32[](4);
    (hashes[0], hashes[1], hashes[2]) = (leaves[0], leaves[1], Merkle.node(leaves[2], leaves[3]));
    hashes[3] = Merkle.node(Merkle.node(leaves[4], 0), Merkle.node(0, 0));
    bytes32[] memory levels = new bytes32[](1);
    // The second leaf cannot be a node of level 1; behind the third node, level 2 is the highest that fits.
    levels[0] = hex"00_01_01_ff";
    yes(this.provenUnder(NodesOpening(0, 0, 255, hashes, levels), MerkleTree.root(leaves), 5), "four nodes");
  }

  /// @dev Nodes of random levels, and as many levels as there are, or fewer.
  function _cut(bytes32[] memory leaves, uint256 seed)
    private
    pure
    returns (bytes32[] memory hashes, bytes32[] memory levels)
  {
    uint256 top = Merkle.depth(leaves.length);
    levels = new bytes32[](1 + seed % 3);
    for (uint256 k = 0; k < levels.length; k++) {
      for (uint256 b = 0; b < 32; b++) {
        levels[k] |= bytes32(uint256(uint256(keccak256(abi.encode(seed, k, b))) % 4) << (248 - 8 * b));
      }
    }
    bytes32[] memory all = new bytes32[](leaves.length);
    uint256 n = 0;
    for (uint256 leaf = 0; leaf < leaves.length; n++) {
      uint256 level = n / 32 < levels.length ? uint8(levels[n / 32][n % 32]) : 255;
      if (level > top) level = top;
      while (leaf % (1 << level) != 0) level--;
      bytes32[] memory row = MerkleTree.padded(leaves);
      for (uint256 k = 0; k < level; k++) {
        row = MerkleTree.above(row);
      }
      all[n] = row[leaf >> level];
      leaf += 1 << level;
    }
    hashes = new bytes32[](n);
    for (uint256 k = 0; k < n; k++) {
      hashes[k] = all[k];
    }
  }

  // ---- Naive trees ----

  function _leaves(uint256 count, bytes32 salt) private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      leaves[k] = Merkle.leaf(abi.encode(salt, k));
    }
  }

  /// @dev Nodes of one place of the tree, taken from all its levels.
  function _shown(bytes32[] memory leaves, uint256 up, uint256 down, uint256 place)
    private
    pure
    returns (NodesOpening memory shown)
  {
    uint256 height = Merkle.depth(leaves.length);
    shown.level = uint8(bound(up, 0, height));
    shown.depth = uint8(bound(down, 0, shown.level));
    uint256 wide = (leaves.length + (1 << shown.level) - 1) >> shown.level;
    shown.leaf = uint32(bound(place, 0, wide - 1));
    bytes32[] memory level = MerkleTree.padded(leaves);
    shown.proof = new bytes32[](height - shown.level);
    uint256 full = leaves.length;
    for (uint256 k = 0; k < height; k++) {
      if (k == shown.level - shown.depth) shown.hashes = _part(level, uint256(shown.leaf) << shown.depth, shown.depth, full);
      if (k >= shown.level) shown.proof[k - shown.level] = level[(shown.leaf >> (k - shown.level)) ^ 1];
      level = MerkleTree.above(level);
      full = (full + 1) / 2;
    }
    if (height == shown.level - shown.depth) shown.hashes = level;
  }

  /// @dev Up to 2^depth of the level's first `full`, from `from` on.
  function _part(bytes32[] memory level, uint256 from, uint256 depth, uint256 full)
    private
    pure
    returns (bytes32[] memory part)
  {
    uint256 end = from + (1 << depth) < full ? from + (1 << depth) : full;
    part = new bytes32[](end - from);
    for (uint256 k = 0; k < part.length; k++) {
      part[k] = level[from + k];
    }
  }

  function _longer(bytes32[] memory words) private pure returns (bytes32[] memory out) {
    out = new bytes32[](words.length + 1);
    for (uint256 k = 0; k < words.length; k++) {
      out[k] = words[k];
    }
  }

  function _shorter(bytes32[] memory words) private pure returns (bytes32[] memory out) {
    out = new bytes32[](words.length - 1);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = words[k];
    }
  }
}
