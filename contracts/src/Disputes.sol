// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Game, Games, GameState } from "./Games.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { IDatanetRegistry } from "./interfaces/IDatanetRegistry.sol";
import { IDisputes } from "./interfaces/IDisputes.sol";
import { NodesOpening, Place, Shown } from "./interfaces/IGames.sol";
import { IPayoutJudge, PayoutEvidence } from "./interfaces/IPayoutJudge.sol";
import { IReferee, Opening, Step, TraceMatrix } from "./interfaces/IReferee.sol";
import { Claim, ClaimState, ISettlement } from "./interfaces/ISettlement.sol";
import { Answers } from "./libraries/Answers.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { MerkleRoot } from "./libraries/MerkleRoot.sol";
import { Nodes } from "./libraries/Nodes.sol";
// `Committed` is an event of the games too.
import { Committed as CommittedMatrix } from "./libraries/Openings.sol";
import { Workings } from "./libraries/Workings.sol";
import { Answer, AnswerDigest, AnswerOpening } from "./types/Answers.sol";
import { AdapterId, ClaimId, GameId } from "./types/Ids.sol";

/// @title Disputes
/// @notice Where a false claim loses its bond: the games (Games.sol) about claims in Settlement.
contract Disputes is Games, IDisputes {
  /// @dev A reply takes 223,000 for an answer of 70 tokens, 308,000 for one of 1,024, 344,000 for that in a batch of 256
  /// (contracts/snapshots/Disputes.json): below 87 % of the stressed gas price every reply is paid for. No more than that,
  /// or what a challenger demands would cost more than the claim's bond brings.
  uint256 private constant REPLY_GAS = 300_000;
  /// @dev Demands one after another that find the first false leaf: the tree over all matrices, trees of a few matrices,
  /// leaves (docs/claims.md).
  uint256 private constant ROUNDS = 3;

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
    if (!_judged()) revert ClaimHolds(id.game());
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

  /// @notice Shows what was demanded of one answer: any number of places, matrix by matrix. Anyone may; the demands' bonds are
  /// the claimant's in the first half of the time, then the caller's.
  function reveal(ClaimId id, AnswerOpening calldata opening, Shown[] calldata shown) external {
    Claim memory c = _open(id);
    _requireAnswer(id, c, opening);
    bool ofWorkings = false;
    for (uint256 k = 0; k < shown.length; k++) {
      _showLeaves(id, c, opening, shown[k]);
      if (shown[k].nodes.length > 0) _showNodes(id, c, opening, shown[k]);
      if (Workings.isPlace(shown[k].matrix.index)) ofWorkings = true;
    }
    // Reverts where one of them is not what it says; the others were looked at above.
    if (ofWorkings) _judged();
    if (c.answers > 1) emit AnswerShown(id, opening);
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
    _requireInTime(id.game(), place);
    if (place.answer != opening.index || place.index != matrix.index) revert PlaceExists(place);
    bytes32 programHash = _programOf(c);
    uint256 count = matrix.header.instructionCount;
    bool ofProgram = keccak256(abi.encode(matrix.header)) == programHash;
    bool beyond = ofProgram && place.index != ALL && place.index >= count;
    if (Workings.isPlace(place.index)) {
      if (!_judged()) revert PlaceExists(place);
    } else if (!beyond) {
      uint256 leaves = count;
      if (place.index != ALL) (,, leaves) = referee.shapeOf(programHash, opening.answer.inputsHash, matrix);
      else if (!ofProgram) revert PlaceExists(place);
      if (Nodes.exists(leaves, place.level, place.leaf)) revert PlaceExists(place);
    }
    _answered(id.game(), c.claimant, place);
    emit NoSuchPlace(id.game(), place);
    if (c.answers > 1) emit AnswerShown(id, opening);
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

  function _showLeaves(ClaimId id, Claim memory c, AnswerOpening calldata opening, Shown calldata shown) private {
    bytes32 programHash = _programOf(c);
    Answer calldata answer = opening.answer;
    for (uint256 k = 0; k < shown.leaves.length; k++) {
      Opening calldata leaf = shown.leaves[k];
      Place memory place = Place(uint32(opening.index), shown.matrix.index, leaf.leaf, 0, 0);
      _requireInTime(id.game(), place);
      bool there = Workings.isPlace(place.index)
        || referee.isOpening(programHash, answer.inputsHash, answer.traceRoot, shown.matrix, leaf);
      if (!there) revert NotTheLeaf(place);
      _answered(id.game(), c.claimant, place);
      emit Revealed(id.game(), place, shown.matrix.inputs, leaf);
    }
  }

  function _showNodes(ClaimId id, Claim memory c, AnswerOpening calldata opening, Shown calldata shown) private {
    bool ofWorkings = Workings.isPlace(shown.matrix.index);
    CommittedMatrix memory matrix;
    if (!ofWorkings) matrix = _matrixOf(c, opening.answer, shown.matrix);
    for (uint256 k = 0; k < shown.nodes.length; k++) {
      NodesOpening calldata nodes = shown.nodes[k];
      Place memory place = Place(uint32(opening.index), shown.matrix.index, nodes.leaf, nodes.level, nodes.depth);
      _requireInTime(id.game(), place);
      bool right = ofWorkings || (matrix.index == ALL
        ? Nodes.provenUnder(nodes, matrix.root, matrix.count)
        : Nodes.proven(nodes, matrix));
      // One node for itself would be a leaf without its values.
      if (!right || nodes.depth == 0) revert NotTheNodes(place);
      _answered(id.game(), c.claimant, place);
      emit RevealedNodes(id.game(), place, shown.matrix.inputs, nodes);
    }
  }

  /// @dev Where and how large the matrix is, by the program; of the tree over all matrices only root and count matter. The
  /// inputs are always the answer's: a challenger may know them from the reply alone.
  function _matrixOf(Claim memory c, Answer calldata answer, TraceMatrix calldata matrix)
    private
    view
    returns (CommittedMatrix memory committed)
  {
    bytes32 programHash = _programOf(c);
    committed.root = answer.traceRoot;
    committed.count = matrix.header.instructionCount;
    committed.index = matrix.index;
    if (matrix.index != ALL) {
      (committed.rows, committed.columns,) = referee.shapeOf(programHash, answer.inputsHash, matrix);
      return committed;
    }
    if (keccak256(abi.encode(matrix.header)) != programHash) revert IReferee.RefereeWrongHeader();
    if (keccak256(matrix.inputs) != answer.inputsHash) revert IReferee.RefereeWrongInputs();
  }

  /// @dev What the judge says about this very call, which it is called with: it has the room for what is about payouts.
  function _judged() private view returns (bool) {
    return abi.decode(Address.functionStaticCall(address(judge), msg.data), (bool));
  }

  function _requireAnswer(ClaimId id, Claim memory c, AnswerOpening calldata o) private pure {
    bytes32 leaf = Answers.leaf(AdapterId.wrap(c.adapterId), o.answer);
    if (!Merkle.verify(c.answersRoot, c.answers, o.index, leaf, o.proof)) revert WrongAnswer(id, o.index);
  }

  function _addsUp(ClaimId id, Claim memory c, AnswerDigest[] calldata answers) private pure returns (bool) {
    if (answers.length != c.answers) revert WrongAnswer(id, answers.length);
    bytes32[] memory leaves = new bytes32[](answers.length);
    (uint256 tokensIn, uint256 tokensOut, uint256 allocated) = (0, 0, 0);
    for (uint256 k = 0; k < answers.length; k++) {
      AnswerDigest calldata answer = answers[k];
      leaves[k] = Answers.leafOf(AdapterId.wrap(c.adapterId), answer);
      tokensIn += answer.tokensIn;
      tokensOut += answer.tokensOut;
      allocated += answer.allocated;
    }
    if (MerkleRoot.root(leaves) != c.answersRoot) revert WrongAnswer(id, answers.length);
    return tokensIn == c.tokensIn && tokensOut == c.tokensOut && allocated == c.contributorsPart;
  }
}
