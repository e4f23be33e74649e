// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Merkle } from "../../src/libraries/Merkle.sol";
import { MerkleTree } from "../support/MerkleTree.sol";
import { Test } from "../support/Test.sol";

contract MerkleTest is Test {
  function verify(bytes32 root, uint256 count, uint256 index, bytes32 leaf, bytes32[] calldata proof)
    external
    pure
    returns (bool)
  {
    return Merkle.verify(root, count, index, leaf, proof);
  }

  function _leaves(uint256 count, bytes32 salt) private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      leaves[k] = Merkle.leaf(abi.encode(salt, k));
    }
  }

  function test_emptyRootIsDomainSeparated() public pure {
    eq(Merkle.emptyRoot(), keccak256(abi.encodePacked(hex"02", uint256(0), bytes32(0))), "empty root");
  }

  function test_singleLeafNeedsNoProof() public view {
    bytes32[] memory leaves = _leaves(1, "one");
    bytes32[] memory none = new bytes32[](0);
    yes(this.verify(MerkleTree.root(leaves), 1, 0, leaves[0], none), "single leaf");
    yes(!this.verify(MerkleTree.root(leaves), 1, 1, leaves[0], none), "index outside");
  }

  function test_depthOfLargeCounts() public pure {
    eq(Merkle.depth(0), 0, "0");
    eq(Merkle.depth(1), 0, "1");
    eq(Merkle.depth(2), 1, "2");
    eq(Merkle.depth(257), 9, "257");
    eq(Merkle.depth(type(uint256).max), 255, "max");
  }

  function testFuzz_everyLeafVerifies(uint8 size, uint8 place, bytes32 salt) public view {
    uint256 count = bound(size, 1, 40);
    uint256 index = bound(place, 0, count - 1);
    bytes32[] memory leaves = _leaves(count, salt);
    yes(this.verify(MerkleTree.root(leaves), count, index, leaves[index], MerkleTree.proof(leaves, index)), "verifies");
  }

  function testFuzz_anythingElseFails(uint8 size, uint8 place, uint8 other, bytes32 salt) public view {
    uint256 count = bound(size, 2, 40);
    uint256 index = bound(place, 0, count - 1);
    uint256 wrong = bound(other, 0, count - 1);
    bytes32[] memory leaves = _leaves(count, salt);
    bytes32 root = MerkleTree.root(leaves);
    bytes32[] memory proof = MerkleTree.proof(leaves, index);
    if (wrong != index) {
      yes(!this.verify(root, count, wrong, leaves[index], proof), "another place");
      yes(!this.verify(root, count, index, leaves[wrong], proof), "another leaf");
    }
    yes(!this.verify(root, count + 1, index, leaves[index], proof), "one more leaf");
    yes(!this.verify(root, count - 1, index, leaves[index], proof), "one leaf fewer");
    proof[wrong % proof.length] ^= bytes32(uint256(1));
    yes(!this.verify(root, count, index, leaves[index], proof), "a flipped bit");
  }

  /// @dev An inner node must not pass for a leaf: the domains differ.
  function test_nodeIsNoLeaf() public view {
    bytes32[] memory leaves = _leaves(4, "four");
    bytes32 left = Merkle.node(leaves[0], leaves[1]);
    bytes32[] memory proof = new bytes32[](1);
    proof[0] = Merkle.node(leaves[2], leaves[3]);
    yes(!this.verify(MerkleTree.root(leaves), 4, 0, left, proof), "short proof");
    yes(!this.verify(MerkleTree.root(leaves), 2, 0, left, proof), "smaller count");
  }
}
