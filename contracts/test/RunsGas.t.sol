// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { Runs } from "../src/Runs.sol";
import { LeavesOpening, NodesOpening, Place, Shown } from "../src/interfaces/IGames.sol";
import { Header, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { UnitShape } from "../src/interfaces/IUnitReferee.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { UnitOpening } from "../src/types/Runs.sol";
import { Deployed } from "./support/Deployed.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Metered } from "./support/Metered.sol";

/// @notice What the maker of a run pays for replies, with the real referee (contracts/snapshots/Runs.json): a run of 4,000
/// units, of which one reads two others and computes 700 matrices, the last 168 its outputs; or, as the largest of the
/// ledger, reads 253 others, all of them in one instruction. Trees that are too large to be built have siblings of any words.
contract RunsGasTest is Deployed, Metered {
  uint32 private constant ALL = type(uint32).max;
  uint32 private constant UNITS = 4000;
  uint32 private constant UNIT = 2500;
  uint256 private constant INSTRUCTIONS = 700;
  uint256 private constant OUTPUTS = 168;
  uint32 private constant INDEX = 300;
  uint32 private constant LEAF = 9001;

  /// @dev Units that it reads, and inputs of the instruction that is asked about.
  uint32 private _sources = 2;
  uint256 private _inputs = 2;
  UnitOpening private _unit;
  UnitShape private _shape;
  bytes private _values;

  function setUp() public {
    _deploy();
    vm.etch(address(unitReferee), address(new Referee()).code);
    vm.deal(curator, 10 ether);
    _shape.outputs = OUTPUTS;
    _values = _bytesOf(256, 0x3f812345);
  }

  function test_aTrace() public {
    (TraceMatrix memory matrix, bytes32[] memory above) = _vouched(1024, 0);
    (bytes32 inner,) = _innerRoot(matrix, above);
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, ALL, 0, 0, 0);
    _ask(places);
    vm.startPrank(curator);
    bytes memory data = abi.encodeCall(Runs.reveal, (adapter, _unit, _shape, inner, new Shown[](0)));
    uint256 used = _measured("reply: root of a trace", data);
    vm.stopPrank();
    yes(used <= runs.replyGas(), "the bond pays for it");
  }

  /// @dev A list of 6,500 roots comes in two transactions; the second has the statement.
  function test_posting() public {
    bytes memory part = abi.encodePacked(_words(3500, "roots"));
    bytes memory last = abi.encodePacked(_words(3000, "more roots"));
    bytes32[] memory leaves = new bytes32[](6500);
    bytes memory list = bytes.concat(part, last);
    for (uint256 k = 0; k < 6500; k++) {
      bytes32 word;
      assembly ("memory-safe") {
        word := mload(add(add(list, 0x20), shl(5, k)))
      }
      leaves[k] = Merkle.leaf(abi.encode(word));
    }
    vm.startPrank(curator);
    uint256 used = _measured("posting 3,500 roots", abi.encodeCall(Runs.post, (adapter, 0, part)));
    yes(used <= 3500 * 1350, "little more than the calls' bytes cost at least");
    (uint32 count,) = runs.posted(adapter);
    eq(count, 3500, "posted");
    uint256 bond = runs.leastBond();
    bytes32 outputsRoot = MerkleTree.root(leaves);
    runs.vouch{ value: bond }(adapter, "plan", outputsRoot, 6500, last);
    vm.stopPrank();
    eq(runs.statement(adapter).outputsRoot, outputsRoot, "of the whole list");
  }

  function test_aLeafOfAUnitOf1024Tokens() public {
    yes(_leaf("reply: a leaf, 1,024 tokens", 1024, 0) <= runs.replyGas(), "the bond pays for it");
  }

  function test_aLeafOfAUnitOf4096Tokens() public {
    yes(_leaf("reply: a leaf, 4,096 tokens", 4096, 0) <= runs.replyGas(), "the bond pays for it");
  }

  /// @dev A drawn gradient is fed a number for each token too.
  function test_aLeafOfAUnitOf4096TokensAndNumbers() public {
    uint256 used = _leaf("reply: a leaf, 4,096 tokens and as many numbers", 4096, 4095);
    yes(used / 2 <= runs.replyGas(), "the bond pays for it at half of the stressed gas price");
  }

  function test_aLeafOfAUnitOf253Sources() public {
    (_sources, _inputs) = (253, 253);
    yes(_leaf("reply: a leaf, 253 sources", 2, 0) <= runs.replyGas(), "the bond pays for it");
  }

  /// @dev The record of each of 512 draws of chance is among the inputs of a noise.
  function test_aLeafOfANoise() public {
    _sources = 16;
    yes(_leaf("reply: a leaf, 512 draws of chance", 2, 513) <= runs.replyGas(), "the bond pays for it");
  }

  function test_noSuchPlaceInAUnitOf253Sources() public {
    (_sources, _inputs) = (253, 253);
    (TraceMatrix memory matrix, bytes32[] memory above) = _vouched(2, 0);
    (bytes32 inner,) = _innerRoot(matrix, above);
    _shown(inner);
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, INDEX, 9_000_000, 0, 0);
    _ask(places);
    uint256 used = _measured(
      "reply: no such leaf, 253 sources",
      abi.encodeCall(Runs.showNoSuchPlace, (adapter, _unit, _shape, matrix, places[0]))
    );
    yes(used <= runs.replyGas(), "the bond pays for it");
  }

  function test_nodes() public {
    bytes32[] memory hashes = _words(INSTRUCTIONS - OUTPUTS, "inner");
    (TraceMatrix memory matrix,) = _vouched(1024, 0);
    _shown(MerkleTree.root(hashes));
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, ALL, 0, 10, 10);
    _ask(places);
    Shown[] memory shown = new Shown[](1);
    (shown[0].matrix.header, shown[0].matrix.index) = (matrix.header, ALL);
    shown[0].nodes = new NodesOpening[](1);
    shown[0].nodes[0] = NodesOpening(0, 10, 10, hashes, new bytes32[](0));
    uint256 used =
      _measured("reply: 532 hashes of a trace", abi.encodeCall(Runs.reveal, (adapter, _unit, _shape, 0, shown)));
    yes(used <= runs.replyGas() + 532 * runs.NODE_GAS(), "the bond pays for it");
  }

  // ---- The run ----

  function _leaf(string memory name, uint256 tokens, uint256 scalars) private returns (uint256) {
    (TraceMatrix memory matrix, bytes32[] memory above) = _vouched(tokens, scalars);
    (bytes32 inner, bytes32[] memory within) = _innerRoot(matrix, above);
    _shown(inner);
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, INDEX, LEAF, 0, 0);
    _ask(places);
    bytes32[] memory proof = new bytes32[](within.length + above.length);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = k < within.length ? within[k] : above[k - within.length];
    }
    Shown[] memory shown = new Shown[](1);
    shown[0].matrix = matrix;
    shown[0].leaves = new LeavesOpening[](1);
    shown[0].leaves[0] = LeavesOpening(LEAF, 0, _values, proof);
    return _measured(name, abi.encodeCall(Runs.reveal, (adapter, _unit, _shape, 0, shown)));
  }

  /// @dev A statement in which unit UNIT has this many tokens and numbers.
  function _vouched(uint256 tokens, uint256 scalars)
    private
    returns (TraceMatrix memory matrix, bytes32[] memory above)
  {
    above = _words(Merkle.depth(INSTRUCTIONS - OUTPUTS), "above");
    matrix = _matrix(tokens, scalars);
    uint256[] memory sources = new uint256[](_sources);
    for (uint32 k = 0; k < _sources; k++) {
      sources[k] = UNIT - _sources + k;
      _unit.sources.push(UNIT - _sources + k);
      _shape.sources.push(OUTPUTS);
    }
    UnitOpening storage o = _unit;
    (o.index, o.programHash) = (UNIT, keccak256(abi.encode(matrix.header, _shape)));
    o.inputsHash = keccak256(matrix.inputs);
    o.outputRoot = _outputOf(UNIT);
    o.planProof = _words(Merkle.depth(UNITS), "plan");
    bytes32 planRoot =
      Merkle.root(UNITS, _climb(Merkle.leaf(abi.encode(o.programHash, o.inputsHash, sources)), UNIT, o.planProof));
    bytes32[] memory leaves = _outputLeaves();
    o.outputProof = MerkleTree.proof(leaves, UNIT);
    bytes32 outputsRoot = MerkleTree.root(leaves);
    uint256 bond = runs.leastBond();
    vm.prank(curator);
    runs.vouch{ value: bond }(adapter, planRoot, outputsRoot, UNITS, _list());
  }

  function _outputOf(uint256 unit) private pure returns (bytes32) {
    return keccak256(abi.encode("output", unit));
  }

  function _list() private pure returns (bytes memory) {
    bytes32[] memory words = new bytes32[](UNITS);
    for (uint256 k = 0; k < UNITS; k++) {
      words[k] = _outputOf(k);
    }
    return abi.encodePacked(words);
  }

  function _outputLeaves() private pure returns (bytes32[] memory leaves) {
    leaves = new bytes32[](UNITS);
    for (uint256 k = 0; k < UNITS; k++) {
      leaves[k] = Merkle.leaf(abi.encodePacked(_outputOf(k)));
    }
  }

  /// @dev Instruction INDEX of the unit's program, [4096, 896].
  function _matrix(uint256 tokens, uint256 scalars) private view returns (TraceMatrix memory matrix) {
    bytes memory head = abi.encodePacked(uint32(1), uint32(tokens), uint32(tokens - 1), uint32(0x3f800000));
    matrix.inputs =
      bytes.concat(head, _bytesOf(tokens, 100_000), abi.encodePacked(uint32(scalars)), _bytesOf(scalars, 0x3f123456));
    matrix.index = INDEX;
    bytes memory size = abi.encodePacked(uint32(4096), uint96(0), uint32(896), uint96(0));
    matrix.instruction = abi.encodePacked(uint8(0x20), size, uint8(0), uint8(_inputs));
    for (uint32 k = 0; k < _inputs; k++) {
      matrix.instruction = abi.encodePacked(matrix.instruction, uint8(0), 0x0101 + k, size);
    }
    matrix.instructionProof = _words(Merkle.depth(INSTRUCTIONS), "instructions");
    bytes32 top = _climb(Merkle.leaf(matrix.instruction), INDEX, matrix.instructionProof);
    matrix.header = Header(Merkle.root(INSTRUCTIONS, top), INSTRUCTIONS, keccak256("constants"), 899, 0);
  }

  /// @dev Of the trace in which leaf LEAF of matrix INDEX holds `_values`, and the leaf's siblings.
  function _innerRoot(TraceMatrix memory matrix, bytes32[] memory above)
    private
    view
    returns (bytes32 root, bytes32[] memory within)
  {
    uint256 leaves = Leaves.count(4096, 896);
    within = _words(Merkle.depth(leaves), "within");
    root = Merkle.root(leaves, _climb(Merkle.leaf(_values), LEAF, within));
    bytes32 top = Merkle.leaf(abi.encodePacked(root, uint32(4096), uint32(896)));
    root = Merkle.root(INSTRUCTIONS - OUTPUTS, _climb(top, matrix.index, above));
  }

  function _shown(bytes32 innerRoot) private {
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, ALL, 0, 0, 0);
    _ask(places);
    vm.prank(curator);
    runs.reveal(adapter, _unit, _shape, innerRoot, new Shown[](0));
  }

  function _ask(Place[] memory places) private {
    uint256 bond = runs.demandBond(places[0]);
    vm.deal(bob, bob.balance + bond);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
  }

  function _measured(string memory name, bytes memory data) private returns (uint256) {
    address[] memory touched = new address[](3);
    (touched[0], touched[1], touched[2]) = (address(runs), address(runs.judge()), address(unitReferee));
    return _metered("Runs", name, address(runs), data, touched);
  }

  /// @dev uint32 each, one more than the one before, big-endian.
  function _bytesOf(uint256 count, uint256 first) private pure returns (bytes memory words) {
    words = new bytes(4 * count);
    for (uint256 k = 0; k < count; k++) {
      bytes4 word = bytes4(uint32(first + k));
      assembly ("memory-safe") {
        let place := add(add(words, 0x20), shl(2, k))
        let kept := and(mload(place), shr(32, not(0)))
        mstore(place, or(word, kept))
      }
    }
  }

  function _climb(bytes32 hash, uint256 index, bytes32[] memory proof) private pure returns (bytes32) {
    for (uint256 k = 0; k < proof.length; k++) {
      hash = (index >> k) & 1 == 0 ? Merkle.node(hash, proof[k]) : Merkle.node(proof[k], hash);
    }
    return hash;
  }

  function _words(uint256 count, string memory salt) private pure returns (bytes32[] memory words) {
    words = new bytes32[](count);
    for (uint256 k = 0; k < count; k++) {
      words[k] = keccak256(abi.encode(salt, k));
    }
  }
}
