// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { AdapterRegistry } from "../../src/AdapterRegistry.sol";
import { Contributions } from "../../src/Contributions.sol";
import { DatanetRegistry } from "../../src/DatanetRegistry.sol";
import { Disputes } from "../../src/Disputes.sol";
import { PayoutJudge } from "../../src/PayoutJudge.sol";
import { Runs } from "../../src/Runs.sol";
import { Settlement } from "../../src/Settlement.sol";
import { Treasury } from "../../src/Treasury.sol";
import { AdapterDraft } from "../../src/interfaces/IAdapterRegistry.sol";
import { IDisputes } from "../../src/interfaces/IDisputes.sol";
import { IRuns } from "../../src/interfaces/IRuns.sol";
import { Header } from "../../src/interfaces/IReferee.sol";
import { PayRequest } from "../../src/interfaces/ISettlement.sol";
import { Answer, AnswerOpening } from "../../src/types/Answers.sol";
import { Merkle } from "../../src/libraries/Merkle.sol";
import { Fee } from "../../src/types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "../../src/types/Ids.sol";
import { FakeLedgerReferee } from "./FakeLedgerReferee.sol";
import { FakeReferee } from "./FakeReferee.sol";
import { FakeUnitReferee } from "./FakeUnitReferee.sol";
import { MerkleTree } from "./MerkleTree.sol";
import { Test } from "./Test.sol";
import { SameTrace } from "./SameTrace.sol";

