// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Game, Games, GameState } from "./Games.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { IDatanetRegistry } from "./interfaces/IDatanetRegistry.sol";
import { Asserted, IDisputes } from "./interfaces/IDisputes.sol";
import { Clock, LeavesOpening, NodesOpening, Place, Shown } from "./interfaces/IGames.sol";
import { IPayoutJudge, PayoutEvidence } from "./interfaces/IPayoutJudge.sol";
import { IReferee, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { Claim, ClaimState, ISettlement } from "./interfaces/ISettlement.sol";
import { Answers } from "./libraries/Answers.sol";
import { AnswersFile } from "./libraries/AnswersFile.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { Nodes } from "./libraries/Nodes.sol";
import { Asked, Replies } from "./libraries/Replies.sol";
import { Workings } from "./libraries/Workings.sol";
import { Answer, AnswerDigest, AnswerOpening } from "./types/Answers.sol";
import { AdapterId, ClaimId, DatanetId, GameId } from "./types/Ids.sol";

/// @title Disputes
/// @notice Where a false claim loses its bond: the games (Games.sol) about claims in Settlement.
contract Disputes is Games, IDisputes {
  /// @dev A reply of one leaf, for which 45,000 more are paid, takes 252,000 for an answer of 70 tokens, 339,000 for one of
  /// 1,024, 372,000 for that in a batch of 256 (contracts/snapshots/Disputes.json): below 92 % of the stressed gas price every
  /// reply is paid for. No more than that, or what a challenger demands would cost more than the claim's bond brings.
  uint256 private constant REPLY_GAS = 300_000;
  /// @dev Demands one after another that convict where everything is withheld: the file of a claim about several answers, the tree
  /// over all matrices of one of them, trees of a few matrices, an assertion (docs/claims.md).
  uint256 private constant ROUNDS = 4;
  /// @notice Gas of refuting an assertion at worst, with as many leaves as a step may open: a product of 256 terms takes 534,000, one
  /// of 1,024 1,170,000, a sum of 7,161 6,500,000 (contracts/snapshots/Disputes.json). Else one could make claimants pay more
  /// than oneself. Who is right has it back.
  uint256 public constant ASSERTION_GAS = 8_000_000;
  /// @dev Gas of one answer and one token in showFile at worst, by what their bytes cost (EIP-7623; all else costs less): of an
  /// answer two hashes and few other bytes that are not zero, 3,200, and 16 records; of a
  /// token, or a record, three bytes that are not zero.
  uint256 private constant FILED_ANSWER_GAS = 5_300;
  uint256 private constant FILED_TOKEN_GAS = 130;

  IReferee public immutable referee;
  IPayoutJudge public immutable judge;
  IDatanetRegistry public immutable datanets;
  IAdapterRegistry private immutable _adapters;

  constructor(
    ISettlement settlement_,
    IReferee referee_,
    IPayoutJudge judge_,
    IDatanetRegistry datanets_,
    uint40 proveTime_,
    uint40 replyTime_
  ) Games(settlement_, proveTime_, replyTime_, REPLY_GAS, ROUNDS) {
    referee = referee_;
    judge = judge_;
    datanets = datanets_;
    _adapters = settlement_.adapters();
  }

  // ---- Proofs ----

  /// @notice One element of the answer's trace does not follow from the others.
  function proveStep(ClaimId id, AnswerOpening calldata opening, Step calldata step, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    Answer calldata answer = opening.answer;
    if (!referee.isFalse(_programOf(c), answer.inputsHash, answer.traceRoot, step)) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "step");
  }

  /// @notice The answer's payouts do not follow from its trace: one row of their workings does not.
  function provePayout(ClaimId id, AnswerOpening calldata opening, PayoutEvidence calldata, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    // The judge is called with this very call: there is no room here for what it is about.
    bool isFalse = abi.decode(Address.functionStaticCall(address(judge), msg.data), (bool));
    if (!isFalse) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "payout");
  }

  /// @notice The answer is no whole answer by itself.
  function proveAnswer(ClaimId id, AnswerOpening calldata opening, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    if (bytes(Answers.fault(opening.answer)).length == 0) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "answer");
  }

  /// @notice The claim's sums are not those of its answers. All answers, in order.
  function proveSums(ClaimId id, AnswerDigest[] calldata answers, bytes32) external {
    Claim memory c = _committed(id);
    if (_addsUp(id, c, answers)) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "sums");
  }

  /// @notice Two answers of the claim are the same receipt.
  function proveTwice(ClaimId id, AnswerOpening calldata one, AnswerOpening calldata other, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, one);
    _requireAnswer(id, c, other);
    if (one.index == other.index || one.answer.receiptHash != other.answer.receiptHash) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "twice");
  }

  /// @notice The tokens that the answer was paid for are not as many as those it was computed from.
  /// @param inputs what inputsHash is the hash of
  function proveInputs(ClaimId id, AnswerOpening calldata opening, bytes calldata inputs, bytes32) external {
    Claim memory c = _committed(id);
    _requireAnswer(id, c, opening);
    Answer calldata answer = opening.answer;
    if (keccak256(inputs) != answer.inputsHash) revert ClaimHolds(id.game());
    uint256 tokens = uint256(answer.tokensIn) + answer.tokensOut;
    bool right = inputs.length == 4 * (tokens + 1) && uint32(bytes4(inputs[:4])) == answer.tokensOut;
    if (right) revert ClaimHolds(id.game());
    _convict(id.game(), msg.sender, "inputs");
  }

  // ---- Withheld data ----

  /// @notice The claimant has to show what all answers are computed from, see AnswersFile.sol, or loses. Bond: fileBond.
  function demandFile(ClaimId id) external payable {
    (Game memory game, Clock memory clock) = _demandable(id.game());
    uint256 bondGas = _fileGas(id);
    _openDemand(id.game(), game, clock, _filePlace(), bondGas);
    _takeBonds(id.game(), clock, bondGas);
  }

  /// @notice Shows the file. Anyone may; its bond as in reveal.
  function showFile(ClaimId id, bytes calldata file) external {
    Claim memory c = _open(id);
    _answered(id.game(), c.claimant, _filePlace());
    bytes32 root = AnswersFile.root(AdapterId.wrap(c.adapterId), file, c.answers);
    if (root != c.answersRoot) revert WrongAnswer(id, c.answers);
    emit FileShown(id, file);
  }

  /// @notice Bond of a demand for the file, in wei.
  function fileBond(ClaimId id) external view returns (uint256) {
    return _fileGas(id) * _gasPrice;
  }

  /// @notice The claimant has to show a cut of the answer's tree over all matrices, see NodesOpening, and further places, or loses. Bond:
  /// 300,000 gas as for a place, 42,900 for each word of the cut, and furtherBond of each place.
  /// @param commitment to the root of the caller's own trace, for assertLeaves; 0: none
  function search(
    ClaimId id,
    uint32 answer,
    bytes32[] calldata levels,
    Place[] calldata places,
    bytes32 commitment
  ) external payable {
    _demandCut(id.game(), answer, levels, places);
    if (commitment != 0) _know(id.game(), commitment);
  }

  /// @notice The caller says what the leaves below a node are that follow from what the claim has before them, and that the claim has
  /// others. Refuted in time (refuteAssertion), or the claimant loses. Bond: assertionBond.
  /// @dev Nobody can take an assertion for their own that they see on its way: in an earlier block the caller committed to
  /// keccak256(abi.encode(caller, keccak256(abi.encode(id, uint256 answer, ownRoot)))), by commit or search, and who knows that
  /// root has computed the answer.
  /// @param matrix without inputs
  /// @param own the leaves with their proof under `ownRoot`, the root of the caller's own trace
  /// @param name any number that no assertion about this matrix has
  function assertLeaves(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    LeavesOpening calldata own,
    bytes32 ownRoot,
    uint32 name
  ) external payable {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    _requireKnown(id.game(), keccak256(abi.encode(id, opening.index, ownRoot)));
    bytes32 hash = Replies.asserted(_asked(id, c, opening), matrix, own, ownRoot);
    Place memory place = Place(uint32(opening.index), matrix.index, name, 0, uint8(Nodes.ASSERTION));
    (Game memory game, Clock memory clock) = _demandable(id.game());
    _openNamed(id.game(), game, clock, place, hash, ASSERTION_GAS);
    _takeBonds(id.game(), clock, ASSERTION_GAS);
    emit LeavesAsserted(id, place, own.leaf, own.level, own.values);
  }

  /// @notice Bond of an assertion, in wei.
  function assertionBond() external view returns (uint256) {
    return ASSERTION_GAS * _gasPrice;
  }

  /// @notice Shows that an assertion about the claim is false: the claim has these very leaves, or one element of what was asserted
  /// does not follow. Anyone may; its bond as in reveal.
  /// @param matrix without inputs
  /// @param step the element; its openings stand in the trace that has the asserted node in the claimed one's place
  function refuteAssertion(
    ClaimId id,
    AnswerOpening calldata opening,
    Place calldata place,
    TraceMatrix calldata matrix,
    Asserted calldata asserted,
    Step calldata step
  ) external {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    bytes32 hash = keccak256(abi.encode(asserted.leaf, asserted.level, asserted.node));
    bool same = place.answer == opening.index && place.index == matrix.index && place.depth == Nodes.ASSERTION;
    if (!same || !_stands(id.game(), place, hash)) revert OtherAssertion(id, place);
    if (!Replies.isRefuted(_asked(id, c, opening), matrix, asserted, step)) revert AssertionHolds(id, place);
    _answered(id.game(), c.claimant, place);
    emit AssertionRefuted(id, place);
  }

  /// @notice Shows what was demanded of one answer: any number of places, matrix by matrix. Anyone may; the demands' bonds are
  /// the claimant's in the first half of the time, then the caller's.
  function reveal(ClaimId id, AnswerOpening calldata opening, Shown[] calldata shown) external {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    Asked memory asked = _asked(id, c, opening);
    for (uint256 k = 0; k < shown.length; k++) {
      _answerAll(id.game(), c.claimant, asked.answer, shown[k]);
      Replies.show(asked, shown[k]);
    }
    emit AnswerShown(id, opening);
  }

  /// @notice Shows that there is no such place: that the program has fewer instructions, or the tree no such leaf or node.
  /// Its bond as in reveal.
  function showNoSuchPlace(
    ClaimId id,
    AnswerOpening calldata opening,
    TraceMatrix calldata matrix,
    Place calldata place
  ) external {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    if (!Replies.isNone(_asked(id, c, opening), matrix, place)) revert PlaceExists(place);
    _answered(id.game(), c.claimant, place);
    emit NoSuchPlace(id.game(), place);
    emit AnswerShown(id, opening);
  }

  // ---- Inside ----

  function _gameOf(GameId id) internal view override returns (Game memory) {
    Claim memory c = settlement.claim(_claimOf(id));
    GameState state = GameState.Over;
    if (c.state == ClaimState.Open) state = GameState.Open;
    if (c.state == ClaimState.Refuted) state = GameState.Refuted;
    return Game(c.claimant, c.deadline, state, c.answers);
  }

  function _requireDemandable(GameId id, Game memory game, Place calldata place) internal pure override {
    _requireFormed(place);
    if (place.depth == 0 && Workings.isPlace(place.index) && !Workings.isTable(place.index)) revert WrongPlace(place);
    if (place.answer >= game.parts) revert WrongAnswer(_claimOf(id), place.answer);
  }

  function _refute(GameId id, address challenger) internal override {
    settlement.refute(_claimOf(id), challenger);
  }

  function _filePlace() private pure returns (Place memory) {
    return Place(0, ALL, 0, 0, uint8(Nodes.FILE));
  }

  function _fileGas(ClaimId id) private view returns (uint256) {
    Claim memory c = settlement.claim(id);
    return replyGas + FILED_ANSWER_GAS * c.answers + FILED_TOKEN_GAS * (uint256(c.tokensIn) + c.tokensOut);
  }

  function _claimOf(GameId id) private pure returns (ClaimId) {
    return ClaimId.wrap(GameId.unwrap(id));
  }

  function _open(ClaimId id) private view returns (Claim memory c) {
    c = settlement.claim(id);
    if (c.state != ClaimState.Open) revert NotOpen(id.game());
  }

  /// @dev The claim, if the caller may make this call about it now.
  function _committed(ClaimId id) private returns (Claim memory c) {
    c = _open(id);
    _useCommitment(id.game());
  }

  function _programOf(Claim memory c) private view returns (bytes32 programHash) {
    (programHash,,) = _adapters.origin(AdapterId.wrap(c.adapterId));
  }

  /// @dev Demands for places of one matrix.
  function _answerAll(GameId id, address maker, uint32 answer, Shown calldata shown) private {
    Place memory place = Place(answer, shown.matrix.index, 0, 0, 0);
    for (uint256 k = 0; k < shown.leaves.length; k++) {
      (place.leaf, place.level) = (shown.leaves[k].leaf, shown.leaves[k].level);
      _answered(id, maker, place);
    }
    for (uint256 k = 0; k < shown.nodes.length; k++) {
      NodesOpening calldata nodes = shown.nodes[k];
      (place.leaf, place.level, place.depth) = (nodes.leaf, nodes.level, nodes.depth);
      if (nodes.depth == Nodes.CUT && !_stands(id, place, keccak256(abi.encodePacked(nodes.proof)))) revert NotTheNodes(place);
      _answered(id, maker, place);
    }
  }

  function _asked(ClaimId id, Claim memory c, AnswerOpening calldata opening) private view returns (Asked memory) {
    Answer calldata answer = opening.answer;
    (bytes32 programHash, DatanetId datanet, uint32 version) = _adapters.origin(AdapterId.wrap(c.adapterId));
    return Asked({
      id: id.game(),
      answer: uint32(opening.index),
      referee: referee,
      programHash: programHash,
      inputsHash: answer.inputsHash,
      traceRoot: answer.traceRoot,
      tokens: uint256(answer.tokensIn) + answer.tokensOut,
      own: answer.tokensOut,
      workingsRoot: answer.workingsRoot,
      payoutRoot: answer.payoutRoot,
      payoutCount: answer.payoutCount,
      datanets: datanets,
      datanet: datanet,
      version: version
    });
  }

  function _requireAnswer(ClaimId id, Claim memory c, AnswerOpening calldata o) private pure {
    bytes32 leaf = Answers.leaf(AdapterId.wrap(c.adapterId), o.answer);
    if (!Merkle.verify(c.answersRoot, c.answers, o.index, leaf, o.proof)) revert WrongAnswer(id, o.index);
  }

  function _addsUp(ClaimId id, Claim memory c, AnswerDigest[] calldata answers) private pure returns (bool) {
    if (answers.length != c.answers) revert WrongAnswer(id, answers.length);
    (bytes32 root, uint256 tokensIn, uint256 tokensOut, uint256 allocated) =
      AnswersFile.sums(AdapterId.wrap(c.adapterId), answers);
    if (root != c.answersRoot) revert WrongAnswer(id, answers.length);
    return tokensIn == c.tokensIn && tokensOut == c.tokensOut && allocated == c.contributorsPart;
  }
}
