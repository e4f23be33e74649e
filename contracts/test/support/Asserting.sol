// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Asserted } from "../../src/interfaces/IDisputes.sol";
import { LeavesOpening, Place } from "../../src/interfaces/IGames.sol";
import { Opening, Step } from "../../src/interfaces/IReferee.sol";
import { PayRequest } from "../../src/interfaces/ISettlement.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { AnswerOpening } from "../../src/types/Answers.sol";
import { Fee } from "../../src/types/Fees.sol";
import { ClaimId } from "../../src/types/Ids.sol";
import { Filing } from "./Filing.sol";
import { MerkleTree } from "./MerkleTree.sol";

/// @notice A claim with a false leaf, and the trace of who computed the answer again. Ten matrices (Deployed._header), the fourth of
/// which has 20 rows of 300 values: 40 leaves, of 256 values and 44 in turn. In the claim leaf `_falseLeaf` is another; so
/// are all matrices after it.
abstract contract Asserting is Filing {
  uint32 internal constant MATRIX = 3;
  uint256 internal constant LEAVES = 40;
  uint256 internal constant ASSERTION_BOND = 8_000_000 * uint256(GAS_PRICE);
  uint256 internal _falseLeaf = 21;

  function _deployTraces() internal {
    _deploy();
    referee.shape(MATRIX, 20, 300, LEAVES);
  }

  function _falseClaim(bytes32 receipt) internal returns (ClaimId id) {
    (PayRequest memory request, Fee memory fee,) = _request(receipt, 13, 37, 6000);
    request.answer.traceRoot = _rootOf(true);
    return _pay(request, fee.total);
  }

  // ---- Traces: as claimed, or as computed again ----

  function _valuesOf(bool claimed, uint256 leaf) internal view returns (bytes memory values) {
    values = new bytes(leaf % 2 == 0 ? 1024 : 176);
    values[3] = bytes1(uint8(leaf + 1));
    if (claimed && leaf == _falseLeaf) values[7] = 0x01;
  }

  function _leavesOf(bool claimed) internal view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](LEAVES);
    for (uint256 k = 0; k < LEAVES; k++) {
      leaves[k] = Merkle.leaf(_valuesOf(claimed, k));
    }
  }

  function _topsOf(bool claimed) internal view returns (bytes32[] memory tops) {
    tops = new bytes32[](10);
    for (uint256 k = 0; k < 10; k++) {
      tops[k] = keccak256(abi.encode("matrix", k, k > MATRIX && claimed));
    }
    tops[MATRIX] = Merkle.leaf(abi.encodePacked(MerkleTree.root(_leavesOf(claimed)), uint32(20), uint32(300)));
  }

  function _rootOf(bool claimed) internal view returns (bytes32) {
    return MerkleTree.root(_topsOf(claimed));
  }

  /// @dev Siblings of a node within the matrix, then of the matrix.
  function _proofOf(bool claimed, uint32 leaf, uint8 level) internal view returns (bytes32[] memory proof) {
    bytes32[] memory within = MerkleTree.proof(_leavesOf(claimed), uint256(leaf) << level);
    bytes32[] memory beyond = MerkleTree.proof(_topsOf(claimed), MATRIX);
    proof = new bytes32[](within.length - level + beyond.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k + level < within.length ? within[k + level] : beyond[k + level - within.length];
    }
  }

  function _nodeOf(bool claimed, uint32 leaf, uint8 level) internal view returns (bytes32) {
    bytes32[] memory nodes = MerkleTree.padded(_leavesOf(claimed));
    for (uint256 k = 0; k < level; k++) {
      nodes = MerkleTree.above(nodes);
    }
    return nodes[leaf];
  }

  /// @dev All leaves below a node, with their proof.
  function _range(bool claimed, uint32 leaf, uint8 level) internal view returns (LeavesOpening memory) {
    bytes memory values;
    for (uint256 k = uint256(leaf) << level; k < (uint256(leaf) + 1) << level && k < LEAVES; k++) {
      values = bytes.concat(values, _valuesOf(claimed, k));
    }
    return LeavesOpening(leaf, level, values, _proofOf(claimed, leaf, level));
  }

  // ---- Assertions ----

  /// @dev What commit and search take before an assertion.
  function _knowing(address who, ClaimId id, uint256 answer, bytes32 root) internal pure returns (bytes32) {
    return keccak256(abi.encode(who, keccak256(abi.encode(id, answer, root))));
  }

  /// @dev Says that one knows the right trace, and waits.
  function _know(address who, ClaimId id) internal {
    vm.prank(who);
    disputes.commit(id.game(), _knowing(who, id, 0, _rootOf(false)));
    _nextBlock();
  }

  function _assertion(uint32 name) internal pure returns (Place memory) {
    return Place(0, MATRIX, name, 0, 254);
  }

  /// @dev Asserts what is right.
  function _assert(address who, ClaimId id, uint32 leaf, uint8 level, uint32 name) internal returns (Place memory place) {
    return _assertAs(who, id, _range(false, leaf, level), _rootOf(false), name);
  }

  function _assertAs(address who, ClaimId id, LeavesOpening memory own, bytes32 root, uint32 name)
    internal
    returns (Place memory)
  {
    return _assertOf(who, id, _opening(id), own, root, name);
  }

  function _assertOf(
    address who,
    ClaimId id,
    AnswerOpening memory opening,
    LeavesOpening memory own,
    bytes32 root,
    uint32 name
  ) internal returns (Place memory) {
    vm.deal(who, who.balance + ASSERTION_BOND);
    vm.prank(who);
    disputes.assertLeaves{ value: ASSERTION_BOND }(id, opening, _matrix(MATRIX), own, root, name);
    return Place(uint32(opening.index), MATRIX, name, 0, 254);
  }

  /// @dev What the claim has where a node was asserted.
  function _said(uint32 leaf, uint8 level) internal view returns (Asserted memory) {
    return Asserted(leaf, level, _nodeOf(false, leaf, level), _nodeOf(true, leaf, level), _proofOf(true, leaf, level));
  }

  /// @dev A step of the matrix: of this leaf, false or not as FakeReferee sees it.
  function _stepAt(uint32 leaf, bool isFalse) internal pure returns (Step memory step) {
    step.header = _header();
    (step.index, step.column) = (MATRIX, isFalse ? 666 : 1);
    step.output = Opening(0, leaf, "", new bytes32[](0));
  }
}
