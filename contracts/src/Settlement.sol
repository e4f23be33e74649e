// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { GovernedTerms } from "./GovernedTerms.sol";
import { PullPayments } from "./PullPayments.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { IDisputes } from "./interfaces/IDisputes.sol";
import { IRuns } from "./interfaces/IRuns.sol";
import {
  Accounting,
  BatchRequest,
  Claim,
  ClaimState,
  ISettlement,
  PayRequest,
  WithdrawItem
} from "./interfaces/ISettlement.sol";
import { Answers } from "./libraries/Answers.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { Text } from "./libraries/Text.sol";
import { AnswerOpening } from "./types/Answers.sol";
import { Fee } from "./types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "./types/Ids.sol";

/// @title Settlement
/// @notice Takes the fee for answers together with a claim about who made them what they are, and pays it out after a
/// window in which anyone can show that the claim is false (Disputes). A false claim loses its bond: half to who showed
/// it, half to the Datanet's contributors. All amounts in wei of OPEN, all times in seconds.
contract Settlement is PullPayments, GovernedTerms {
  using BitMaps for BitMaps.BitMap;

  /// @dev Three words and the root, so that submitting a claim stays below 200,000 gas; all else of it follows from
  /// them. Rates are below 2^72 (AdapterRegistry.MOST_RATE) and tokens below 2^32, so that no fee reaches 2^104.
  struct Stored {
    address claimant;
    uint32 deadline;
    ClaimState state;
    uint16 ruleVersion;
    uint32 paidInBlock;
    /// Answers beside the first.
    uint8 more;
    address adapterOwner;
    uint32 adapterId;
    uint32 tokensIn;
    uint32 tokensOut;
    uint72 rateIn;
    uint72 rateOut;
    uint104 allocated;
    bytes32 answersRoot;
    // Not written before the claim is final.
    uint128 paidOut;
    uint16 bonusBps;
  }

  /// @notice Most payouts fetched in one call.
  uint256 public constant MOST_ITEMS = 200;
  /// @notice Most answers in one claim.
  uint16 public constant MOST_ANSWERS = 256;
  /// @notice Gas of a whole dispute at worst; a bond is at least three times its cost.
  uint128 public constant STRESSED_GAS = 5_000_000;
  /// @notice Most tokens of all answers of one claim, where they are several: they have to fit into one transaction
  /// (Disputes.showFile), and the dispute about one of them into five million gas.
  uint32 public constant MOST_BATCH_TOKENS = 8_192;
  /// @notice Most of the Datanet's pool that joins one claim's payouts, in basis points of them. With a tenth, nobody
  /// gains by paying for answers to their own records just to draw from the pool.
  uint16 public constant MOST_BONUS = 1000;

  IAdapterRegistry public immutable adapters;
  /// @notice The one contract that refutes claims. Never changed.
  IDisputes public immutable disputes;
  /// @notice Says whose run was shown to be false. Never changed.
  IRuns public immutable runs;
  /// @notice Receives the stakers' part until staking exists.
  address public immutable treasury;
  /// @inheritdoc ISettlement
  uint40 public immutable window;
  /// @inheritdoc ISettlement
  uint128 public immutable stressedGasPrice;

  /// @notice How many claims there are; ids run from 1 to this.
  uint64 public count;

  /// @notice Fees not yet credited or paid out, in wei.
  uint128 public heldFees;
  /// @notice Bonds of claims not yet settled, in wei.
  uint128 public heldBonds;
  /// @notice What of refuted claims waits for contributors, in wei: sum of all `poolOf`.
  uint256 public heldPools;
  /// @inheritdoc ISettlement
  mapping(DatanetId datanet => uint256) public poolOf;
  /// @notice Which claim paid a receipt by itself; 0 where none did.
  mapping(bytes32 receiptHash => ClaimId) public claimOfReceipt;
  mapping(ClaimId id => Stored) private _claims;
  mapping(ClaimId id => address) private _challengers;
  mapping(ClaimId id => BitMaps.BitMap) private _withdrawn;

  constructor(
    address governance,
    address platform_,
    IAdapterRegistry adapters_,
    IDisputes disputes_,
    IRuns runs_,
    address treasury_,
    uint128 platformFee_,
    uint40 window_,
    uint128 stressedGasPrice_
  ) GovernedTerms(governance, platform_, platformFee_) {
    if (treasury_ == address(0)) revert ZeroAddress("treasury");
    if (address(disputes_) == address(0)) revert ZeroAddress("disputes");
    if (address(runs_) == address(0)) revert ZeroAddress("runs");
    adapters = adapters_;
    disputes = disputes_;
    runs = runs_;
    treasury = treasury_;
    window = window_;
    stressedGasPrice = stressedGasPrice_;
  }

  // ---- Asking and paying ----

  /// @notice What an answer costs and who gets what; the contributors' part is the most that payouts can give them.
  function quote(AdapterId adapterId, uint32 tokensIn, uint32 tokensOut) external view returns (Fee memory) {
    return quoteBatch(adapterId, 1, tokensIn, tokensOut);
  }

  /// @notice The same for many answers, by the sums of their tokens.
  function quoteBatch(AdapterId adapterId, uint16 answers, uint32 tokensIn, uint32 tokensOut)
    public
    view
    returns (Fee memory)
  {
    (, uint128 rateIn, uint128 rateOut) = adapters.terms(adapterId);
    return _divide(FeeMath.usage(tokensIn, tokensOut, rateIn, rateOut), answers, payoutRuleVersion);
  }

  /// @notice Least bond of a claim, in wei: three times a dispute at the stressed gas price.
  function bond() public view returns (uint128) {
    return 3 * STRESSED_GAS * stressedGasPrice;
  }

  /// @inheritdoc ISettlement
  function bondFor(uint256 allocated) public view returns (uint256) {
    uint256 least = bond();
    return allocated > least ? allocated : least;
  }

  /// @notice Pays for an answer and claims its attribution; the value sent is fee + bond, exactly.
  function pay(PayRequest calldata request) external payable returns (ClaimId id) {
    Text.requireCid(request.receiptCid);
    string memory fault = Answers.fault(request.answer);
    if (bytes(fault).length != 0) revert BadRequest(fault);
    bytes32 receiptHash = request.answer.receiptHash;
    ClaimId before = claimOfReceipt[receiptHash];
    if (ClaimId.unwrap(before) != 0) revert ReceiptAlreadyPaid(receiptHash, before);

    Fee memory fee;
    (id, fee) = _open(
      BatchRequest({
        adapterId: request.adapterId,
        answersRoot: Merkle.root(1, Answers.leaf(request.adapterId, request.answer)),
        answers: 1,
        tokensIn: request.answer.tokensIn,
        tokensOut: request.answer.tokensOut,
        cid: "",
        contributorsPart: request.contributorsPart,
        allocated: request.answer.allocated,
        ruleVersion: request.ruleVersion
      })
    );
    claimOfReceipt[receiptHash] = id;
    _emitAnswerPaid(id, request, fee);
  }

  /// @notice Pays for many answers of one adapter with one claim. That the sums are those of the answers, and that each
  /// answer is whole, is part of the claim: Disputes.proveSums.
  function payBatch(BatchRequest calldata request) external payable returns (ClaimId id) {
    Text.requireCid(request.cid);
    if (request.answersRoot == 0) revert BadRequest("answersRoot");
    if (request.answers == 0 || request.answers > MOST_ANSWERS) revert BadRequest("answers");
    if (request.tokensOut == 0) revert BadRequest("tokensOut");
    uint256 tokens = uint256(request.tokensIn) + request.tokensOut;
    uint256 most = Answers.MOST_TOKENS * request.answers;
    if (tokens > most || tokens > MOST_BATCH_TOKENS) revert BadRequest("tokens");
    Fee memory fee;
    (id, fee) = _open(request);
    _emitBatchPaid(id, request, fee);
  }

  /// @notice Gives the value sent to the contributors of a Datanet, through its pool. Anyone may; what false statements
  /// about runs lost comes in here.
  function addToPool(DatanetId datanet) external payable {
    heldPools += msg.value;
    poolOf[datanet] += msg.value;
    _deposited(msg.value);
    emit PoolGrown(datanet, msg.sender, msg.value);
  }

  // ---- Claims ----

  /// @inheritdoc ISettlement
  /// @dev Platform and adapter owner are paid for the answers they gave. The contributors' part, which the false claim
  /// has made undividable, joins half of the bond in the Datanet's pool.
  function refute(ClaimId id, address challenger) external {
    if (msg.sender != address(disputes)) revert NotDisputes(msg.sender);
    Stored storage c = _inState(id, ClaimState.Open);
    c.state = ClaimState.Refuted;
    _challengers[id] = challenger;
    uint256 bonded = bondFor(c.allocated);
    uint256 reward = bonded / 2;
    uint256 toPool = bonded - reward + c.allocated;
    heldBonds -= uint128(bonded);
    heldFees -= c.allocated;
    heldPools += toPool;
    poolOf[_datanetOf(c)] += toPool;
    emit ClaimRefuted(id, challenger, reward, toPool);
    _release(c, _feeOf(c));
    _credit(challenger, reward);
  }

  /// @notice After the window, and when no challenge holds it, anyone makes a claim final: all parts and the bond can
  /// be fetched. Of the Datanet's pool, at most a tenth of the payouts joins them.
  function finalize(ClaimId id) external {
    Stored storage c = _inState(id, ClaimState.Open);
    if (block.timestamp <= c.deadline) revert WindowOpen(id, c.deadline);
    uint256 until = disputes.heldUntil(id.game());
    if (block.timestamp <= until) revert ClaimHeld(id, until);
    c.state = ClaimState.Final;
    uint256 bonded = bondFor(c.allocated);
    heldBonds -= uint128(bonded);
    Fee memory fee = _feeOf(c);
    emit ClaimFinalised(id, fee, _drawBonus(c));
    _release(c, fee);
    _credit(c.claimant, bonded);
  }

  /// @notice A contributor fetches payouts of final claims, in one transfer.
  /// @return sum wei sent
  function withdrawPayouts(WithdrawItem[] calldata items) external nonReentrant returns (uint256 sum) {
    if (items.length == 0 || items.length > MOST_ITEMS) revert ItemCount(items.length, MOST_ITEMS);
    for (uint256 k = 0; k < items.length; k++) {
      sum += _take(items[k]);
    }
    if (sum == 0) revert NothingToWithdraw(msg.sender);
    heldFees -= uint128(sum);
    _send(msg.sender, sum);
  }

  // ---- Reading ----

  /// @inheritdoc ISettlement
  function claim(ClaimId id) public view returns (Claim memory c) {
    Stored storage s = _claims[id];
    if (s.state == ClaimState.None) revert UnknownClaim(id);
    c.claimant = s.claimant;
    c.deadline = s.deadline;
    c.state = s.state;
    c.ruleVersion = s.ruleVersion;
    c.paidInBlock = s.paidInBlock;
    c.adapterOwner = s.adapterOwner;
    c.adapterId = s.adapterId;
    c.challenger = _challengers[id];
    c.answers = _answersOf(s);
    c.tokensIn = s.tokensIn;
    c.tokensOut = s.tokensOut;
    c.rateIn = s.rateIn;
    c.rateOut = s.rateOut;
    Fee memory fee = _feeOf(s);
    c.total = uint128(fee.total);
    c.bond = uint128(bondFor(s.allocated));
    c.ownerPart = uint128(fee.owner);
    c.stakersPart = uint128(fee.stakers);
    c.contributorsPart = s.allocated;
    c.paidOut = s.paidOut;
    c.bonusBps = s.bonusBps;
    c.answersRoot = s.answersRoot;
  }

  /// @notice Up to `limit` claims from id `first` on.
  function page(uint256 first, uint256 limit) external view returns (Claim[] memory out) {
    if (first == 0) first = 1;
    uint256 available = first > count ? 0 : count - first + 1;
    out = new Claim[](limit < available ? limit : available);
    for (uint256 k = 0; k < out.length; k++) {
      out[k] = claim(ClaimId.wrap(first + k));
    }
  }

  function isPayoutWithdrawn(ClaimId id, uint256 answer, uint256 index) external view returns (bool) {
    return _withdrawn[id].get(_bit(answer, index));
  }

  /// @notice balance >= fees + bonds + pools + claimable; deposited = fees + bonds + pools + claimable + withdrawn.
  function accounting() external view returns (Accounting memory) {
    return Accounting(
      address(this).balance, heldFees, heldBonds, heldPools, totalClaimable, totalDeposited, totalWithdrawn
    );
  }

  // ---- Inside ----

  function _open(BatchRequest memory request) private returns (ClaimId id, Fee memory fee) {
    (address adapterOwner, uint128 rateIn, uint128 rateOut) = adapters.terms(request.adapterId);
    if (runs.isRefuted(request.adapterId)) revert AdapterRefuted(request.adapterId);
    uint16 version = payoutRuleVersion;
    fee = _divide(FeeMath.usage(request.tokensIn, request.tokensOut, rateIn, rateOut), request.answers, version);
    if (fee.contributors != request.contributorsPart) revert FeeChanged(request.contributorsPart, fee.contributors);
    if (request.ruleVersion != version) revert RuleChanged(request.ruleVersion, version);
    if (request.allocated > fee.contributors) revert AllocatedTooMuch(request.allocated, fee.contributors);
    FeeMath.allocate(fee, request.allocated);
    uint256 bonded = bondFor(request.allocated);
    if (msg.value != fee.total + bonded) revert WrongPayment(msg.value, fee.total, bonded);

    id = ClaimId.wrap(++count);
    heldFees += uint128(fee.total);
    heldBonds += uint128(bonded);
    _deposited(msg.value);
    Stored storage c = _claims[id];
    (c.rateIn, c.rateOut, c.allocated) = (uint72(rateIn), uint72(rateOut), uint104(request.allocated));
    _store(c, request, adapterOwner, version);
  }

  function _store(Stored storage c, BatchRequest memory request, address adapterOwner, uint16 version) private {
    c.claimant = msg.sender;
    c.deadline = uint32(block.timestamp + window);
    c.state = ClaimState.Open;
    c.ruleVersion = version;
    c.paidInBlock = uint32(block.number);
    c.more = uint8(request.answers - 1);
    c.adapterOwner = adapterOwner;
    c.adapterId = uint32(AdapterId.unwrap(request.adapterId));
    c.tokensIn = request.tokensIn;
    c.tokensOut = request.tokensOut;
    c.answersRoot = request.answersRoot;
  }

  function _emitAnswerPaid(ClaimId id, PayRequest calldata request, Fee memory fee) private {
    Stored storage c = _claims[id];
    emit AnswerPaid(
      id,
      request.adapterId,
      msg.sender,
      request.answer,
      request.receiptCid,
      fee,
      bondFor(request.answer.allocated),
      c.deadline,
      c.adapterOwner
    );
  }

  function _emitBatchPaid(ClaimId id, BatchRequest calldata request, Fee memory fee) private {
    Stored storage c = _claims[id];
    emit BatchPaid(
      id,
      request.adapterId,
      msg.sender,
      request.answersRoot,
      request.answers,
      request.tokensIn,
      request.tokensOut,
      request.cid,
      fee,
      bondFor(request.allocated),
      c.deadline,
      c.adapterOwner
    );
  }

  /// @dev The fee as it was when the claim was paid.
  function _feeOf(Stored storage c) private view returns (Fee memory fee) {
    fee = _divide(FeeMath.usage(c.tokensIn, c.tokensOut, c.rateIn, c.rateOut), _answersOf(c), c.ruleVersion);
    FeeMath.allocate(fee, c.allocated);
  }

  function _answersOf(Stored storage c) private view returns (uint16) {
    return uint16(c.more) + 1;
  }

  function _datanetOf(Stored storage c) private view returns (DatanetId datanet) {
    (, datanet,) = adapters.origin(AdapterId.wrap(c.adapterId));
  }

  /// @dev Moves the bonus of a claim from its Datanet's pool to the fees that contributors fetch.
  function _drawBonus(Stored storage c) private returns (uint256 bonus) {
    DatanetId datanet = _datanetOf(c);
    uint256 pool = poolOf[datanet];
    if (pool == 0 || c.allocated == 0) return 0;
    uint256 bps = pool * FeeMath.BASIS_POINTS / c.allocated;
    if (bps > MOST_BONUS) bps = MOST_BONUS;
    c.bonusBps = uint16(bps);
    bonus = c.allocated * bps / FeeMath.BASIS_POINTS;
    poolOf[datanet] = pool - bonus;
    heldPools -= bonus;
    heldFees += uint128(bonus);
  }

  /// @dev Credits everyone but the contributors, whose part stays where it is.
  function _release(Stored storage c, Fee memory fee) private {
    heldFees -= uint128(fee.platform + fee.owner + fee.stakers);
    _credit(platform, fee.platform);
    _credit(c.adapterOwner, fee.owner);
    _credit(treasury, fee.stakers);
  }

  function _take(WithdrawItem calldata item) private returns (uint256) {
    ClaimId id = item.claimId;
    Stored storage c = _inState(id, ClaimState.Final);
    _requireProofs(c, item);
    uint256 bit = _bit(item.opening.index, item.index);
    if (_withdrawn[id].get(bit)) revert PayoutAlreadyWithdrawn(id, item.index);
    uint256 left = c.allocated - c.paidOut;
    if (item.amount > left) revert PayoutsExceedPart(id, item.amount, left);
    _withdrawn[id].set(bit);
    c.paidOut += uint128(item.amount);
    uint256 bonus = item.amount * c.bonusBps / FeeMath.BASIS_POINTS;
    emit PayoutWithdrawn(id, msg.sender, item.opening.index, item.index, item.amount, bonus);
    return item.amount + bonus;
  }

  function _requireProofs(Stored storage c, WithdrawItem calldata item) private view {
    AnswerOpening calldata o = item.opening;
    bytes32 answer = Answers.leaf(AdapterId.wrap(c.adapterId), o.answer);
    if (!Merkle.verify(c.answersRoot, _answersOf(c), o.index, answer, o.proof)) {
      revert WrongProof(item.claimId, item.index);
    }
    bytes32 payout = Merkle.leaf(abi.encode(item.index, msg.sender, item.amount));
    if (!Merkle.verify(o.answer.payoutRoot, o.answer.payoutCount, item.index, payout, item.proof)) {
      revert WrongProof(item.claimId, item.index);
    }
  }

  /// @dev Payout `index`, below 2^32, of answer `answer`.
  function _bit(uint256 answer, uint256 index) private pure returns (uint256) {
    return answer << 32 | index;
  }

  function _inState(ClaimId id, ClaimState state) private view returns (Stored storage c) {
    c = _claims[id];
    if (c.state == ClaimState.None) revert UnknownClaim(id);
    if (c.state != state) revert WrongState(id, c.state);
  }
}
