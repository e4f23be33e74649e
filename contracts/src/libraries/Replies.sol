// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Asserted } from "../interfaces/IDisputes.sol";
import { IGames, LeavesOpening, NodesOpening, Place, Shown } from "../interfaces/IGames.sol";
import { IReferee, Step, TraceMatrix } from "../interfaces/IReferee.sol";
import { IDatanetRegistry } from "../interfaces/IDatanetRegistry.sol";
import { DatanetId, GameId } from "../types/Ids.sol";
import { Leaves } from "./Leaves.sol";
import { Nodes } from "./Nodes.sol";
import { Committed } from "./Openings.sol";
import { Workings } from "./Workings.sol";

/// @notice The answer that something is asked about, as its claim says it.
struct Asked {
  GameId id;
  /// Its place in the claim.
  uint32 answer;
  IReferee referee;
  bytes32 programHash;
  bytes32 inputsHash;
  bytes32 traceRoot;
  /// Tokens of prompt and answer, and of the answer alone.
  uint256 tokens;
  uint256 own;
  bytes32 workingsRoot;
  bytes32 payoutRoot;
  uint256 payoutCount;
  /// The version that its adapter was trained on: how many records it has is asked only where that matters.
  IDatanetRegistry datanets;
  DatanetId datanet;
  uint32 version;
}

