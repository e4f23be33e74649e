// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IGames } from "../src/interfaces/IGames.sol";
import { IPayoutJudge, PayoutEvidence } from "../src/interfaces/IPayoutJudge.sol";
import { BatchRequest, ClaimState, ISettlement, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { Answer } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { Claimed, Judging } from "./support/Judging.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Metered } from "./support/Metered.sol";
import { WorkedOut, Worked, World } from "./support/WorkedOut.sol";

/// @notice Who loses a bond by false payouts, and what showing them costs. Each kind of false row: PayoutJudge.t.sol.
contract DisputesPayoutTest is Disputing, Judging, Metered {
  using WorkedOut for World;

  /// @dev Tokens of the answer.
  uint32 private constant IN = 13;
  uint32 private constant OUT = 37;

  function setUp() public {
    _deploy();
  }

  /// @dev A version of n records by n / 4 people, one in `every` of which helped, and an adapter trained on it.
  function _publish(uint256 n, uint256 every, uint256 read) private returns (World memory w) {
    w.contributors = new address[](n);
    (w.scores, w.noise) = (new uint32[](n), new uint32[](n));
    w.read = new uint32[](read);
    for (uint256 k = 0; k < n; k++) {
      w.contributors[k] = address(uint160(0x1000 + k / 4));
      // What helped stands at 20 to 35 standard deviations, one in eight of that as far below zero.
      if (k % every == 0) w.scores[k] = uint32(0x41a00000 + (k % 16) * 0x80000) | (k % (8 * every) == 1 ? 1 << 31 : 0);
      w.noise[k] = 0x3f800000;
      if (k < read) w.read[k] = uint32(k * 7 % n);
    }
    w.rule = settlement.payoutRule();
    bytes32[] memory leaves = new bytes32[](n);
    for (uint256 k = 0; k < n; k++) {
      leaves[k] = Merkle.leaf(abi.encode(k, w.contributors[k], k + 1, keccak256(abi.encode(k))));
    }
    vm.startPrank(curator);
    datanets.publishVersion(datanet, MerkleTree.root(leaves), "records", CID, uint32(n));
    AdapterDraft memory draft = _draft();
    draft.version = 2;
    adapter = adapters.register(draft);
    vm.stopPrank();
    w.amount = settlement.quote(adapter, IN, OUT).contributors;
    _traceIn(referee, w);
  }

  function _answerOf(World memory w, Worked memory right, Claimed memory c) private pure returns (Answer memory answer) {
    answer = _answer("paid", IN, OUT, MerkleTree.root(c.payouts), uint32(c.payouts.length), right.allocated);
    (answer.traceRoot, answer.workingsRoot, answer.read) = (TRACE, MerkleTree.root(c.over), w.read);
  }

  function _claim(Answer memory answer) private returns (ClaimId) {
    Fee memory fee = settlement.quote(adapter, IN, OUT);
    PayRequest memory request = PayRequest(adapter, answer, CID, fee.contributors, settlement.payoutRuleVersion());
    return _pay(request, fee.total);
  }

  function _payoutCall(ClaimId id, PayoutEvidence memory evidence) private view returns (bytes memory) {
    return abi.encodeCall(IDisputes.provePayout, (id, _opening(id), evidence, SALT));
  }

  function _holds(ClaimId id, PayoutEvidence memory e) private {
    bytes memory data = _payoutCall(id, e);
    vm.warp(_deadline(id) - WINDOW);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
  }

  function _falls(ClaimId id, PayoutEvidence memory e) private {
    _prove(bob, id, _payoutCall(id, e));
    _is(id, ClaimState.Refuted);
    eq(settlement.claim(id).challenger, bob, "who showed it");
  }

  function test_rightPayoutsHold() public {
    World memory w = _publish(12, 4, 3);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    eq(right.payouts.length, 3, "three people");
    yes(right.allocated > w.amount / 2, "most of it");
    ClaimId id = _claim(_answerOf(w, right, c));
    for (uint256 table = 0; table < 6; table++) {
      _holds(id, _against(w, right, c, table, 2));
    }
    _holds(id, _againstPayout(c, 1));
    _holds(id, _againstTotals(c));
    PayoutEvidence memory e;
    e.table = 8;
    _holds(id, e);
    _finalAt(id, _deadline(id) + PROVE + 1);
  }

  /// @dev One wei to somebody: in the workings, or only in what is paid.
  function test_oneWei() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    for (uint256 table = 0; table < 6; table++) {
      Claimed memory c = _claimed(w, right);
      uint256 last = 3 * _width(table) - 1;
      c.tables[table][last] = bytes1(uint8(c.tables[table][last]) ^ 1);
      _plant(c);
      Answer memory answer = _answerOf(w, right, c);
      answer.receiptHash = bytes32(table + 1);
      _falls(_claim(answer), _against(w, right, c, table, 2));
    }
    Claimed memory paid = _claimed(w, right);
    paid.payouts[1] = _payout(1, address(0x1001), 1);
    _falls(_claim(_answerOf(w, right, paid)), _againstPayout(paid, 1));
    _solvent();
  }

  function test_sumAndCount() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    Answer memory answer = _answerOf(w, right, c);
    answer.allocated += 1;
    _falls(_claim(answer), _againstTotals(c));
    (answer.allocated, answer.payoutCount, answer.receiptHash) = (answer.allocated - 1, 4, "count");
    _falls(_claim(answer), _againstTotals(c));
  }

  /// @dev Who makes the payouts writes what they like under the root.
  function test_falseSharesAreConvicted() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    address[3][5] memory whom = [
      // The same person twice, one who brought nothing, nobody, an address that is no one's, and out of order.
      [address(0x1000), address(0x1000), address(0x1002)],
      [address(0x1000), bob, address(0x1002)],
      [address(0), address(0), address(0)],
      [address(0x1000), address(0), address(0x1002)],
      [address(0x1002), address(0x1001), address(0x1000)]
    ];
    for (uint256 k = 0; k < whom.length; k++) {
      Claimed memory c = _claimed(w, right);
      uint256 first = 3;
      for (uint256 p = 0; p < 3; p++) {
        uint256 sum = uint128(bytes16(_word(right.tables[5], 36 * p)));
        bytes32 leaf = _payout(p, whom[k][p], sum);
        if (leaf != c.payouts[p] && first == 3) first = p;
        c.payouts[p] = leaf;
      }
      Answer memory answer = _answerOf(w, right, c);
      answer.receiptHash = bytes32(k + 1);
      _falls(_claim(answer), _againstPayout(c, first));
    }
    _solvent();
  }

  function test_sharesBeyondTheTotal() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    Answer memory answer = _answerOf(w, right, c);
    answer.allocated = uint128(w.amount + 1);
    PayRequest memory request = PayRequest(adapter, answer, CID, w.amount, settlement.payoutRuleVersion());
    uint256 total = settlement.quote(adapter, IN, OUT).total;
    vm.expectRevert(abi.encodeWithSelector(ISettlement.AllocatedTooMuch.selector, w.amount + 1, w.amount));
    _pay(request, total);
  }

  function test_whereNoRecordHelpedNobodyIsPaid() public {
    World memory w = _publish(12, 4, 0);
    w.scores = new uint32[](12);
    _traceIn(referee, w);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    eq(right.payouts.length, 0, "nobody");
    Answer memory answer = _answerOf(w, right, c);
    eq(answer.payoutRoot, Merkle.emptyRoot(), "no payouts");
    ClaimId id = _claim(answer);
    _holds(id, _againstTotals(c));
    _holds(id, _against(w, right, c, 5, 27));
  }

  function test_readingWhatThereIsNotIsConvicted() public {
    World memory w = _publish(12, 4, 2);
    Worked memory right = w.work();
    Answer memory answer = _answerOf(w, right, _claimed(w, right));
    PayoutEvidence memory e;
    e.table = 8;
    answer.read[1] = answer.read[0];
    _falls(_claim(answer), e);
    (answer.receiptHash, answer.read[1]) = ("beyond", 12);
    _falls(_claim(answer), e);
  }

  /// @dev One answer by itself cannot say that it read so many; in a batch it can, and is false.
  function test_readingTooManyIsConvicted() public {
    World memory w = _publish(20, 4, 16);
    Worked memory right = w.work();
    Answer memory answer = _answerOf(w, right, _claimed(w, right));
    answer.read = new uint32[](17);
    for (uint32 k = 0; k < 17; k++) {
      answer.read[k] = k;
    }
    PayoutEvidence memory e;
    e.table = 8;
    _falls(_payOne(answer), e);
  }

  /// @dev Without workings it is no answer: refused by itself, proved in a batch.
  function test_workingsAreAPartOfAnAnswer() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    Answer memory answer = _answerOf(w, right, _claimed(w, right));
    answer.workingsRoot = 0;
    ClaimId id = _payOne(answer);
    _prove(bob, id, abi.encodeCall(IDisputes.proveAnswer, (id, _opening(id), SALT)));
    _is(id, ClaimState.Refuted);
    uint256 total = settlement.quote(adapter, IN, OUT).total;
    PayRequest memory request = PayRequest(adapter, answer, CID, w.amount, settlement.payoutRuleVersion());
    vm.expectRevert(abi.encodeWithSelector(ISettlement.BadRequest.selector, "workingsRoot"));
    _pay(request, total);
  }

  /// @dev A batch of one.
  function _payOne(Answer memory answer) private returns (ClaimId id) {
    BatchRequest memory request;
    (request.adapterId, request.answers, request.cid, request.ruleVersion) = (adapter, 1, CID, 1);
    (request.tokensIn, request.tokensOut, request.allocated) = (IN, OUT, answer.allocated);
    request.answersRoot = Merkle.root(1, _leafOf(answer));
    Fee memory fee = settlement.quoteBatch(adapter, 1, IN, OUT);
    request.contributorsPart = fee.contributors;
    uint256 value = fee.total + settlement.bondFor(answer.allocated);
    vm.prank(payer);
    id = settlement.payBatch{ value: value }(request);
    answers[id] = answer;
  }

  /// @dev What the judge refuses comes through.
  function test_whatIsMissingIsSaid() public {
    World memory w = _publish(12, 4, 0);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    ClaimId id = _claim(_answerOf(w, right, c));
    PayoutEvidence memory e = _against(w, right, c, 5, 2);
    delete e.leaves;
    bytes memory data = _payoutCall(id, e);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IPayoutJudge.MissingRow.selector, 5, 2));
  }

  function test_gasOfOrderAndEvidence() public {
    _gasOf5000Records(0, 2);
  }

  function test_gasOfPeopleAndGross() public {
    _gasOf5000Records(2, 4);
  }

  function test_gasOfPaidSumsAndPayouts() public {
    _gasOf5000Records(4, 7);
  }

  /// @dev 5,000 records, sixteen of them read, and a false row in the middle of each of these tables.
  function _gasOf5000Records(uint256 first, uint256 end) private {
    World memory w = _publish(5000, 20, 16);
    Worked memory right = w.work();
    Claimed memory c = _claimed(w, right);
    string[6] memory names = ["order", "evidence", "people", "gross", "paid", "sums"];
    for (uint256 table = first; table < end && table < 6; table++) {
      uint256 row = table % 3 == 2 ? 625 : 2500;
      uint256 last = (row + 1) * _width(table) - 1;
      bytes memory rightTable = bytes.concat(c.tables[table]);
      (bytes32[] memory leaves, bytes32 over) = (c.leaves[table], c.over[table]);
      c.tables[table][last] = bytes1(uint8(c.tables[table][last]) ^ 1);
      _replant(c, table, row);
      _below(names[table], table, _answerOf(w, right, c), _against(w, right, c, table, row));
      (c.tables[table], c.leaves[table], c.over[table]) = (rightTable, leaves, over);
    }
    if (end < 7) return;
    c.payouts[100] = 0;
    _below("payouts", 6, _answerOf(w, right, c), _againstPayout(c, 100));
  }

  /// @dev Of the one table that changed, only the leaf of the row.
  function _replant(Claimed memory c, uint256 table, uint256 row) private pure {
    uint256 size = _leafBytes(table);
    uint256 leaf = row / (size / _width(table));
    bytes32[] memory leaves = new bytes32[](c.leaves[table].length);
    for (uint256 k = 0; k < leaves.length; k++) {
      leaves[k] = k == leaf ? Merkle.leaf(_slice(c.tables[table], k * size, size)) : c.leaves[table][k];
    }
    c.leaves[table] = leaves;
    uint32 rows = uint32(c.tables[table].length / _width(table));
    c.over[table] = Merkle.leaf(abi.encodePacked(MerkleTree.root(leaves), rows, uint32(_width(table) / 4)));
  }

  function _below(string memory what, uint256 table, Answer memory answer, PayoutEvidence memory e) private {
    answer.receiptHash = bytes32(table + 1);
    ClaimId id = _claim(answer);
    bytes memory data = _payoutCall(id, e);
    // Somebody new each time, and nothing warm: as a transaction finds it.
    address challenger = person(what);
    _commit(challenger, id, data);
    _nextBlock();
    address[] memory touched = new address[](6);
    (touched[0], touched[1], touched[2]) = (address(disputes), address(settlement), address(adapters));
    (touched[3], touched[4], touched[5]) = (address(datanets), address(disputes.judge()), address(referee));
    string memory name = string.concat("proof of a row of 5000 records' ", what, ": transaction");
    vm.prank(challenger);
    uint256 used = _metered("DisputesPayout", name, address(disputes), data, touched);
    yes(used < 1_000_000, "below a million");
    _is(id, ClaimState.Refuted);
  }
}
