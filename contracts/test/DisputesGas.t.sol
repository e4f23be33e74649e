// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { LeavesOpening, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { Header, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { BatchRequest } from "../src/interfaces/ISettlement.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Answer, AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Metered } from "./support/Metered.sol";

/// @notice What replies to demands cost as transactions of their own, with the real referee (contracts/snapshots/
/// Disputes.json): a program of 2,439 instructions as the shipped base has them. Trees that are too large to be built have
/// siblings of any words.
contract DisputesGasTest is Disputing, Metered {
  uint256 private constant INSTRUCTIONS = 2439;
  uint32 private constant INDEX = 1234;
  uint32 private constant ALL = type(uint32).max;
  /// @dev What a bond has for each leaf, and for a further place.
  uint256 private constant LEAF = 45_000;
  uint256 private constant FURTHER = 100_000;

  /// @dev What is claimed, and how its answer is opened.
  struct Case {
    ClaimId id;
    AnswerOpening opening;
    TraceMatrix matrix;
    /// Siblings of the matrix within the trace.
    bytes32[] above;
  }

  function setUp() public {
    _deploy();
    vm.etch(address(referee), address(new Referee()).code);
  }

  /// @dev The worst leaf, of a first matrix, which comes with the inputs: an answer of 1,024 tokens in a batch of 256, rows of a large vocabulary, nothing zero.
  function test_aLeafAtWorst() public {
    Case memory c = _claim(1024, 1023, 151_936, keccak256("root"), 256);
    Shown[] memory shown = _leafOf(c, 1023, 151_936, 300_001);
    uint256 used = _measure("a leaf at worst", c, shown);
    yes(used * 92 / 100 <= disputes.replyGas() + LEAF, "the bond pays for it below 92 % of the stressed gas price");
  }

  function test_aLeafOfAnAnswerOf1024Tokens() public {
    Case memory c = _claim(1024, 1023, 896, keccak256("root"), 1);
    _measure("a leaf, answer of 1,024 tokens", c, _leafOf(c, 1023, 896, 100));
  }

  function test_aLeafOfAnAnswerOf70Tokens() public {
    Case memory c = _claim(70, 69, 896, keccak256("root"), 1);
    uint256 used = _measure("a leaf, answer of 70 tokens", c, _leafOf(c, 69, 896, 100));
    yes(used * 4 / 3 <= disputes.replyGas() + LEAF, "the bond pays for it and a third more");
  }

  /// @dev Each pays for itself: the bond has so much for a leaf.
  function test_leavesBelowANode() public {
    Case memory c = _claim(1024, 1023, 5120, _wideRoot(), 1);
    uint256 one = _measure("32 leaves", c, _leavesOf(c, 5));
    uint256 two = _measure("64 leaves", c, _leavesOf(c, 6));
    yes((two - one) / 32 <= LEAF, "the bond pays for every leaf");
    yes(two <= FURTHER + 64 * LEAF, "and for a transaction of its own, though the place was not the first");
    yes(one <= FURTHER + 32 * LEAF, "of half as many too");
  }

  /// @dev What a further place adds to a reply.
  function test_aFurtherPlace() public {
    Case memory c = _claim(1024, 1023, 896, keccak256("root"), 1);
    Shown[] memory shown = _leafOf(c, 1023, 896, 100);
    shown[0].matrix.inputs = "";
    uint256 one = _measure("a leaf, no inputs", c, shown);
    c = _claim(1024, 1023, 5120, _wideRoot(), 1);
    shown = new Shown[](2);
    (shown[0], shown[1]) = (_leavesOf(c, 0)[0], _leavesOf(c, 1)[0]);
    uint256 both = _measure("a leaf and two of the same matrix, its instruction twice", c, shown);
    yes(both - one <= FURTHER + 2 * LEAF, "the bond pays for it");
  }

  /// @dev The first reply about a withheld trace of 1,024 tokens: large matrices alone, others in groups of four.
  function test_aCutOfTheTreeOverAllMatrices() public {
    Case memory c;
    (c.matrix, c.above) = (_matrixOf(1024, 960, 256), new bytes32[](0));
    bytes32[] memory all = _words(610, "quarters");
    bytes32[] memory hashes = new bytes32[](760);
    bytes32[] memory levels = new bytes32[](24);
    // The first fifty groups whole.
    for (uint256 k = 0; k < 760; k++) {
      hashes[k] = k < 200 ? keccak256(abi.encode(k)) : all[k - 150];
      levels[k / 32] |= bytes32(uint256(k < 200 ? 0 : 2) << (248 - 8 * (k % 32)));
    }
    for (uint256 k = 0; k < 50; k++) {
      all[k] = Merkle.node(Merkle.node(hashes[4 * k], hashes[4 * k + 1]), Merkle.node(hashes[4 * k + 2], hashes[4 * k + 3]));
    }
    c = _pay(c, Merkle.root(INSTRUCTIONS, _folded(all)), 1024, 1);
    Shown[] memory shown = new Shown[](1);
    (shown[0].matrix.header, shown[0].matrix.inputs, shown[0].matrix.index) = (c.matrix.header, c.matrix.inputs, ALL);
    shown[0].nodes = new NodesOpening[](1);
    shown[0].nodes[0] = NodesOpening(uint32(uint256(keccak256(abi.encodePacked(levels)))), 0, 255, hashes, levels);
    uint256 bonds = (disputes.replyGas() + 24 * 33 * disputes.NODE_GAS());
    vm.deal(bob, 100 ether);
    vm.prank(bob);
    disputes.search{ value: bonds * GAS_PRICE }(c.id, 0, levels, new Place[](0), 0);
    bytes memory data = abi.encodeCall(IDisputes.reveal, (c.id, c.opening, shown));
    uint256 used = _metered("Disputes", "reply: a cut of 760 nodes", address(disputes), data, _touched());
    yes(used <= bonds, "the bond pays for it");
  }

  function test_nodes() public {
    uint256 before = _nodes(64);
    _nodes(512);
    before = _nodes(1024);
    uint256 most = _nodes(2048);
    yes((most - before) / 1024 <= disputes.NODE_GAS(), "the bond pays for every hash");
    yes(most <= disputes.replyGas() + 2048 * disputes.NODE_GAS(), "and for what is beside them");
  }

  function _nodes(uint256 count) private returns (uint256) {
    bytes32[] memory hashes = _words(count, "hashes");
    Case memory c = _claim(70, count, 256, MerkleTree.root(hashes), 1);
    Shown[] memory shown = new Shown[](1);
    shown[0].matrix = c.matrix;
    shown[0].nodes = new NodesOpening[](1);
    uint8 depth = uint8(Merkle.depth(count));
    shown[0].nodes[0] = NodesOpening(0, depth, depth, hashes, c.above);
    return _measure(string.concat(_decimal(count), " hashes"), c, shown);
  }

  /// @dev The first reply about a withheld trace of the shipped base: two levels above all matrices.
  function test_theTreeOverAllMatrices() public {
    bytes32[] memory all = _words(610, "quarters");
    Case memory c;
    (c.matrix, c.above) = (_matrixOf(70, 960, 256), new bytes32[](0));
    bytes32 root = Merkle.root(INSTRUCTIONS, _folded(all));
    c = _pay(c, root, 70, 1);
    Shown[] memory shown = new Shown[](1);
    (shown[0].matrix.header, shown[0].matrix.inputs, shown[0].matrix.index) = (c.matrix.header, c.matrix.inputs, ALL);
    shown[0].nodes = new NodesOpening[](1);
    shown[0].nodes[0] = NodesOpening(0, 12, 10, all, new bytes32[](0));
    _measure("610 hashes of the tree over all matrices", c, shown);
  }

  // ---- Claims ----

  /// @dev A claim about an answer of so many tokens in which matrix INDEX has this size and root of its leaves; `root`, where
  /// it is the word "root", is that of the leaf that _leafOf shows.
  function _claim(uint256 tokens, uint256 rows, uint256 columns, bytes32 root, uint16 batch)
    private
    returns (Case memory c)
  {
    c.matrix = _matrixOf(tokens, rows, columns);
    c.above = _words(Merkle.depth(INSTRUCTIONS), "above");
    if (root == keccak256("root")) {
      uint32 leaf = batch == 1 ? 100 : 300_001;
      uint256 leaves = Leaves.count(rows, columns);
      bytes32[] memory within = _words(Merkle.depth(leaves), "within");
      root = Merkle.root(leaves, _climb(Merkle.leaf(_leafValues(columns, leaf)), leaf, within));
    }
    bytes32 top = Merkle.leaf(abi.encodePacked(root, uint32(rows), uint32(columns)));
    return _pay(c, Merkle.root(INSTRUCTIONS, _climb(top, INDEX, c.above)), tokens, batch);
  }

  function _matrixOf(uint256 tokens, uint256 rows, uint256 columns) private pure returns (TraceMatrix memory matrix) {
    matrix.inputs = abi.encodePacked(uint32(tokens / 2));
    for (uint256 k = 0; k < tokens; k++) {
      matrix.inputs = bytes.concat(matrix.inputs, abi.encodePacked(uint32(100_000 + 37 * k % 50_000)));
    }
    matrix.index = INDEX;
    bytes memory size = abi.encodePacked(uint32(rows), uint96(0), uint32(columns), uint96(0));
    matrix.instruction = abi.encodePacked(uint8(0x20), size, uint8(1), uint32(0x3f800000), uint8(8));
    for (uint32 k = 0; k < 8; k++) {
      matrix.instruction = abi.encodePacked(matrix.instruction, uint8(0), 0x0101 + k, size);
    }
    matrix.instructionProof = _words(Merkle.depth(INSTRUCTIONS), "instructions");
    bytes32 top = _climb(Merkle.leaf(matrix.instruction), INDEX, matrix.instructionProof);
    matrix.header = Header(Merkle.root(INSTRUCTIONS, top), INSTRUCTIONS, keccak256("constants"), 899, 0);
  }

  function _pay(Case memory c, bytes32 traceRoot, uint256 tokens, uint16 batch) private returns (Case memory) {
    AdapterDraft memory draft = _draft();
    draft.programHash = keccak256(abi.encode(c.matrix.header));
    vm.prank(curator);
    adapter = adapters.register(draft);
    uint32 half = uint32(tokens / 2);
    Answer memory answer = _answer(keccak256("receipt"), uint32(tokens) - half, half, keccak256("payouts"), 1, 1);
    (answer.traceRoot, answer.inputsHash) = (traceRoot, keccak256(c.matrix.inputs));
    answer.read = new uint32[](batch == 1 ? 0 : 16);
    c.opening = AnswerOpening(batch - 1, answer, _words(Merkle.depth(batch), "answers"));
    BatchRequest memory request;
    (request.adapterId, request.answers, request.cid) = (adapter, batch, CID);
    request.answersRoot = Merkle.root(batch, _climb(_leafOf(answer), batch - 1, c.opening.proof));
    (request.tokensIn, request.tokensOut, request.allocated, request.ruleVersion) = (half, half, 1, 1);
    Fee memory fee = settlement.quoteBatch(adapter, batch, half, half);
    request.contributorsPart = fee.contributors;
    uint256 value = fee.total + settlement.bondFor(request.allocated);
    vm.prank(payer);
    c.id = settlement.payBatch{ value: value }(request);
    return c;
  }

  function _leafOf(Case memory c, uint256 rows, uint256 columns, uint32 leaf)
    private
    pure
    returns (Shown[] memory shown)
  {
    bytes32[] memory within = _words(Merkle.depth(Leaves.count(rows, columns)), "within");
    bytes32[] memory proof = new bytes32[](within.length + c.above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : c.above[k - within.length];
    }
    shown = new Shown[](1);
    shown[0].matrix = c.matrix;
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = LeavesOpening(leaf, 0, _leafValues(columns, leaf), proof);
  }

  /// @dev Root of a matrix of 1,023 rows of 5,120 values, where the leaves below node 3 of level 6 are the same.
  function _wideRoot() private pure returns (bytes32) {
    bytes32[] memory all = _words(Merkle.depth(1023 * 20), "within");
    bytes32[] memory above = new bytes32[](all.length - 6);
    for (uint256 k = 0; k < above.length; k++) {
      above[k] = all[k + 6];
    }
    return Merkle.root(1023 * 20, _climb(_same(6), 3, above));
  }

  /// @dev The first leaves below that node.
  function _leavesOf(Case memory c, uint8 level) private pure returns (Shown[] memory shown) {
    bytes32[] memory all = _words(Merkle.depth(1023 * 20), "within");
    bytes32[] memory proof = new bytes32[](all.length - level + c.above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      uint256 up = k + level;
      if (up < 6) proof[k] = _same(up);
      else proof[k] = up < all.length ? all[up] : c.above[up - all.length];
    }
    bytes memory one = _leafValues(5120, 0);
    bytes memory values = new bytes(one.length << level);
    for (uint256 k = 0; k < values.length; k++) {
      values[k] = one[k % one.length];
    }
    shown = new Shown[](1);
    shown[0].matrix = c.matrix;
    shown[0].matrix.inputs = "";
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = LeavesOpening(uint32(3 << (6 - level)), level, values, proof);
  }

  function _same(uint256 level) private pure returns (bytes32 hash) {
    hash = Merkle.leaf(_leafValues(5120, 0));
    for (uint256 k = 0; k < level; k++) {
      hash = Merkle.node(hash, hash);
    }
  }

  function _leafValues(uint256 columns, uint256 leaf) private pure returns (bytes memory values) {
    uint256 pieces = (columns + 255) / 256;
    uint256 from = leaf % pieces * 256;
    uint256 count = columns - from < 256 ? columns - from : 256;
    for (uint256 k = 0; k < count; k++) {
      values = bytes.concat(values, abi.encodePacked(uint32(0x3f812345 + k)));
    }
  }

  function _climb(bytes32 hash, uint256 index, bytes32[] memory proof) private pure returns (bytes32) {
    for (uint256 k = 0; k < proof.length; k++) {
      hash = (index >> k) & 1 == 0 ? Merkle.node(hash, proof[k]) : Merkle.node(proof[k], hash);
    }
    return hash;
  }

  /// @dev Node ten levels above these, which stand two levels above their leaves.
  function _folded(bytes32[] memory hashes) private pure returns (bytes32) {
    bytes32 zero = Merkle.node(Merkle.node(0, 0), Merkle.node(0, 0));
    bytes32[] memory level = new bytes32[](1024);
    for (uint256 k = 0; k < 1024; k++) {
      level[k] = k < hashes.length ? hashes[k] : zero;
    }
    while (level.length > 1) level = MerkleTree.above(level);
    return level[0];
  }

  function _words(uint256 count, string memory salt) private pure returns (bytes32[] memory words) {
    words = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      words[k] = keccak256(abi.encode(salt, k));
    }
  }

  // ---- Gas ----

  function _measure(string memory name, Case memory c, Shown[] memory shown) private returns (uint256) {
    // One place of each.
    Place[] memory places = new Place[](shown.length);
    for (uint256 k = 0; k < shown.length; k++) {
      places[k] = Place(uint32(c.opening.index), shown[k].matrix.index, 0, 0, 0);
      if (shown[k].leaves.length > 0) {
        (places[k].leaf, places[k].level) = (shown[k].leaves[0].leaf, shown[k].leaves[0].level);
      } else {
        NodesOpening memory n = shown[k].nodes[0];
        (places[k].leaf, places[k].level, places[k].depth) = (n.leaf, n.level, n.depth);
      }
    }
    _demandAll(bob, c.id, places);
    bytes memory data = abi.encodeCall(IDisputes.reveal, (c.id, c.opening, shown));
    return _metered("Disputes", string.concat("reply: ", name), address(disputes), data, _touched());
  }

  function _touched() private view returns (address[] memory touched) {
    touched = new address[](4);
    touched[0] = address(disputes);
    touched[1] = address(settlement);
    touched[2] = address(adapters);
    touched[3] = address(referee);
  }

  function _decimal(uint256 n) private pure returns (string memory text) {
    while (n > 0) {
      text = string.concat(string(abi.encodePacked(bytes1(uint8(48 + n % 10)))), text);
      n /= 10;
    }
  }
}
