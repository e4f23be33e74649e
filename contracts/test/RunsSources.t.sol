// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { Runs } from "../src/Runs.sol";
import { Place, Shown } from "../src/interfaces/IGames.sol";
import { IReferee } from "../src/interfaces/IReferee.sol";
import { IRuns } from "../src/interfaces/IRuns.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { StatementState, UnitOpening } from "../src/types/Runs.sol";
import { Deployed } from "./support/Deployed.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Matrix, Output, RefereeTrace, UnitQuestion } from "./support/RefereeTrace.sol";

/// @notice The step: of two sources among four.
contract TwoOfFour is RefereeTrace {
  uint8 private constant ADD = 0x20;
  /// @dev 1/8 + 2/8 with another last bit.
  uint32 private constant FALSE_SUM = 0x3ec00001;

  function question(uint256 a, uint256 b) external returns (UnitQuestion memory) {
    _unitInputs = hex"0000000100000003000000013f800000" hex"000000070000000800000009" hex"0000000100000000";
    (_fillers, _sources) = (3, 4);
    Matrix[] memory terms = new Matrix[](2);
    (terms[0].rows, terms[0].columns, terms[0].space) = (1, 1, 2 + a);
    (terms[1].rows, terms[1].columns, terms[1].space) = (1, 1, 2 + b);
    return _unitQuestion(ADD, "", terms, Output(1, 1, 0, 0, FALSE_SUM));
  }
}

/// @notice With the real referee: a unit of four sources, of which its step reads two. Sources that the step does not read can be
/// left out of a proof, the others cannot.
contract RunsSourcesTest is Deployed {
  /// @dev The step's two terms come from these sources.
  uint256 private constant A = 1;
  uint256 private constant B = 3;
  uint32 private constant UNIT = 4;

  /// @dev Encoded: storage holds no list of openings.
  bytes private _question;
  UnitOpening private _right;

  function setUp() public {
    _deploy();
    vm.etch(address(unitReferee), address(new Referee()).code);
    vm.deal(curator, 10 ether);
    _question = abi.encode(new TwoOfFour().question(A, B));
    _vouch();
    _show();
  }

  function _asked() private view returns (UnitQuestion memory) {
    return abi.decode(_question, (UnitQuestion));
  }

  /// @dev Units 0 to 3 are the sources, unit 4 the one that is asked about.
  function _vouch() private {
    UnitQuestion memory q = _asked();
    uint256[] memory sources = new uint256[](4);
    bytes32[] memory outputs = new bytes32[](5);
    bytes32[] memory plan = new bytes32[](5);
    for (uint32 k = 0; k < 4; k++) {
      sources[k] = k;
      plan[k] = keccak256(abi.encode("any other unit", k));
      outputs[k] = Merkle.leaf(abi.encode(q.unit.sourceRoots[k]));
    }
    plan[UNIT] = Merkle.leaf(abi.encode(q.unit.programHash, q.unit.inputsHash, sources));
    outputs[UNIT] = Merkle.leaf(abi.encode(q.unit.outputRoot));
    uint256 bond = runs.leastBond();
    bytes memory list = bytes.concat(abi.encodePacked(q.unit.sourceRoots), q.unit.outputRoot);
    vm.prank(curator);
    runs.vouch{ value: bond }(adapter, MerkleTree.root(plan), MerkleTree.root(outputs), 5, list);

    UnitOpening storage o = _right;
    (o.index, o.programHash, o.inputsHash) = (UNIT, q.unit.programHash, q.unit.inputsHash);
    (o.outputRoot, o.outputProof) = (q.unit.outputRoot, MerkleTree.proof(outputs, UNIT));
    o.planProof = MerkleTree.proof(plan, UNIT);
    for (uint32 k = 0; k < 4; k++) {
      o.sources.push(k);
      o.sourceRoots.push(q.unit.sourceRoots[k]);
      o.sourceProofs.push(MerkleTree.proof(outputs, k));
    }
  }

  function _show() private {
    Place[] memory places = new Place[](1);
    places[0] = Place(UNIT, type(uint32).max, 0, 0, 0);
    uint256 bond = runs.demandBond(places[0]);
    vm.deal(bob, 10 ether);
    vm.prank(bob);
    runs.demand{ value: bond }(adapter.game(), places);
    UnitOpening memory o = _right;
    UnitQuestion memory q = _asked();
    vm.prank(curator);
    runs.reveal(adapter, o, q.shape, q.innerRoot, new Shown[](0));
  }

  function _call(UnitOpening memory o) private view returns (bytes memory) {
    UnitQuestion memory q = _asked();
    return abi.encodeCall(Runs.proveUnit, (adapter, o, q.shape, q.step, "salt"));
  }

  function send(bytes calldata data) external {
    vm.prank(bob);
    (bool done, bytes memory why) = address(runs).call(data);
    if (!done) {
      assembly ("memory-safe") {
        revert(add(why, 32), mload(why))
      }
    }
  }

  function _begin(bytes memory data) private {
    vm.prank(bob);
    runs.commit(adapter.game(), keccak256(abi.encode(bob, keccak256(data))));
    vm.roll(vm.getBlockNumber() + 1);
  }

  function _convicts(UnitOpening memory o) private {
    uint256 before = vm.snapshotState();
    bytes memory data = _call(o);
    _begin(data);
    this.send(data);
    yes(runs.isRefuted(adapter), "refuted");
    vm.revertToState(before);
  }

  function _refused(UnitOpening memory o, bytes memory why) private {
    bytes memory data = _call(o);
    _begin(data);
    vm.expectRevert(why);
    this.send(data);
    eq(uint256(runs.statement(adapter).state), uint256(StatementState.Open), "open");
  }

  /// @dev Their proofs too.
  function _without(uint256 k) private view returns (UnitOpening memory o) {
    o = _right;
    (o.sourceRoots[k], o.sourceProofs[k]) = (0, new bytes32[](0));
  }

  function test_allSourcesOrThoseThatAreRead() public {
    UnitOpening memory o = _right;
    _convicts(o);
    _convicts(_without(0));
    _convicts(_without(2));
    o = _without(0);
    (o.sourceRoots[2], o.sourceProofs[2]) = (0, new bytes32[](0));
    _convicts(o);
  }

  /// @dev Nothing stands under the root 0, so nothing can be opened under it.
  function test_aSourceThatIsReadCannotBeLeftOut() public {
    _refused(_without(A), abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, 0, 0));
    _refused(_without(B), abi.encodeWithSelector(IReferee.RefereeWrongOpening.selector, 1, 0));
  }

  /// @dev A root that is given is proved, whether it is read or not; so is that all are there.
  function test_aSourceThatIsGivenIsProved() public {
    for (uint256 k = 0; k < 4; k++) {
      UnitOpening memory o = _right;
      o.sourceRoots[k] = keccak256("another");
      _refused(o, abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, UNIT, k));
      o = _right;
      o.sourceProofs[k] = new bytes32[](0);
      _refused(o, abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, UNIT, k));
    }
    UnitOpening memory short = _right;
    short.sourceRoots = new bytes32[](3);
    _refused(short, abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, UNIT, 3));
    short = _right;
    (short.sourceRoots, short.sourceProofs) = (new bytes32[](0), new bytes32[][](0));
    _refused(short, abi.encodeWithSelector(IRuns.WrongSource.selector, adapter, UNIT, 0));
  }
}
