// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Referee } from "../src/Referee.sol";
import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { Asserted, IDisputes } from "../src/interfaces/IDisputes.sol";
import { DemandState, LeavesOpening, Place } from "../src/interfaces/IGames.sol";
import { Step, TraceMatrix } from "../src/interfaces/IReferee.sol";
import { BatchRequest, ClaimState, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Leaves } from "../src/libraries/Leaves.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Float32 } from "../src/libraries/RF32.sol";
import { RF32Sums } from "../src/libraries/rf32/RF32Sums.sol";
import { Answer, AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { Metered } from "./support/Metered.sol";
import { Matrix, Output, Question, RefereeTrace } from "./support/RefereeTrace.sol";

/// @notice What a search's moves, an assertion and its refutation cost as transactions of their own, with the real referee (contracts/
/// snapshots/Disputes.json): one of 256 answers of a batch, a program of some 2,440 instructions.
contract DisputesMovesGasTest is Disputing, Metered, RefereeTrace {
  uint16 private constant BATCH = 256;

  struct Case {
    ClaimId id;
    AnswerOpening opening;
    /// As claimed; as asserted, with the step that refutes it.
    Question claimed;
    Question asserted;
  }

  function setUp() public {
    _deploy();
    vm.etch(address(referee), address(new Referee()).code);
    _fillers = 2438;
    _lengthen(1024);
    vm.deal(address(this), 1000 ether);
  }

  function _lengthen(uint32 tokens) private {
    delete _tokens;
    for (uint32 k = 0; k < tokens; k++) {
      _tokens.push(100_000 + 37 * k);
    }
    _answerTokens = tokens / 2;
  }

  // ---- Claims ----

  /// @dev The last answer of a full batch, sixteen records read.
  function _claim(Question memory claimed, Question memory asserted) private returns (Case memory c) {
    (c.claimed, c.asserted) = (claimed, asserted);
    AdapterDraft memory draft = _draft();
    draft.programHash = claimed.programHash;
    vm.prank(curator);
    adapter = adapters.register(draft);
    uint32 own = _answerTokens;
    Answer memory answer = _answer("receipt", uint32(_tokens.length) - own, own, keccak256("payouts"), 1, 1);
    (answer.traceRoot, answer.inputsHash, answer.read) = (claimed.traceRoot, claimed.inputsHash, new uint32[](16));
    c.opening = AnswerOpening(BATCH - 1, answer, new bytes32[](8));
    bytes32 hash = _leafOf(answer);
    for (uint256 k = 0; k < 8; k++) {
      c.opening.proof[k] = keccak256(abi.encode("answers", k));
      hash = Merkle.node(c.opening.proof[k], hash);
    }
    BatchRequest memory request;
    (request.adapterId, request.answers, request.cid, request.ruleVersion) = (adapter, BATCH, CID, 1);
    (request.tokensIn, request.tokensOut, request.allocated) = (4096, 4096, 1);
    request.answersRoot = Merkle.root(BATCH, hash);
    Fee memory fee = settlement.quoteBatch(adapter, BATCH, 4096, 4096);
    request.contributorsPart = fee.contributors;
    c.id = settlement.payBatch{ value: fee.total + BOND }(request);
  }

  /// @dev A step whose output is claimed to be 1 and asserted to be 0; neither is right.
  function _case(uint8 op, bytes memory params, Matrix[] memory inputs, Output memory output) private returns (Case memory) {
    output.bits = 0x3f800000;
    Question memory claimed = _question(op, params, inputs, output);
    output.bits = 0;
    return _claim(claimed, _question(op, params, inputs, output));
  }

  function _touched() private view returns (address[] memory touched) {
    touched = new address[](5);
    (touched[0], touched[1], touched[2]) = (address(disputes), address(settlement), address(adapters));
    (touched[3], touched[4]) = (address(referee), address(runs));
  }

  function _meter(string memory name, bytes memory data, uint256 value) private returns (uint256) {
    return _meteredPaying("Disputes", name, address(disputes), data, _touched(), value);
  }

  // ---- Assertions ----

  function _knowRoot(Case memory c) private {
    bytes32 what = keccak256(abi.encode(c.id, c.opening.index, c.asserted.traceRoot));
    disputes.commit(c.id.game(), keccak256(abi.encode(address(this), what)));
    _nextBlock();
  }

  function _alone(Step memory step) private pure returns (TraceMatrix memory matrix) {
    matrix = _matrixOf(step);
    matrix.inputs = "";
  }

  /// @dev The leaf with the step's element; metered where it has a name.
  function _assertLeaf(Case memory c, string memory name) private {
    _knowRoot(c);
    LeavesOpening memory own =
      LeavesOpening(c.asserted.step.output.leaf, 0, c.asserted.step.output.values, c.asserted.step.output.proof);
    bytes memory data =
      abi.encodeCall(IDisputes.assertLeaves, (c.id, c.opening, _alone(c.asserted.step), own, c.asserted.traceRoot, 1));
    uint256 bond = disputes.assertionBond();
    if (bytes(name).length > 0) {
      _meter(name, data, bond);
    } else {
      (bool done,) = address(disputes).call{ value: bond }(data);
      yes(done, "asserted");
    }
  }

  function _refuteLeaf(Case memory c, string memory name) private returns (uint256 used) {
    Step memory step = c.asserted.step;
    Place memory place = Place(BATCH - 1, step.index, 1, 0, 254);
    Asserted memory said = Asserted(
      step.output.leaf, 0, Merkle.leaf(step.output.values), Merkle.leaf(c.claimed.step.output.values), step.output.proof
    );
    bytes memory data = abi.encodeCall(IDisputes.refuteAssertion, (c.id, c.opening, place, _alone(step), said, step));
    yes(data.length < 120 * 1024, "what nodes take, with room for the envelope");
    used = _meter(string.concat("refutation: ", name), data, 0);
    eq(uint256(disputes.demandOf(c.id.game(), place).state), uint256(DemandState.Answered), "refuted");
  }

  /// @dev Of a row all leaves are opened.
  function _row(uint256 rows, uint256 columns, uint256 row, uint256 space) private pure returns (Matrix memory matrix) {
    (matrix.rows, matrix.columns, matrix.space) = (rows, columns, space);
    uint256 first = Leaves.leafOf(columns, row, 0);
    matrix.opened = new uint32[](Leaves.leafOf(columns, row, columns - 1) + 1 - first);
    for (uint256 k = 0; k < matrix.opened.length; k++) {
      matrix.opened[k] = uint32(first + k);
    }
  }

  function _onlyLeaf(Matrix memory matrix, uint256 row, uint256 column) private pure returns (Matrix memory) {
    matrix.opened = new uint32[](1);
    matrix.opened[0] = uint32(Leaves.leafOf(matrix.columns, row, column));
    return matrix;
  }

  function test_aProductOf256() public {
    Matrix[] memory inputs = new Matrix[](2);
    (inputs[0], inputs[1]) = (_row(1023, 256, 1000, 0), _row(64, 256, 50, 1));
    Case memory c = _case(0x01, "", inputs, Output(1023, 64, 1000, 50, 0));
    _assertLeaf(c, "assertion: a leaf");
    yes(_refuteLeaf(c, "a product of 256") <= disputes.ASSERTION_GAS(), "the bond pays for it");
  }

  function test_aProductOf1024() public {
    Matrix[] memory inputs = new Matrix[](2);
    (inputs[0], inputs[1]) = (_row(1023, 1024, 1000, 0), _row(64, 1024, 50, 1));
    Case memory c = _case(0x01, "", inputs, Output(1023, 64, 1000, 50, 0));
    _assertLeaf(c, "");
    _refuteLeaf(c, "a product of 1,024");
  }

  /// @dev The greatest of a row of scores, and the inverse sum of its exponentials.
  function test_softmaxOf1024() public {
    bytes memory params = hex"000000013e000000";
    Matrix[] memory inputs = new Matrix[](1);
    inputs[0] = _row(1023, 1023, 1022, 0);
    Case memory c = _case(0x40, params, inputs, Output(1023, 1, 1022, 0, 0));
    _assertLeaf(c, "");
    _refuteLeaf(c, "the greatest of 1,023");
    inputs = new Matrix[](2);
    (inputs[0], inputs[1]) = (_row(1023, 1023, 1022, 0), _row(1023, 1, 1022, 0));
    c = _case(0x42, params, inputs, Output(1023, 1, 1022, 0, 0));
    _assertLeaf(c, "");
    _refuteLeaf(c, "the inverse sum of 1,023");
  }

  /// @dev Each member in another leaf.
  function test_aSketch() public {
    _sketch(16);
  }

  /// @dev Gradient of a key that all 1,023 tokens attend with seven heads: 7,161 terms.
  function test_theLongestSum() public {
    Matrix[] memory inputs = new Matrix[](2);
    bytes memory data = new bytes(4 * 7 * 1023);
    for (uint256 k = 0; k < 7 * 1023; k++) {
      RF32Sums.setValue(data, k, Float32.wrap(uint32(0x3c812345 + 0x1357 * k)));
    }
    for (uint256 k = 0; k < 2; k++) {
      inputs[k] = _row(1, 7 * 1023, 0, 0);
      inputs[k].data = data;
    }
    Case memory c = _case(0x04, hex"000000070000000100000001", inputs, Output(1023, 1, 0, 0, 0));
    _assertLeaf(c, "");
    uint256 used = _refuteLeaf(c, "a sum of 7,161 products");
    yes(used < 16_777_216, "fits into a transaction (EIP-7825)");
    // A step opens 64 leaves at most: 8,192 terms of two factors.
    yes(used * 8192 / 7161 <= disputes.ASSERTION_GAS(), "the bond pays for it");
  }

  function _sketch(uint32 members) private {
    Matrix[] memory inputs = new Matrix[](4);
    (inputs[0].rows, inputs[0].columns) = (members, 256);
    inputs[1] = _onlyLeaf(Matrix(1, 512, 1, new bytes(4 * 512), new uint32[](0)), 0, 400);
    inputs[2] = _onlyLeaf(Matrix(1, 256 * uint256(members), 1, new bytes(1024 * uint256(members)), new uint32[](0)), 0, 0);
    inputs[3] = _onlyLeaf(Matrix(1, 256, 0, new bytes(1024), new uint32[](0)), 0, 200);
    RF32Sums.setValue(inputs[1].data, 401, Float32.wrap(members));
    for (uint256 k = 0; k < members; k++) {
      RF32Sums.setValue(inputs[2].data, k, Float32.wrap(uint32(257 * k % (256 * members))));
    }
    Case memory c = _case(0x60, "", inputs, Output(1, 256, 0, 200, 0));
    _assertLeaf(c, "");
    _refuteLeaf(c, "a sketch of 16");
  }

  /// @dev Leaves of a matrix, none of their bytes zero.
  function test_manyLeaves() public {
    _many(13, 4, "13 leaves");
    uint256 used = _many(64, 6, "64 leaves");
    yes(used < 4_000_000, "fits into a block, and a bond of 15,000,000 gas wins half of it");
  }

  function _many(uint256 rows, uint8 level, string memory name) private returns (uint256) {
    bytes memory data = new bytes(1024 * rows);
    for (uint256 k = 0; k < data.length; k++) {
      data[k] = bytes1(uint8(0x3f + k % 0xc0));
    }
    _elsewhere = data;
    Matrix[] memory inputs = new Matrix[](1);
    inputs[0] = _row(rows, 256, 0, 0);
    Case memory c = _case(0x22, hex"3f800000", inputs, Output(rows, 256, 0, 0, 0));
    _knowRoot(c);
    bytes32[] memory proof = new bytes32[](c.asserted.step.output.proof.length - level);
    for (uint256 k = 0; k < proof.length; k++) {
      proof[k] = c.asserted.step.output.proof[k + level];
    }
    data = _elsewhere;
    RF32Sums.setValue(data, 0, Float32.wrap(0));
    LeavesOpening memory own = LeavesOpening(0, level, data, proof);
    data = abi.encodeCall(IDisputes.assertLeaves, (c.id, c.opening, _alone(c.asserted.step), own, c.asserted.traceRoot, 1));
    yes(data.length < 120 * 1024, "what nodes take, with room for the envelope");
    return _meter(string.concat("assertion: ", name), data, disputes.assertionBond());
  }

  // ---- Other moves ----

  function test_demands() public {
    Matrix[] memory inputs = new Matrix[](1);
    inputs[0] = _row(16, 256, 0, 0);
    Case memory c = _case(0x22, hex"3f800000", inputs, Output(16, 256, 0, 0, 0));
    bytes memory data = abi.encodeCall(IDisputes.demandFile, (c.id));
    _meter("demand: the file", data, disputes.fileBond(c.id));
    // As many nodes as a trace of 1,024 tokens takes, and two matrices' nodes.
    Place[] memory places = new Place[](2);
    (places[0], places[1]) = (Place(BATCH - 1, 3, 0, 10, 10), Place(BATCH - 1, 4, 0, 9, 9));
    bytes32[] memory levels = new bytes32[](24);
    for (uint256 k = 0; k < 24; k++) {
      levels[k] = bytes32(uint256(0x0202020202020202020202020202020202020202020202020202020202020202));
    }
    uint256 bond = (300_000 + 24 * 33 * 1300) * uint256(GAS_PRICE);
    data = abi.encodeCall(IDisputes.search, (c.id, BATCH - 1, levels, new Place[](0), keccak256("own")));
    _meter("demand: a cut of 24 words with a commitment", data, bond);
    levels[0] = 0;
    bond += disputes.furtherBond(places[0]) + disputes.furtherBond(places[1]);
    data = abi.encodeCall(IDisputes.search, (c.id, BATCH - 1, levels, places, keccak256("other")));
    _meter("demand: the same, with two further places", data, bond);
  }

  /// @dev Issue 5: one block of 256 products, all proofs included.
  function test_aProof() public {
    // Words that hold what somebody is owed are in use, as they are later on.
    ClaimId before = _paidClaim("before");
    _demand(address(this), before, Place(0, 1, 0, 0, 0));
    vm.warp(vm.getBlockTimestamp() + 2 * REPLY);
    disputes.convictSilence(before.game(), Place(0, 1, 0, 0, 0));
    _lengthen(60);
    Matrix[] memory inputs = new Matrix[](2);
    (inputs[0], inputs[1]) = (_row(60, 256, 41, 0), _row(4864, 256, 3000, 1));
    Case memory c = _case(0x01, "", inputs, Output(60, 4864, 41, 3000, 0));
    bytes memory data = abi.encodeCall(IDisputes.proveStep, (c.id, c.opening, c.claimed.step, SALT));
    _commit(address(this), c.id, data);
    _nextBlock();
    uint256 used = _meter("proof: a product of 256, answer of 60 tokens", data, 0);
    _is(c.id, ClaimState.Refuted);
    yes(used <= 450_000, "one block");
  }

  function test_aClaimAlone() public {
    _paidClaim("before");
    (PayRequest memory request, Fee memory fee,) = _request("receipt", 70, 200, 6000);
    uint256 value = fee.total + settlement.bondFor(request.answer.allocated);
    bytes memory data = abi.encodeCall(settlement.pay, (request));
    uint256 used = _meteredPaying("Settlement", "a claim alone", address(settlement), data, _touched(), value);
    yes(used <= 200_000, "issue 5");
  }
}
