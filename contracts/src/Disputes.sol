// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { PullPayments } from "./PullPayments.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { IDatanetRegistry, Version } from "./interfaces/IDatanetRegistry.sol";
import { Clock, Commitment, Demand, DemandState, IDisputes, Place } from "./interfaces/IDisputes.sol";
import { IPayoutJudge, PayoutCase, PayoutEvidence } from "./interfaces/IPayoutJudge.sol";
import { Header, IReferee, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { Claim, ClaimState, ISettlement } from "./interfaces/ISettlement.sol";
import { Answers } from "./libraries/Answers.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { MerkleRoot } from "./libraries/MerkleRoot.sol";
import { Answer, AnswerOpening } from "./types/Answers.sol";
import { PayoutRule, Split } from "./types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "./types/Ids.sol";

/// @title Disputes
/// @notice Where a false claim loses its bond. A challenger commits to the call that proves it, waits a block, and makes
/// that call: nobody who sees the call can take it for their own. What a proof needs and the claimant has not published
/// is demanded piece by piece. Nobody decides anything here: no owner, no pause, no upgrade. Times in seconds, amounts
/// in wei.
/// @dev All clocks, from the payment on, with window W, and proveTime and replyTime at most W/4:
///   commitments and demands       until W (the claim's deadline)
///   replies to demands            until 3W/2 at the latest
///   commitments on what they show until 7W/4, proofs until 2W.
contract Disputes is PullPayments, IDisputes {
  /// @notice Each open demand of a claim gives its claimant this part of replyTime more for the next: one in REPLIES.
  uint256 public constant REPLIES = 32;
  /// @notice Gas of one reply at worst: a demand's bond, which the claimant gets for it, covers that.
  uint256 public constant REPLY_GAS = 500_000;

  ISettlement public immutable settlement;
  IReferee public immutable referee;
  IPayoutJudge public immutable judge;
  IDatanetRegistry public immutable datanets;
  IAdapterRegistry private immutable _adapters;
  uint40 private immutable _window;
  /// @notice How long after its commitment a proof can come.
  uint40 public immutable proveTime;
  /// @notice How long a claimant has to show what is demanded, where nothing else is.
  uint40 public immutable replyTime;
  /// @notice Bond of a demand, in wei. The claimant gets it for the reply.
  uint256 public immutable demandBond;

  /// @notice Bonds of open demands, in wei.
  uint256 public heldBonds;
  mapping(ClaimId id => Clock) private _clocks;
  mapping(address challenger => mapping(bytes32 commitment => Commitment)) private _commitments;
  mapping(ClaimId id => mapping(bytes32 place => Demand)) private _demands;

  constructor(
    ISettlement settlement_,
    IReferee referee_,
    IPayoutJudge judge_,
    IDatanetRegistry datanets_,
    uint40 proveTime_,
    uint40 replyTime_
  ) {
    uint40 window = settlement_.window();
    bool fits = proveTime_ > 0 && replyTime_ > 0 && 4 * uint256(proveTime_) <= window && 4 * uint256(replyTime_) <= window;
    if (!fits) revert TimesDoNotFit(proveTime_, replyTime_, window);
    settlement = settlement_;
    referee = referee_;
    judge = judge_;
    datanets = datanets_;
    _adapters = settlement_.adapters();
    _window = window;
    proveTime = proveTime_;
    replyTime = replyTime_;
    demandBond = REPLY_GAS * settlement_.stressedGasPrice();
  }

  // ---- Proofs ----

  /// @notice The caller will make a call whose data has this hash: commitment = keccak256(abi.encode(caller,
  /// keccak256(data of the call to prove…))). The salt in that call keeps it from being guessed.
  function commit(ClaimId id, bytes32 commitment) external {
    Claim memory c = _open(id);
    uint256 until = _beginUntil(id, c);
    if (block.timestamp > until) revert TooLateToBegin(id, until);
    uint40 proveBy = uint40(block.timestamp) + proveTime;
    _commitments[msg.sender][commitment] = Commitment(uint64(block.number), proveBy);
    _hold(id, proveBy);
    emit Committed(id, msg.sender, commitment, proveBy);
  }

  /// @notice One element of the answer's trace does not follow from the others.
  function proveStep(ClaimId id, AnswerOpening calldata opening, Step calldata step, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    (bytes32 programHash,,) = _adapters.origin(AdapterId.wrap(c.adapterId));
    Answer calldata answer = opening.answer;
    if (!referee.isFalse(programHash, answer.inputsHash, answer.traceRoot, step)) revert ClaimHolds(id);
    _convict(id, "step");
  }

  /// @notice The answer's payouts do not follow from the scores and the noise in its trace.
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata evidence, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    Answer calldata answer = opening.answer;
    (bool possible, bytes32 root, uint256 count, uint256 allocated) = judge.divide(_case(c, answer), evidence);
    bool right = possible && root == answer.payoutRoot && count == answer.payoutCount && allocated == answer.allocated;
    if (right) revert ClaimHolds(id);
    _convict(id, "payout");
  }

  /// @notice The claim's sums are not those of its answers, or an answer is no whole answer. All answers, in order.
  function proveSums(ClaimId id, Answer[] calldata answers, bytes32) external {
    Claim memory c = _committed(id);
    if (_addsUp(id, c, answers)) revert ClaimHolds(id);
    _convict(id, "sums");
  }

  /// @notice Two answers of the claim are the same receipt.
  function proveTwice(ClaimId id, AnswerOpening calldata one, AnswerOpening calldata other, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, one);
    _requireAnswer(id, c, other);
    if (one.index == other.index || one.answer.receiptHash != other.answer.receiptHash) revert ClaimHolds(id);
    _convict(id, "twice");
  }

  /// @notice The tokens that the answer was paid for are not as many as those it was computed from.
  /// @param inputs what inputsHash is the hash of
  function proveInputs(ClaimId id, AnswerOpening calldata opening, bytes calldata inputs, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    Answer calldata answer = opening.answer;
    if (keccak256(inputs) != answer.inputsHash) revert ClaimHolds(id);
    uint256 tokens = uint256(answer.tokensIn) + answer.tokensOut;
    bool right = inputs.length == 4 * (tokens + 1) && uint32(bytes4(inputs[:4])) == answer.tokensOut;
    if (right) revert ClaimHolds(id);
    _convict(id, "inputs");
  }

  // ---- Withheld data ----

  /// @notice The claimant has to show this leaf, or loses the claim. The value sent is the demand's bond.
  function demand(ClaimId id, Place calldata place) external payable {
    Claim memory c = _open(id);
    if (block.timestamp > c.deadline) revert TooLateToBegin(id, c.deadline);
    if (msg.value != demandBond) revert WrongDemandBond(msg.value, demandBond);
    if (place.answer >= c.answers) revert WrongAnswer(id, place.answer);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.None) revert AlreadyDemanded(id, place);
    Clock storage clock = _clocks[id];
    // The more is demanded, the more time; no limit on the number, or a claimant could use it up against others.
    uint256 due = block.timestamp + replyTime + uint256(replyTime) * clock.open / REPLIES;
    uint256 last = uint256(c.deadline) + _window / 2;
    if (due > last) due = last;
    (d.demander, d.due, d.state) = (msg.sender, uint40(due), DemandState.Open);
    clock.open++;
    // Time to compute with what is shown, and to commit.
    uint40 until = uint40(due) + proveTime;
    if (until > clock.commitUntil) clock.commitUntil = until;
    _hold(id, until);
    heldBonds += msg.value;
    _deposited(msg.value);
    emit Demanded(id, msg.sender, place, due);
  }

  /// @notice Shows what was demanded. Anyone may; the demand's bond is the claimant's.
  function reveal(ClaimId id, AnswerOpening calldata opening, TraceMatrix calldata matrix, Opening calldata shown)
    external
  {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    Place memory place = Place(uint32(opening.index), matrix.index, shown.leaf);
    _requireInTime(id, place);
    (bytes32 programHash,,) = _adapters.origin(AdapterId.wrap(c.adapterId));
    Answer calldata answer = opening.answer;
    if (!referee.isOpening(programHash, answer.inputsHash, answer.traceRoot, matrix, shown)) revert NotTheLeaf(place);
    _answered(id, c, place);
    emit Revealed(id, place, matrix.inputs, shown);
  }

  /// @notice Shows that there is no such place: that the program has fewer instructions, or the matrix fewer
  /// leaves. The demand's bond is the claimant's.
  function showNoSuchPlace(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    uint32 leaf
  ) external {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    Place memory place = Place(uint32(opening.index), matrix.index, leaf);
    _requireInTime(id, place);
    (bytes32 programHash,,) = _adapters.origin(AdapterId.wrap(c.adapterId));
    Header calldata header = matrix.header;
    bool beyond = matrix.index >= header.instructionCount && keccak256(abi.encode(header)) == programHash;
    if (!beyond) {
      (,, uint256 leaves) = referee.shapeOf(programHash, opening.answer.inputsHash, matrix);
      if (leaf < leaves) revert PlaceExists(place);
    }
    _answered(id, c, place);
    emit NoSuchPlace(id, place);
  }

  /// @notice What was demanded was not shown in time: the claim is refuted, for whoever demanded it.
  function convictSilence(ClaimId id, Place calldata place) external {
    _open(id);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    if (block.timestamp <= d.due) revert ReplyNotDue(d.due);
    address demander = d.demander;
    _close(id, d, place);
    settlement.refute(id, demander);
    emit Convicted(id, demander, "silence");
  }

  /// @notice The bond of a demand that a refuted claim left open goes back.
  function takeBack(ClaimId id, Place calldata place) external {
    if (settlement.claim(id).state != ClaimState.Refuted) revert NotRefuted(id);
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    _close(id, d, place);
  }

  // ---- Reading ----

  /// @inheritdoc IDisputes
  function heldUntil(ClaimId id) external view returns (uint256) {
    Clock storage clock = _clocks[id];
    return clock.open > 0 ? type(uint256).max : clock.heldUntil;
  }

  function clockOf(ClaimId id) external view returns (Clock memory) {
    return _clocks[id];
  }

  function demandOf(ClaimId id, Place calldata place) external view returns (Demand memory) {
    return _demands[id][_key(place)];
  }

  function commitmentOf(address challenger, bytes32 commitment) external view returns (Commitment memory) {
    return _commitments[challenger][commitment];
  }

  // ---- Inside ----

  function _open(ClaimId id) private view returns (Claim memory c) {
    c = settlement.claim(id);
    if (c.state != ClaimState.Open) revert NotOpen(id);
  }

  function _beginUntil(ClaimId id, Claim memory c) private view returns (uint256) {
    uint256 extended = _clocks[id].commitUntil;
    return extended > c.deadline ? extended : c.deadline;
  }

  function _hold(ClaimId id, uint40 until) private {
    if (until > _clocks[id].heldUntil) _clocks[id].heldUntil = until;
  }

  /// @dev The caller committed to this very call, in an earlier block and not too long ago.
  function _committed(ClaimId id) private returns (Claim memory c) {
    c = _open(id);
    bytes32 commitment = keccak256(abi.encode(msg.sender, keccak256(msg.data)));
    Commitment memory made = _commitments[msg.sender][commitment];
    if (made.proveBy == 0) revert NotCommitted(msg.sender, commitment);
    if (block.number <= made.committedIn) revert SameBlock(made.committedIn);
    if (block.timestamp > made.proveBy) revert ProofTooLate(made.proveBy);
    delete _commitments[msg.sender][commitment];
  }

  function _requireAnswer(ClaimId id, Claim memory c, AnswerOpening calldata o) private pure {
    bytes32 leaf = Answers.leaf(AdapterId.wrap(c.adapterId), o.answer);
    if (!Merkle.verify(c.answersRoot, c.answers, o.index, leaf, o.proof)) revert WrongAnswer(id, o.index);
  }

  function _case(Claim memory c, Answer calldata answer) private view returns (PayoutCase memory payoutCase) {
    (bytes32 programHash, DatanetId datanet, uint32 number) = _adapters.origin(AdapterId.wrap(c.adapterId));
    Version memory version = datanets.version(datanet, number);
    (Split memory split, PayoutRule memory rule) = settlement.termsOf(c.ruleVersion);
    uint256 used = FeeMath.usage(answer.tokensIn, answer.tokensOut, c.rateIn, c.rateOut);
    payoutCase = PayoutCase({
      programHash: programHash,
      inputsHash: answer.inputsHash,
      traceRoot: answer.traceRoot,
      versionRoot: version.root,
      records: version.count,
      trainedHash: _adapters.trainedHashOf(AdapterId.wrap(c.adapterId)),
      amount: FeeMath.divide(used, 0, split).contributors,
      rule: rule,
      read: answer.read
    });
  }

  function _addsUp(ClaimId id, Claim memory c, Answer[] calldata answers) private pure returns (bool right) {
    if (answers.length != c.answers) revert WrongAnswer(id, answers.length);
    bytes32[] memory leaves = new bytes32[](answers.length);
    (uint256 tokensIn, uint256 tokensOut, uint256 allocated) = (0, 0, 0);
    right = true;
    for (uint256 k = 0; k < answers.length; k++) {
      Answer calldata answer = answers[k];
      leaves[k] = Answers.leaf(AdapterId.wrap(c.adapterId), answer);
      tokensIn += answer.tokensIn;
      tokensOut += answer.tokensOut;
      allocated += answer.allocated;
      if (bytes(Answers.fault(answer)).length != 0) right = false;
    }
    if (MerkleRoot.root(leaves) != c.answersRoot) revert WrongAnswer(id, answers.length);
    if (tokensIn != c.tokensIn || tokensOut != c.tokensOut || allocated != c.contributorsPart) right = false;
  }

  function _convict(ClaimId id, string memory what) private {
    settlement.refute(id, msg.sender);
    emit Convicted(id, msg.sender, what);
  }

  function _key(Place memory place) private pure returns (bytes32) {
    return keccak256(abi.encode(place));
  }

  function _requireInTime(ClaimId id, Place memory place) private view {
    Demand storage d = _demands[id][_key(place)];
    if (d.state != DemandState.Open) revert NoOpenDemand(id, place);
    if (block.timestamp > d.due) revert ReplyTooLate(d.due);
  }

  function _answered(ClaimId id, Claim memory c, Place memory place) private {
    _demands[id][_key(place)].state = DemandState.Answered;
    _clocks[id].open--;
    heldBonds -= demandBond;
    _credit(c.claimant, demandBond);
  }

  function _close(ClaimId id, Demand storage d, Place calldata place) private {
    d.state = DemandState.Closed;
    _clocks[id].open--;
    heldBonds -= demandBond;
    _credit(d.demander, demandBond);
    emit DemandClosed(id, d.demander, place);
  }
}
