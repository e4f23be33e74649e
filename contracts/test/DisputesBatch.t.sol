// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IGames } from "../src/interfaces/IGames.sol";
import { BatchRequest, Claim, ClaimState, ISettlement, WithdrawItem } from "../src/interfaces/ISettlement.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Answer, AnswerDigest, AnswerOpening } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { MerkleTree } from "./support/MerkleTree.sol";

/// @notice One claim for many answers.
contract DisputesBatchTest is Disputing {
  Answer[] private _batch;
  /// @dev Each answer pays alice one amount.
  uint256 private constant EACH = 0.001 ether;

  function setUp() public {
    _deploy();
  }

  function _fill(uint256 n) private {
    for (uint256 k = 0; k < n; k++) {
      bytes32[] memory leaves = new bytes32[](1);
      leaves[0] = _payout(0, alice, EACH);
      _batch.push(_answer(keccak256(abi.encode("receipt", k)), uint32(10 + k % 5), uint32(15 + k % 7), MerkleTree.root(leaves), 1, EACH));
    }
  }

  function _leaves() private view returns (bytes32[] memory leaves) {
    leaves = new bytes32[](_batch.length);
    for (uint256 k = 0; k < leaves.length; k++) {
      leaves[k] = _leafOf(_batch[k]);
    }
  }

  function _batchRequest() private view returns (BatchRequest memory request) {
    request.adapterId = adapter;
    request.answersRoot = MerkleTree.root(_leaves());
    request.answers = uint16(_batch.length);
    for (uint256 k = 0; k < _batch.length; k++) {
      request.tokensIn += _batch[k].tokensIn;
      request.tokensOut += _batch[k].tokensOut;
      request.allocated += _batch[k].allocated;
    }
    request.cid = CID;
    request.contributorsPart = settlement.quoteBatch(adapter, request.answers, request.tokensIn, request.tokensOut).contributors;
    request.ruleVersion = settlement.payoutRuleVersion();
  }

  function _payBatch(BatchRequest memory request) private returns (ClaimId id, uint256 gasUsed) {
    Fee memory fee = settlement.quoteBatch(adapter, request.answers, request.tokensIn, request.tokensOut);
    uint256 value = fee.total + settlement.bondFor(request.allocated);
    vm.prank(payer);
    uint256 before = gasleft();
    id = settlement.payBatch{ value: value }(request);
    gasUsed = before - gasleft();
  }

  function _at(uint256 index) private view returns (AnswerOpening memory) {
    return AnswerOpening(index, _batch[index], MerkleTree.proof(_leaves(), index));
  }

  function test_everyAnswersContributorsAreePaid() public {
    _fill(5);
    (ClaimId id,) = _payBatch(_batchRequest());
    Claim memory c = settlement.claim(id);
    eq(c.answers, 5, "answers");
    eq(c.contributorsPart, 5 * EACH, "allocated");
    eq(c.total, settlement.quoteBatch(adapter, 5, c.tokensIn, c.tokensOut).total, "one fee, with five platform fees");
    _finalAt(id, _deadline(id) + 1);
    WithdrawItem[] memory items = new WithdrawItem[](5);
    for (uint256 k = 0; k < 5; k++) {
      items[k] = WithdrawItem(id, _at(k), 0, EACH, new bytes32[](0));
    }
    vm.prank(alice);
    eq(settlement.withdrawPayouts(items), 5 * EACH, "of all answers");
    for (uint256 k = 0; k < 5; k++) {
      WithdrawItem[] memory one = new WithdrawItem[](1);
      one[0] = items[k];
      vm.expectRevert(abi.encodeWithSelector(ISettlement.PayoutAlreadyWithdrawn.selector, id, 0));
      vm.prank(alice);
      settlement.withdrawPayouts(one);
    }
    eq(settlement.heldFees(), 0, "nothing is held");
    _solvent();
  }

  function test_anAnswerHasItsPlace() public {
    _fill(5);
    (ClaimId id,) = _payBatch(_batchRequest());
    _finalAt(id, _deadline(id) + 1);
    WithdrawItem[] memory items = new WithdrawItem[](1);
    items[0] = WithdrawItem(id, _at(2), 0, EACH, new bytes32[](0));
    items[0].opening.index = 3;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongProof.selector, id, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(items);
    items[0].opening.index = 2 + 8;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongProof.selector, id, 0));
    vm.prank(alice);
    settlement.withdrawPayouts(items);
  }

  function test_badBatchesSayWhy() public {
    _fill(2);
    BatchRequest memory request = _batchRequest();
    bytes4 bad = ISettlement.BadRequest.selector;
    (request.answers, request.contributorsPart) = (0, 0);
    vm.expectRevert(abi.encodeWithSelector(bad, "answers"));
    settlement.payBatch(request);
    request.answers = 257;
    vm.expectRevert(abi.encodeWithSelector(bad, "answers"));
    settlement.payBatch(request);
    request = _batchRequest();
    request.answersRoot = 0;
    vm.expectRevert(abi.encodeWithSelector(bad, "answersRoot"));
    settlement.payBatch(request);
    request = _batchRequest();
    request.tokensOut = 0;
    vm.expectRevert(abi.encodeWithSelector(bad, "tokensOut"));
    settlement.payBatch(request);
  }

  // ---- False batches ----

  function _sumsCall(ClaimId id) private view returns (bytes memory) {
    AnswerDigest[] memory all = new AnswerDigest[](_batch.length);
    for (uint256 k = 0; k < all.length; k++) {
      Answer memory a = _batch[k];
      all[k] = AnswerDigest(
        a.tokensIn, a.tokensOut, a.allocated, a.receiptHash, a.inputsHash, keccak256(abi.encodePacked(a.read)), _madeHash(a)
      );
    }
    return abi.encodeCall(IDisputes.proveSums, (id, all, SALT));
  }

  function test_rightSumsHold() public {
    _fill(7);
    (ClaimId id,) = _payBatch(_batchRequest());
    bytes memory data = _sumsCall(id);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
  }

  function testFuzz_falseSumsAreConvicted(uint8 which) public {
    _fill(7);
    BatchRequest memory request = _batchRequest();
    if (which % 3 == 0) request.tokensIn -= 1;
    if (which % 3 == 1) request.tokensOut -= 1;
    if (which % 3 == 2) request.allocated -= 1;
    request.contributorsPart = settlement.quoteBatch(adapter, 7, request.tokensIn, request.tokensOut).contributors;
    (ClaimId id,) = _payBatch(request);
    _prove(bob, id, _sumsCall(id));
    _is(id, ClaimState.Refuted);
    _solvent();
  }

  function testFuzz_anAnswerThatIsNoneIsConvicted(uint8 which) public {
    _fill(7);
    Answer storage a = _batch[which % 7];
    if (which % 9 == 0) a.receiptHash = 0;
    if (which % 9 == 1) a.traceRoot = 0;
    if (which % 9 == 8) a.workingsRoot = 0;
    if (which % 9 == 2) a.inputsHash = 0;
    if (which % 9 == 3) a.payoutCount = 0;
    if (which % 9 == 4) a.allocated = 0;
    if (which % 9 == 5) a.tokensOut = 0;
    // More than anybody can compute again, though the claim's sums are those of seven that could be.
    if (which % 9 == 6) a.tokensIn = 1025 - a.tokensOut;
    if (which % 9 == 7) a.read = new uint32[](17);
    (ClaimId id,) = _payBatch(_batchRequest());
    bytes memory whole = abi.encodeCall(IDisputes.proveAnswer, (id, _at((uint256(which) + 1) % 7), SALT));
    bytes memory other = abi.encodeCall(IDisputes.proveAnswer, (id, _otherPlace(which % 7), SALT));
    _commit(bob, id, whole);
    _commit(bob, id, other);
    _nextBlock();
    _refused(bob, whole, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _refused(bob, other, abi.encodeWithSelector(IDisputes.WrongAnswer.selector, id, (uint256(which) + 1) % 7));
    _prove(bob, id, abi.encodeCall(IDisputes.proveAnswer, (id, _at(which % 7), SALT)));
    _is(id, ClaimState.Refuted);
    _solvent();
  }

  /// @dev The answer at `index` said to be the next one.
  function _otherPlace(uint256 index) private view returns (AnswerOpening memory opening) {
    opening = _at(index);
    opening.index = (index + 1) % 7;
  }

  function test_sumsOfAFullBatchFitIntoATransaction() public {
    _fill(256);
    for (uint256 k = 0; k < 256; k++) {
      _batch[k].read = new uint32[](16);
    }
    BatchRequest memory request = _batchRequest();
    request.tokensOut -= 1;
    request.contributorsPart = settlement.quoteBatch(adapter, 256, request.tokensIn, request.tokensOut).contributors;
    (ClaimId id,) = _payBatch(request);
    bytes memory data = _sumsCall(id);
    yes(data.length < 120 * 1024, "what nodes take, with room for the envelope");
    _prove(bob, id, data);
    _is(id, ClaimState.Refuted);
  }

  function test_allAnswersAreNeededInOrder() public {
    _fill(4);
    (ClaimId id,) = _payBatch(_batchRequest());
    Answer memory first = _batch[0];
    _batch[0] = _batch[1];
    _batch[1] = first;
    bytes memory data = _sumsCall(id);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IDisputes.WrongAnswer.selector, id, 4));
    _batch.pop();
    data = _sumsCall(id);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IDisputes.WrongAnswer.selector, id, 3));
  }

  function test_theSameAnswerTwiceIsConvicted() public {
    _fill(6);
    _batch[4].receiptHash = _batch[1].receiptHash;
    (ClaimId id,) = _payBatch(_batchRequest());
    bytes memory same = abi.encodeCall(IDisputes.proveTwice, (id, _at(1), _at(1), SALT));
    bytes memory others = abi.encodeCall(IDisputes.proveTwice, (id, _at(1), _at(2), SALT));
    _commit(bob, id, same);
    _commit(bob, id, others);
    _nextBlock();
    _refused(bob, same, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _refused(bob, others, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _prove(bob, id, abi.encodeCall(IDisputes.proveTwice, (id, _at(1), _at(4), SALT)));
    _is(id, ClaimState.Refuted);
  }

  function test_tokensThatWereNotPaidForAreConvicted() public {
    _fill(3);
    bytes memory inputs = abi.encodePacked(uint32(2), uint32(11), uint32(12), uint32(13), uint32(14), uint32(15));
    _batch[1].inputsHash = keccak256(inputs);
    (_batch[1].tokensIn, _batch[1].tokensOut) = (3, 2);
    (_batch[2].tokensIn, _batch[2].tokensOut) = (2, 2);
    _batch[2].inputsHash = keccak256(inputs);
    (ClaimId id,) = _payBatch(_batchRequest());
    bytes memory honest = abi.encodeCall(IDisputes.proveInputs, (id, _at(1), inputs, SALT));
    bytes memory forged = abi.encodeCall(IDisputes.proveInputs, (id, _at(1), "other inputs", SALT));
    _commit(bob, id, honest);
    _commit(bob, id, forged);
    _nextBlock();
    _refused(bob, honest, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _refused(bob, forged, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _prove(bob, id, abi.encodeCall(IDisputes.proveInputs, (id, _at(2), inputs, SALT)));
    _is(id, ClaimState.Refuted);
  }

  // ---- Gas ----

  function test_gasOfABatchOf256() public {
    // Not the first claim: the counters' words are in use, as they always are.
    _paidClaim("before");
    _fill(256);
    BatchRequest memory request = _batchRequest();
    (ClaimId id, uint256 used) = _payBatch(request);
    yes((used + 21_000 + 16 * 700) / 256 <= 3000, "at most 3,000 gas for each answer");
    bytes memory data = _sumsCall(id);
    _commit(bob, id, data);
    _nextBlock();
    uint256 before = gasleft();
    vm.expectRevert(abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    this.send(bob, data);
    yes(before - gasleft() < 3_000_000, "all sums of a full batch in one call");
  }
}