/// @notice All contracts as a deployment has them, one Datanet with one version, one adapter.
abstract contract Deployed is Test {
  uint40 internal constant WINDOW = 20;
  uint40 internal constant REVIEW = 14 days;
  uint40 internal constant PROVE = 5;
  uint40 internal constant REPLY = 4;
  uint128 internal constant GAS_PRICE = 4 gwei;
  /// Three disputes of 5,000,000 gas.
  uint128 internal constant BOND = 0.06 ether;
  /// A reply of 300,000 gas, and a hash.
  uint256 internal constant DEMAND_BOND = 0.00138 ether;
  uint128 internal constant PLATFORM_FEE = 0.001 ether;
  uint256 internal constant MIN_STAKE = 0.01 ether;
  string internal constant CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

  address internal immutable governance = person("governance");
  address internal immutable platform = person("platform");
  address internal immutable curator = person("curator");
  address internal immutable alice = person("alice");
  address internal immutable bob = person("bob");
  address internal immutable payer = person("payer");

  Treasury internal treasury;
  DatanetRegistry internal datanets;
  Contributions internal contributions;
  AdapterRegistry internal adapters;
  Settlement internal settlement;
  Disputes internal disputes;
  Runs internal runs;
  FakeReferee internal referee;
  FakeUnitReferee internal unitReferee;
  FakeLedgerReferee internal ledgerReferee;
  mapping(ClaimId id => Answer) internal answers;
  DatanetId internal datanet;
  AdapterId internal adapter;

  function _deploy() internal {
    vm.warp(1_750_000_000);
    treasury = new Treasury(governance);
    datanets = new DatanetRegistry();
    contributions = new Contributions(datanets, address(treasury), REVIEW);
    adapters = new AdapterRegistry(datanets);
    referee = new FakeReferee();
    unitReferee = new FakeUnitReferee();
    ledgerReferee = new FakeLedgerReferee();
    PayoutJudge judge = new PayoutJudge(referee);
    uint64 nonce = vm.getNonce(address(this));
    address next = vm.computeCreateAddress(address(this), nonce + 1);
    address last = vm.computeCreateAddress(address(this), nonce + 2);
    settlement = new Settlement(
      governance, platform, adapters, IDisputes(next), IRuns(last), address(treasury), PLATFORM_FEE, WINDOW, GAS_PRICE
    );
    disputes = new Disputes(settlement, referee, judge, datanets, PROVE, REPLY);
    runs = new Runs(settlement, unitReferee, ledgerReferee, PROVE, REPLY);
    vm.startPrank(curator);
    datanet = datanets.create("DeFi exploits", CID, MIN_STAKE);
    datanets.publishVersion(datanet, keccak256("root"), keccak256("records"), CID, 120);
    adapter = adapters.register(_draft());
    vm.stopPrank();
    vm.deal(alice, 100 ether);
    vm.deal(bob, 100 ether);
    vm.deal(payer, 1000 ether);
  }

  function _draft() internal view returns (AdapterDraft memory) {
    return AdapterDraft({
      datanet: datanet,
      version: 1,
      baseRoot: keccak256("base"),
      adapterRoot: keccak256("adapter"),
      checkpointsRoot: keccak256("gradients"),
      ledgerRoot: keccak256("gram"),
      programHash: keccak256(abi.encode(_header())),
      trainedRoot: 0,
      cid: CID,
      name: "Exploits",
      rateIn: 0.1 ether,
      rateOut: 1 ether
    });
  }

  /// @dev A program of ten instructions.
  function _header() internal pure returns (Header memory) {
    return Header(0, 10, 0, 0, 0);
  }

  function _payout(uint256 index, address contributor, uint256 amount) internal pure returns (bytes32) {
    return Merkle.leaf(abi.encode(index, contributor, amount));
  }

  /// @dev A request whose whole contributors' part goes to alice and bob, the first getting `aliceBps` of it.
  function _request(bytes32 receiptHash, uint32 tokensIn, uint32 tokensOut, uint256 aliceBps)
    internal
    view
    returns (PayRequest memory request, Fee memory fee, bytes32[] memory leaves)
  {
    fee = settlement.quote(adapter, tokensIn, tokensOut);
    uint256 first = fee.contributors * aliceBps / 10_000;
    leaves = new bytes32[](2);
    leaves[0] = _payout(0, alice, first);
    leaves[1] = _payout(1, bob, fee.contributors - first);
    request = PayRequest({
      adapterId: adapter,
      answer: _answer(receiptHash, tokensIn, tokensOut, MerkleTree.root(leaves), 2, fee.contributors),
      receiptCid: CID,
      contributorsPart: fee.contributors,
      ruleVersion: settlement.payoutRuleVersion()
    });
  }

  function _answer(
    bytes32 receiptHash,
    uint32 tokensIn,
    uint32 tokensOut,
    bytes32 payoutRoot,
    uint32 payoutCount,
    uint256 allocated
  ) internal pure returns (Answer memory) {
    return Answer({
      tokensIn: tokensIn,
      tokensOut: tokensOut,
      receiptHash: receiptHash,
      inputsHash: keccak256("inputs"),
      traceRoot: SameTrace.root(),
      workingsRoot: keccak256("workings"),
      payoutRoot: payoutRoot,
      payoutCount: payoutCount,
      allocated: uint128(allocated),
      read: new uint32[](0)
    });
  }

  /// @dev Leaf of an answer in its claim, as src/protocol/answers.ts makes it.
  function _leafOf(Answer memory a) internal view returns (bytes32) {
    bytes32 readHash = keccak256(abi.encodePacked(a.read));
    return Merkle.leaf(
      abi.encode(
        AdapterId.unwrap(adapter), a.tokensIn, a.tokensOut, a.allocated, a.receiptHash, a.inputsHash, readHash, _madeHash(a)
      )
    );
  }

  function _madeHash(Answer memory a) internal pure returns (bytes32) {
    return keccak256(abi.encode(a.traceRoot, a.workingsRoot, a.payoutRoot, a.payoutCount));
  }

  function _pay(PayRequest memory request, uint256 total) internal returns (ClaimId id) {
    uint256 allocated = request.answer.allocated;
    vm.prank(payer);
    id = settlement.pay{ value: total + (allocated > BOND ? allocated : BOND) }(request);
    answers[id] = request.answer;
  }

  /// @dev The one answer of a claim that was paid by itself.
  function _opening(ClaimId id) internal view returns (AnswerOpening memory) {
    return AnswerOpening(0, answers[id], new bytes32[](0));
  }
}
