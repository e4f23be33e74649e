// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IDisputes } from "../src/interfaces/IDisputes.sol";
import { IGames } from "../src/interfaces/IGames.sol";
import { IPayoutJudge, PayoutCase, PayoutEvidence } from "../src/interfaces/IPayoutJudge.sol";
import { Opening } from "../src/interfaces/IReferee.sol";
import { BatchRequest, ClaimState, ISettlement, PayRequest } from "../src/interfaces/ISettlement.sol";
import { Merkle } from "../src/libraries/Merkle.sol";
import { PayoutMath } from "../src/libraries/PayoutMath.sol";
import { AdapterDraft } from "../src/interfaces/IAdapterRegistry.sol";
import { Answer } from "../src/types/Answers.sol";
import { Fee } from "../src/types/Fees.sol";
import { AdapterId, ClaimId } from "../src/types/Ids.sol";
import { Disputing } from "./support/Disputing.sol";
import { MerkleTree } from "./support/MerkleTree.sol";
import { Metered } from "./support/Metered.sol";

/// @notice Payouts that do not follow from the scores. What follows is compared with the app's integers in
/// src/chain/payout-judge.test.ts; here it is who is convicted, and what it costs.
contract DisputesPayoutTest is Disputing, Metered {
  bytes32 private constant TRACE = keccak256("trace");

  struct RecordLeaf {
    address contributor;
    uint256 contribution;
    bytes32 recordHash;
  }

  IPayoutJudge private _judge;
  RecordLeaf[] private _records;
  /// @dev One record in so many helped, from the first on; 0: none.
  uint256 private _every = 4;

  function setUp() public {
    _deploy();
    _judge = disputes.judge();
  }

  /// @dev Publishes a version of n records by n/4 contributors, and an adapter trained on it; scores in its trace.
  function _publish(uint256 n) private {
    _publishTrained(n, 0);
  }

  function _publishTrained(uint256 n, bytes32 trainedHash) private {
    _publishTrainedAs(2, n, trainedHash);
  }

  function _publishTrainedAs(uint32 version, uint256 n, bytes32 trainedHash) private {
    bytes32[] memory leaves = new bytes32[](n);
    for (uint256 k = 0; k < n; k++) {
      RecordLeaf memory record = RecordLeaf(address(uint160(0x1000 + k / 4)), k, keccak256(abi.encode(k)));
      leaves[k] = Merkle.leaf(abi.encode(k, record.contributor, record.contribution, record.recordHash));
      _records.push(record);
    }
    vm.startPrank(curator);
    datanets.publishVersion(datanet, MerkleTree.root(leaves), "records", CID, uint32(n));
    AdapterDraft memory draft = _draft();
    draft.version = version;
    draft.trainedHash = trainedHash;
    adapter = adapters.register(draft);
    vm.stopPrank();
    for (uint32 index = 8; index < 10; index++) {
      referee.shape(index, 1, n, (n + 255) / 256);
      for (uint256 p = 0; p * 256 < n; p++) {
        referee.put(TRACE, index, p, _values(index, p, n));
      }
    }
  }

  /// @dev What helped has scores of 20 to 35 standard deviations. The rest are noise of 1.
  function _values(uint256 index, uint256 p, uint256 n) private view returns (bytes memory values) {
    uint256 end = (p + 1) * 256 < n ? (p + 1) * 256 : n;
    for (uint256 k = p * 256; k < end; k++) {
      uint32 bits = index == 9 ? 0x3f800000 : _every > 0 && k % _every == 0 ? uint32(0x41a00000 + (k % 16) * 0x80000) : 0;
      values = bytes.concat(values, abi.encodePacked(uint8(bits), uint8(bits >> 8), uint8(bits >> 16), uint8(bits >> 24)));
    }
  }

  function _pieces(uint256 index, uint256 n) private view returns (Opening[] memory pieces) {
    pieces = new Opening[]((n + 255) / 256);
    for (uint32 p = 0; p < pieces.length; p++) {
      pieces[p] = _leaf(p, _values(index, p, n));
    }
  }

  function _evidence() private view returns (PayoutEvidence memory) {
    return _evidenceOf(new uint32[](0));
  }

  /// @dev What helped, and what was read.
  function _evidenceOf(uint32[] memory read) private view returns (PayoutEvidence memory evidence) {
    uint256 n = _records.length;
    bool[] memory listed = new bool[](n);
    for (uint256 k = 0; _every > 0 && k < n; k += _every) {
      listed[k] = true;
    }
    for (uint256 k = 0; k < read.length; k++) {
      if (read[k] < n) listed[read[k]] = true;
    }
    return _evidenceAbout(listed);
  }

  function _evidenceAbout(bool[] memory listed) private view returns (PayoutEvidence memory evidence) {
    uint256 n = _records.length;
    evidence.scores = _matrix(8);
    evidence.noise = _matrix(9);
    evidence.scorePieces = _pieces(8, n);
    evidence.noisePieces = _pieces(9, n);
    uint32 place = 0;
    bytes32[] memory leaves = new bytes32[](n);
    for (uint32 k = 0; k < n; k++) {
      RecordLeaf memory r = _records[k];
      leaves[k] = Merkle.leaf(abi.encode(k, r.contributor, r.contribution, r.recordHash));
      // Contributors ascend with the records.
      if (!listed[k]) continue;
      evidence.records =
        bytes.concat(evidence.records, abi.encodePacked(k, place++, r.contributor, r.contribution, r.recordHash));
    }
    evidence.siblings = MerkleTree.siblings(leaves, listed);
  }

  /// @dev What the judge says is right, for an answer that read `read` records.
  function _right(uint32[] memory read) private view returns (Answer memory answer, Fee memory fee) {
    fee = settlement.quote(adapter, 13, 37);
    PayoutCase memory payoutCase = PayoutCase({
      programHash: keccak256(abi.encode(_header())),
      inputsHash: keccak256("inputs"),
      traceRoot: TRACE,
      versionRoot: datanets.version(datanet, 2).root,
      records: _records.length,
      trainedHash: adapters.trainedHashOf(adapter),
      amount: fee.contributors,
      rule: settlement.payoutRule(),
      read: read
    });
    (, bytes32 root, uint256 count, uint256 allocated) = _judge.divide(payoutCase, _evidenceOf(read));
    answer = _answer("paid", 13, 37, root, uint32(count), allocated);
    answer.traceRoot = TRACE;
    answer.read = read;
  }

  function _claimOf(Answer memory answer, Fee memory fee) private returns (ClaimId) {
    PayRequest memory request = PayRequest(adapter, answer, CID, fee.contributors, settlement.payoutRuleVersion());
    return _pay(request, fee.total);
  }

  function _payoutCall(ClaimId id, PayoutEvidence memory evidence) private view returns (bytes memory) {
    return abi.encodeCall(IDisputes.provePayout, (id, _opening(id), evidence, SALT));
  }

  function test_rightPayoutsHold() public {
    _publish(12);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    eq(answer.payoutCount, 3, "three contributors");
    yes(answer.allocated > fee.contributors / 2, "most of it");
    ClaimId id = _claimOf(answer, fee);
    bytes memory data = _payoutCall(id, _evidence());
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    _finalAt(id, _deadline(id) + PROVE + 1);
  }

  function testFuzz_anyOtherPayoutsAreConvicted(uint8 which) public {
    _publish(12);
    uint32[] memory read = new uint32[](which % 2);
    (Answer memory answer, Fee memory fee) = _right(read);
    if (which % 5 == 0) answer.payoutRoot ^= bytes32(uint256(1) << which);
    if (which % 5 == 1) answer.payoutCount += 1;
    if (which % 5 == 2) answer.allocated -= 1;
    if (which % 5 == 3) answer.allocated += 1;
    if (which % 5 == 4) {
      // A record that is read earns: saying that another was read moves money.
      answer.read = new uint32[](1);
      answer.read[0] = 7;
    }
    ClaimId id = _claimOf(answer, fee);
    _prove(bob, id, _payoutCall(id, _evidenceOf(answer.read)));
    _is(id, ClaimState.Refuted);
    eq(settlement.claim(id).challenger, bob, "who showed it");
  }

  /// @dev Who makes the payouts writes what they like under the root. Each of these divides as much as is right.
  function test_falseSharesAreConvicted() public {
    _publish(12);
    (Answer memory right, Fee memory fee) = _right(new uint32[](0));
    uint256 half = right.allocated / 2;
    address[2][4] memory whom = [
      // The same contributor twice, one who brought nothing beside one who did, nobody, and an address that is no one's.
      [address(0x1000), address(0x1000)],
      [address(0x1000), bob],
      [address(0), address(0)],
      [address(0x1000), address(0)]
    ];
    for (uint256 k = 0; k < whom.length; k++) {
      bytes32[] memory leaves = new bytes32[](2);
      leaves[0] = _payout(0, whom[k][0], half);
      leaves[1] = _payout(1, whom[k][1], right.allocated - half);
      Answer memory answer = right;
      (answer.receiptHash, answer.payoutRoot, answer.payoutCount) = (bytes32(k + 1), MerkleTree.root(leaves), 2);
      ClaimId id = _claimOf(answer, fee);
      _prove(bob, id, _payoutCall(id, _evidence()));
      _is(id, ClaimState.Refuted);
    }
    _solvent();
  }

  /// @dev Shares beyond what is allocated, and beyond the contributors' part.
  function test_sharesBeyondTheTotal() public {
    _publish(12);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    bytes32[] memory leaves = new bytes32[](1);
    leaves[0] = _payout(0, bob, uint256(answer.allocated) + 1);
    (answer.payoutRoot, answer.payoutCount) = (MerkleTree.root(leaves), 1);
    ClaimId id = _claimOf(answer, fee);
    _prove(bob, id, _payoutCall(id, _evidence()));
    _is(id, ClaimState.Refuted);
    answer.receiptHash = "beyond";
    answer.allocated = uint128(fee.contributors + 1);
    PayRequest memory request = PayRequest(adapter, answer, CID, fee.contributors, settlement.payoutRuleVersion());
    bytes4 why = ISettlement.AllocatedTooMuch.selector;
    vm.expectRevert(abi.encodeWithSelector(why, fee.contributors + 1, fee.contributors));
    _pay(request, fee.total);
  }

  /// @dev Copies have no score: the rows are those of the records that were trained.
  function test_copiesHaveNoColumn() public {
    uint32[] memory trained = new uint32[](9);
    for (uint32 k = 0; k < 9; k++) {
      trained[k] = k < 4 ? k : k + 3;
    }
    _publishTrained(12, keccak256(abi.encodePacked(trained)));
    for (uint32 index = 8; index < 10; index++) {
      referee.shape(index, 1, 9, 1);
      referee.put(TRACE, index, 0, _values(index, 0, 9));
    }
    PayoutEvidence memory e = _evidence();
    // Columns 0, 4 and 8 are records 0, 7 and 11.
    bool[] memory listed = new bool[](12);
    (listed[0], listed[7], listed[11]) = (true, true, true);
    e = _evidenceAbout(listed);
    (e.scorePieces, e.noisePieces, e.trained) = (_pieces(8, 9), _pieces(9, 9), _packed(trained));
    Fee memory fee = settlement.quote(adapter, 13, 37);
    PayoutCase memory payoutCase = PayoutCase({
      programHash: keccak256(abi.encode(_header())),
      inputsHash: keccak256("inputs"),
      traceRoot: TRACE,
      versionRoot: datanets.version(datanet, 2).root,
      records: 12,
      trainedHash: adapters.trainedHashOf(adapter),
      amount: fee.contributors,
      rule: settlement.payoutRule(),
      read: new uint32[](0)
    });
    (bool possible, bytes32 root, uint256 count, uint256 allocated) = _judge.divide(payoutCase, e);
    yes(possible && count == 3, "records 0, 7 and 11 helped, each another contributor's");
    Answer memory answer = _answer("trained", 13, 37, root, uint32(count), allocated);
    answer.traceRoot = TRACE;
    ClaimId id = _claimOf(answer, fee);
    bytes memory data = _payoutCall(id, e);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
    // Another list of trained records is not the adapter's.
    trained[4] = 6;
    e.trained = _packed(trained);
    data = _payoutCall(id, e);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IPayoutJudge.WrongTrained.selector));
    e.trained = "";
    data = _payoutCall(id, e);
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IPayoutJudge.WrongTrained.selector));
  }

  function test_readingWhatThereIsNotIsConvicted() public {
    _publish(12);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    answer.read = new uint32[](2);
    (answer.read[0], answer.read[1]) = (3, 3);
    ClaimId id = _claimOf(answer, fee);
    _prove(bob, id, _payoutCall(id, _evidence()));
    _is(id, ClaimState.Refuted);
    answer.receiptHash = "beyond";
    answer.read[1] = 12;
    id = _claimOf(answer, fee);
    _prove(bob, id, _payoutCall(id, _evidence()));
    _is(id, ClaimState.Refuted);
  }

  function test_recordsReadEarnByRank() public {
    _publish(12);
    uint32[] memory read = new uint32[](3);
    (read[0], read[1], read[2]) = (1, 6, 11);
    (Answer memory answer, Fee memory fee) = _right(read);
    (Answer memory without,) = _right(new uint32[](0));
    uint256 forReading = fee.contributors * 2000 / 10_000;
    yes(answer.allocated > forReading && answer.allocated <= fee.contributors, "both parts");
    yes(answer.payoutRoot != without.payoutRoot, "reading moved money");
  }

  function test_whoDidNotHelpIsNotPaid() public {
    _every = 8;
    _publish(16);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    eq(answer.payoutCount, 2, "two of four contributors");
    _holds(_claimOf(answer, fee));
  }

  function test_whereNoRecordHelpedNobodyIsPaid() public {
    _every = 0;
    _publish(12);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    eq(answer.payoutCount, 0, "nobody");
    eq(answer.payoutRoot, Merkle.emptyRoot(), "no payouts");
    _holds(_claimOf(answer, fee));
  }

  function _holds(ClaimId id) private {
    bytes memory data = _payoutCall(id, _evidence());
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IGames.ClaimHolds.selector, id));
  }

  /// @dev One answer by itself cannot say that it read so many; in a batch it can, and is false.
  function test_readingTooManyIsConvicted() public {
    _publish(20);
    (Answer memory answer,) = _right(new uint32[](0));
    answer.read = new uint32[](17);
    for (uint32 k = 0; k < 17; k++) {
      answer.read[k] = k;
    }
    BatchRequest memory request;
    (request.adapterId, request.answers, request.cid, request.ruleVersion) = (adapter, 1, CID, 1);
    (request.tokensIn, request.tokensOut, request.allocated) = (13, 37, answer.allocated);
    request.answersRoot = Merkle.root(1, _leafOf(answer));
    Fee memory fee = settlement.quoteBatch(adapter, 1, 13, 37);
    request.contributorsPart = fee.contributors;
    uint256 value = fee.total + settlement.bondFor(answer.allocated);
    vm.prank(payer);
    ClaimId id = settlement.payBatch{ value: value }(request);
    answers[id] = answer;
    _prove(bob, id, _payoutCall(id, _evidence()));
    _is(id, ClaimState.Refuted);
  }

  function _leafOf(Answer memory a) private view returns (bytes32) {
    return Merkle.leaf(
      abi.encode(
        AdapterId.unwrap(adapter), a.tokensIn, a.tokensOut, a.receiptHash, a.inputsHash, a.traceRoot, a.payoutRoot,
        a.payoutCount, a.allocated, keccak256(abi.encodePacked(a.read))
      )
    );
  }

  /// @dev A list of trained records that no training can have: out of order, or beyond the version's records.
  function test_trainedRecordsAreAscendingAndOfTheVersion() public {
    uint32[] memory trained = new uint32[](2);
    for (uint256 k = 0; k < 2; k++) {
      (trained[0], trained[1]) = k == 0 ? (uint32(3), uint32(3)) : (uint32(3), uint32(12));
      delete _records;
      _publishTrainedAs(uint32(2 + k), 12, keccak256(abi.encodePacked(trained)));
      Fee memory fee = settlement.quote(adapter, 13, 37);
      Answer memory answer = _answer(bytes32(k + 1), 13, 37, "payouts", 1, fee.contributors);
      answer.traceRoot = TRACE;
      ClaimId id = _claimOf(answer, fee);
      PayoutEvidence memory e = _evidence();
      e.trained = _packed(trained);
      bytes memory data = _payoutCall(id, e);
      _commit(bob, id, data);
      _nextBlock();
      _refused(bob, data, abi.encodeWithSelector(IPayoutJudge.WrongTrained.selector));
    }
  }

  function test_evidenceHasToBeWhole() public {
    _publish(300);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    answer.allocated -= 1;
    ClaimId id = _claimOf(answer, fee);
    for (uint256 k = 0; k < 16; k++) {
      PayoutEvidence memory e = _evidence();
      bytes4 why;
      // The sixth record, another hash of it; the seventh's place, taken, too far, out of order; the eighth's index, out of order.
      if (k == 0) (e.records[5 * 92 + 91], why) = (bytes1(0), IPayoutJudge.WrongRecords.selector);
      if (k == 1) (e.siblings, why) = (new bytes32[](3), IPayoutJudge.WrongRecords.selector);
      if (k == 2) (e.records[6 * 92 + 7], why) = (bytes1(uint8(5)), IPayoutJudge.WrongOrder.selector);
      if (k == 3) (e.records[6 * 92 + 5], why) = (bytes1(uint8(1)), IPayoutJudge.WrongOrder.selector);
      if (k == 4) (e.records[7 * 92 + 3], why) = (bytes1(0), IPayoutJudge.WrongRecords.selector);
      if (k == 13) (e.records, why) = (bytes.concat(e.records, "x"), IPayoutJudge.WrongRecords.selector);
      if (k == 14) {
        why = IPayoutJudge.WrongOrder.selector;
        (e.records[7], e.records[92 + 7]) = (e.records[92 + 7], e.records[7]);
      }
      if (k == 12) why = PayoutMath.PayoutLeftOut.selector;
      if (k == 12) (e.records, e.siblings) = ("", new bytes32[](0));
      if (k == 5) (e.scores, why) = (_matrix(7), IPayoutJudge.WrongMatrix.selector);
      if (k == 6) (e.noise, why) = (_matrix(8), IPayoutJudge.WrongMatrix.selector);
      if (k == 7) (e.scorePieces, why) = (new Opening[](1), IPayoutJudge.WrongPiece.selector);
      if (k == 8) (e.scorePieces[1].leaf, why) = (0, IPayoutJudge.WrongPiece.selector);
      if (k == 10) (e.scores.header.instructionCount, why) = (1, IPayoutJudge.WrongMatrix.selector);
      if (k == 11) (e.trained, why) = ("1234", IPayoutJudge.WrongTrained.selector);
      if (k == 15) why = IPayoutJudge.WrongMatrix.selector;
      if (k == 15) referee.shape(9, 2, 300, 4);
      if (k == 9) (e.noisePieces[0].values, why) = (e.noisePieces[1].values, IPayoutJudge.WrongPiece.selector);
      bytes memory data = _payoutCall(id, e);
      vm.warp(_deadline(id) - WINDOW);
      _commit(bob, id, data);
      _nextBlock();
      vm.expectPartialRevert(why);
      this.send(bob, data);
    }
    _is(id, ClaimState.Open);
  }

  function _packed(uint32[] memory list) private pure returns (bytes memory packed) {
    for (uint256 k = 0; k < list.length; k++) {
      packed = bytes.concat(packed, bytes4(list[k]));
    }
  }

  /// @dev A record that was read earns whether or not it is brought: it has to be.
  function test_whatWasReadHasToBeBrought() public {
    _publish(12);
    uint32[] memory read = new uint32[](1);
    read[0] = 6;
    (Answer memory answer, Fee memory fee) = _right(read);
    answer.allocated -= 1;
    ClaimId id = _claimOf(answer, fee);
    bytes memory data = _payoutCall(id, _evidence());
    _commit(bob, id, data);
    _nextBlock();
    _refused(bob, data, abi.encodeWithSelector(IPayoutJudge.WrongRecords.selector));
    _prove(bob, id, _payoutCall(id, _evidenceOf(read)));
    _is(id, ClaimState.Refuted);
  }

  /// @dev A quarter of all records stand out: more than of any sample answer.
  function test_gasOf332Records() public {
    _below(332, 2_500_000);
  }

  /// @dev One record in twenty stands out: a whole dispute stays below 5 million gas.
  function test_gasOf1500Records() public {
    _every = 20;
    _below(1500, 5_000_000);
  }

  function _below(uint256 n, uint256 most) private {
    _publish(n);
    (Answer memory answer, Fee memory fee) = _right(new uint32[](0));
    answer.allocated -= 1;
    ClaimId id = _claimOf(answer, fee);
    bytes memory data = _payoutCall(id, _evidence());
    _commit(bob, id, data);
    _nextBlock();
    string memory name = string.concat("proof of payouts among ", n == 332 ? "332, 83" : "1500, 75", " of them counting: transaction");
    vm.prank(bob);
    yes(_metered("DisputesPayout", name, address(disputes), data, new address[](0)) < most, "a whole dispute");
    _is(id, ClaimState.Refuted);
  }
}