/// @title What a reply to demands shows
/// @dev A part of Disputes with code of its own on chain, since there is no room for it there.
library Replies {
  /// @dev Games.ALL.
  uint256 private constant ALL = type(uint32).max;

  /// @notice Says on chain what is shown of one matrix of an answer, or of the tree over all. Reverts with NotTheLeaf and
  /// NotTheNodes where it does not stand under the root.
  function show(Asked memory asked, Shown calldata shown) external {
    GameId id = asked.id;
    Place memory place = Place(asked.answer, shown.matrix.index, 0, 0, 0);
    Committed memory matrix = _matrixOf(asked, shown.matrix);
    for (uint256 k = 0; k < shown.leaves.length; k++) {
      LeavesOpening calldata leaves = shown.leaves[k];
      (place.leaf, place.level) = (leaves.leaf, leaves.level);
      if (matrix.index == ALL || !Nodes.provenLeaves(leaves, matrix)) revert IGames.NotTheLeaf(place);
      emit IGames.Revealed(id, place, shown.matrix.inputs, leaves);
    }
    for (uint256 k = 0; k < shown.nodes.length; k++) {
      NodesOpening calldata nodes = shown.nodes[k];
      (place.leaf, place.level, place.depth) = (nodes.leaf, nodes.level, nodes.depth);
      bool right =
        matrix.index == ALL ? Nodes.provenUnder(nodes, matrix.root, matrix.count) : Nodes.proven(nodes, matrix);
      // One node for itself would be a leaf without its values.
      if (!right || nodes.depth == 0) revert IGames.NotTheNodes(place);
      emit IGames.RevealedNodes(id, place, shown.matrix.inputs, nodes);
    }
  }

  /// @notice Whether there is no such place: the program has fewer instructions, or the tree no such leaf or node.
  function isNone(Asked memory asked, TraceMatrix calldata matrix, Place calldata place) external view returns (bool) {
    // What is shown of one matrix says nothing about another; every cut is one of every tree; and of a file or an assertion
    // `leaf` is no leaf.
    if (place.answer != asked.answer || place.index != matrix.index || place.depth >= Nodes.FILE) return false;
    if (Workings.isPlace(place.index)) {
      Committed memory tree = _workingsOf(asked, place.index);
      uint256 many = tree.index == ALL ? tree.count : Leaves.count(tree.rows, tree.columns);
      return !Nodes.exists(many, place.level, place.leaf);
    }
    uint256 count = matrix.header.instructionCount;
    bool ofProgram = keccak256(abi.encode(matrix.header)) == asked.programHash;
    if (place.index == ALL) return ofProgram && !Nodes.exists(count, place.level, place.leaf);
    if (ofProgram && place.index >= count) return true;
    (,, uint256 leaves) = _sizeOf(asked, matrix);
    return !Nodes.exists(leaves, place.level, place.leaf);
  }

  /// @notice What a challenger asserts about leaves, as a hash: they are not too many, have the right sizes, and stand under
  /// `ownRoot`.
  function asserted(Asked memory asked, TraceMatrix calldata matrix, LeavesOpening calldata own, bytes32 ownRoot)
    external
    view
    returns (bytes32)
  {
    Committed memory committed = _matrixUnder(ownRoot, asked, matrix);
    bytes32 node = Nodes.over(own, committed);
    bool right = own.level <= Nodes.MOST_RANGE && node != 0 && Nodes.rootWith(node, own.leaf, own.level, own.proof, committed) == ownRoot;
    if (!right) revert IGames.NotTheLeaf(Place(asked.answer, matrix.index, own.leaf, own.level, 0));
    return keccak256(abi.encode(own.leaf, own.level, node));
  }

  /// @notice Whether the claim has the asserted leaves itself, or one element of them does not follow from what the claim has before
  /// them. Reverts where what it says of the claim is wrong.
  function isRefuted(Asked memory asked, TraceMatrix calldata matrix, Asserted calldata said, Step calldata step)
    external
    view
    returns (bool)
  {
    Committed memory committed = _matrixUnder(asked.traceRoot, asked, matrix);
    bytes32 root = Nodes.rootWith(said.claimed, said.leaf, said.level, said.proof, committed);
    if (root == 0 || root != asked.traceRoot) {
      revert IGames.NotTheNodes(Place(asked.answer, matrix.index, said.leaf, said.level, 0));
    }
    if (said.claimed == said.node) return true;
    // Another leaf of the claim may well be false: that is no excuse.
    bool about = step.index == matrix.index && uint256(step.output.leaf) >> said.level == said.leaf;
    if (!about) return false;
    root = Nodes.rootWith(said.node, said.leaf, said.level, said.proof, committed);
    return asked.referee.isFalse(asked.programHash, asked.inputsHash, root, step);
  }

  /// @dev A matrix of the program under any root of matrices.
  function _matrixUnder(bytes32 root, Asked memory asked, TraceMatrix calldata matrix)
    private
    view
    returns (Committed memory committed)
  {
    committed.root = root;
    committed.count = matrix.header.instructionCount;
    committed.index = matrix.index;
    (committed.rows, committed.columns,) = _sizeOf(asked, matrix);
  }

  /// @dev Where and how large the matrix is, by the program; of the tree over all matrices only root and count matter. With
  /// that, and with the first matrix, come the answer's inputs: a challenger may know them from the reply alone.
  function _matrixOf(Asked memory asked, TraceMatrix calldata matrix) private view returns (Committed memory committed) {
    if (Workings.isPlace(matrix.index)) {
      // They need not come with workings; but nobody is shown other ones.
      bool right = matrix.inputs.length == 0 || keccak256(matrix.inputs) == asked.inputsHash;
      if (!right) revert IReferee.RefereeWrongInputs();
      return _workingsOf(asked, matrix.index);
    }
    committed.root = asked.traceRoot;
    committed.count = matrix.header.instructionCount;
    committed.index = matrix.index;
    bool all = matrix.index == ALL;
    if (all && keccak256(abi.encode(matrix.header)) != asked.programHash) revert IReferee.RefereeWrongHeader();
    bool withInputs = all || matrix.index == 0;
    if (withInputs && keccak256(matrix.inputs) != asked.inputsHash) revert IReferee.RefereeWrongInputs();
    if (!all) (committed.rows, committed.columns,) = _sizeOf(asked, matrix);
  }

  function _workingsOf(Asked memory asked, uint256 index) private view returns (Committed memory) {
    uint256 records = asked.datanets.version(asked.datanet, asked.version).count;
    return Workings.treeAt(index, asked.workingsRoot, asked.payoutRoot, asked.payoutCount, records);
  }

  /// @dev Sizes follow from how many tokens there are: the claim says it, and is false where it is not so (proveInputs). So the
  /// inputs, most of a long answer's reply, can be left out.
  function _sizeOf(Asked memory asked, TraceMatrix calldata matrix)
    private
    view
    returns (uint256 rows, uint256 columns, uint256 leaves)
  {
    return asked.referee.sizeOf(asked.programHash, asked.tokens, asked.own, matrix);
  }
}
