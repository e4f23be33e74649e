// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { PullPayments } from "./PullPayments.sol";
import { IAdapterRegistry } from "./interfaces/IAdapterRegistry.sol";
import { Accounting, Claim, ClaimState, ISettlement, PayRequest, WithdrawItem } from "./interfaces/ISettlement.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Merkle } from "./libraries/Merkle.sol";
import { Text } from "./libraries/Text.sol";
import { Fee, PayoutRule, Split } from "./types/Fees.sol";
import { AdapterId, ClaimId } from "./types/Ids.sol";

/// @title Settlement
/// @notice Takes the fee for an answer together with a claim about who made the answer what it is, and pays it out
/// after a window in which anyone can challenge the claim. A challenged claim pays nothing until the referee contract
/// settles it; until that contract exists (`referee` is zero) it stays frozen. All amounts in wei of OPEN, all times
/// in seconds.
contract Settlement is PullPayments, Ownable2Step, ISettlement {
  using BitMaps for BitMaps.BitMap;

  /// @notice Most that the fixed platform fee can be set to: 1 OPEN, in wei.
  uint256 public constant MOST_PLATFORM_FEE = 1 ether;
  /// @notice Governance can take at most this for the platform, in basis points.
  uint16 public constant MOST_PLATFORM_PART = 3000;
  /// @notice Governance leaves contributors at least this, in basis points.
  uint16 public constant LEAST_CONTRIBUTORS_PART = 3000;
  /// @notice Bounds of the payout rule, see docs/payout.md: below 1 standard deviation noise would be paid; above 10,
  /// or with a cap below a tenth, hardly anything.
  uint16 public constant LEAST_NULL_MULTIPLE = 1000;
  uint16 public constant MOST_NULL_MULTIPLE = 10_000;
  uint16 public constant MOST_RESERVE = 10_000;
  uint16 public constant LEAST_CLUSTER_CAP = 1000;
  /// @notice Governance can give records that were read at most this of the contributors' part, in basis points.
  uint16 public constant MOST_RETRIEVAL_PART = 5000;
  /// @notice Most payouts fetched in one call.
  uint256 public constant MOST_ITEMS = 200;

  IAdapterRegistry public immutable adapters;
  /// @notice Receives the stakers' part until staking exists.
  address public immutable treasury;
  /// @notice How long a claim can be challenged, in seconds.
  uint40 public immutable window;
  /// @notice Bond of a claim, and of a challenge, in wei.
  uint128 public immutable bond;

  /// @notice Receives the platform's part.
  address public platform;
  /// @notice The one contract that settles challenges; zero until it is set, once.
  address public referee;
  /// @notice Fixed fee on every answer, in wei.
  uint128 public platformFee;
  Split private _split;
  /// @notice Version of the payout rule in force; versions count from 1.
  uint16 public payoutRuleVersion;
  mapping(uint256 version => PayoutRule) private _rules;

  /// @notice How many claims there are; ids run from 1 to this.
  uint256 public count;
  /// @notice Fees not yet credited or paid out, in wei.
  uint256 public heldFees;
  /// @notice Bonds of claims and challenges not yet settled, in wei.
  uint256 public heldBonds;
  /// @notice Which claim paid a receipt; 0 where none did.
  mapping(bytes32 receiptHash => ClaimId) public claimOfReceipt;
  mapping(ClaimId id => Claim) private _claims;
  mapping(ClaimId id => BitMaps.BitMap) private _withdrawn;

  constructor(
    address governance,
    address platform_,
    IAdapterRegistry adapters_,
    address treasury_,
    uint128 platformFee_,
    uint40 window_,
    uint128 bond_
  ) Ownable(governance) {
    if (treasury_ == address(0)) revert ZeroAddress("treasury");
    adapters = adapters_;
    treasury = treasury_;
    window = window_;
    bond = bond_;
    _setPlatform(platform_);
    _setPlatformFee(platformFee_);
    _setSplit(Split({ platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }));
    _setPayoutRule(PayoutRule({ nullMultiple: 2000, reserve: 1000, clusterCap: 9000, retrievalPart: 2000 }));
  }

  // ---- Asking and paying ----

  function split() external view returns (Split memory) {
    return _split;
  }

  /// @notice The payout rule in force.
  function payoutRule() external view returns (PayoutRule memory) {
    return _rules[payoutRuleVersion];
  }

  /// @notice The rule that was in force as this version: claims name theirs.
  function payoutRuleOf(uint16 version) external view returns (PayoutRule memory rule) {
    rule = _rules[version];
    if (rule.nullMultiple == 0) revert UnknownRule(version);
  }

  /// @notice What an answer costs and who gets what; the contributors' part is the most that payouts can give them.
  function quote(AdapterId adapterId, uint32 tokensIn, uint32 tokensOut) external view returns (Fee memory fee) {
    (fee,) = _quote(adapterId, tokensIn, tokensOut);
  }

  /// @notice Pays for an answer and claims its attribution; the value sent is fee + bond, exactly.
  function pay(PayRequest calldata request) external payable returns (ClaimId id) {
    Text.requireCid(request.receiptCid);
    if (request.receiptHash == 0) revert BadRequest("receiptHash");
    if (request.tokensOut == 0) revert BadRequest("tokensOut");
    if ((request.payoutCount == 0) != (request.payoutRoot == Merkle.emptyRoot()) || request.payoutRoot == 0) {
      revert BadRequest("payoutRoot");
    }
    if ((request.payoutCount == 0) != (request.allocated == 0)) revert BadRequest("allocated");
    if (request.ruleVersion != payoutRuleVersion) revert RuleChanged(request.ruleVersion, payoutRuleVersion);
    ClaimId before = claimOfReceipt[request.receiptHash];
    if (ClaimId.unwrap(before) != 0) revert ReceiptAlreadyPaid(request.receiptHash, before);

    (Fee memory fee, address adapterOwner) = _quote(request.adapterId, request.tokensIn, request.tokensOut);
    if (fee.contributors != request.contributorsPart) revert FeeChanged(request.contributorsPart, fee.contributors);
    if (request.allocated > fee.contributors) revert AllocatedTooMuch(request.allocated, fee.contributors);
    FeeMath.allocate(fee, request.allocated);
    if (msg.value != fee.total + bond) revert WrongPayment(msg.value, fee.total, bond);

    id = ClaimId.wrap(++count);
    claimOfReceipt[request.receiptHash] = id;
    heldFees += fee.total;
    heldBonds += bond;
    _deposited(msg.value);
    _store(id, request, fee, adapterOwner);
    _emitPaid(id, request, fee);
  }

  // ---- Claims ----

  /// @notice Freezes a claim within its window; the value sent is the challenger's bond.
  function challenge(ClaimId id) external payable {
    Claim storage c = _inState(id, ClaimState.Open);
    if (block.timestamp > c.deadline) revert WindowOver(id, c.deadline);
    if (msg.value != c.bond) revert WrongBond(msg.value, c.bond);
    c.state = ClaimState.Challenged;
    c.challenger = msg.sender;
    heldBonds += msg.value;
    _deposited(msg.value);
    emit ClaimChallenged(id, msg.sender, msg.value);
  }

  /// @notice The referee decides a challenged claim. If the claimant wins, the claim is final and the challenger's
  /// bond is the claimant's. If not, the challenger gets both bonds, and the contributors' part, which the false claim
  /// has made undividable, joins the stakers' part; platform and adapter owner are paid for the answer they gave.
  function settleChallenge(ClaimId id, bool claimantWins) external {
    if (referee == address(0) || msg.sender != referee) revert NotReferee(msg.sender, referee);
    Claim storage c = _inState(id, ClaimState.Challenged);
    uint256 bonds = 2 * uint256(c.bond);
    heldBonds -= bonds;
    if (claimantWins) {
      c.state = ClaimState.Final;
      emit ClaimFinalised(id, _fee(c), true);
      _release(c, 0);
      _credit(c.claimant, bonds);
    } else {
      c.state = ClaimState.Refuted;
      emit ClaimRefuted(id, c.challenger, bonds, c.contributorsPart);
      _release(c, c.contributorsPart);
      _credit(c.challenger, bonds);
    }
  }

  /// @notice After the window, anyone makes an unchallenged claim final: all parts and the bond can be fetched.
  function finalize(ClaimId id) external {
    Claim storage c = _inState(id, ClaimState.Open);
    if (block.timestamp <= c.deadline) revert WindowOpen(id, c.deadline);
    c.state = ClaimState.Final;
    heldBonds -= c.bond;
    emit ClaimFinalised(id, _fee(c), false);
    _release(c, 0);
    _credit(c.claimant, c.bond);
  }

  /// @notice A contributor fetches payouts of final claims, in one transfer.
  /// @return sum wei sent
  function withdrawPayouts(WithdrawItem[] calldata items) external nonReentrant returns (uint256 sum) {
    if (items.length == 0 || items.length > MOST_ITEMS) revert ItemCount(items.length, MOST_ITEMS);
    for (uint256 k = 0; k < items.length; k++) {
      sum += _take(items[k]);
    }
    if (sum == 0) revert NothingToWithdraw(msg.sender);
    heldFees -= sum;
    _send(msg.sender, sum);
  }

  // ---- Reading ----

  function claim(ClaimId id) public view returns (Claim memory c) {
    c = _claims[id];
    if (c.state == ClaimState.None) revert UnknownClaim(id);
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

  function isPayoutWithdrawn(ClaimId id, uint256 index) external view returns (bool) {
    return _withdrawn[id].get(index);
  }

  /// @notice balance >= fees + bonds + claimable; deposited = fees + bonds + claimable + withdrawn.
  function accounting() external view returns (Accounting memory) {
    return Accounting(address(this).balance, heldFees, heldBonds, totalClaimable, totalDeposited, totalWithdrawn);
  }

  // ---- Governance ----

  function setSplit(Split calldata split_) external onlyOwner {
    _setSplit(split_);
  }

  function setPayoutRule(PayoutRule calldata rule) external onlyOwner {
    _setPayoutRule(rule);
  }

  function setPlatformFee(uint128 platformFee_) external onlyOwner {
    _setPlatformFee(platformFee_);
  }

  function setPlatform(address platform_) external onlyOwner {
    _setPlatform(platform_);
  }

  /// @notice Names the contract that settles challenges. Once, for ever.
  function setReferee(address referee_) external onlyOwner {
    if (referee_ == address(0)) revert ZeroAddress("referee");
    if (referee != address(0)) revert RefereeAlreadySet(referee);
    referee = referee_;
    emit RefereeSet(referee_);
  }

  // ---- Inside ----

  function _quote(AdapterId adapterId, uint32 tokensIn, uint32 tokensOut)
    private
    view
    returns (Fee memory fee, address adapterOwner)
  {
    uint128 rateIn;
    uint128 rateOut;
    (adapterOwner, rateIn, rateOut) = adapters.terms(adapterId);
    fee = FeeMath.divide(FeeMath.usage(tokensIn, tokensOut, rateIn, rateOut), platformFee, _split);
  }

  function _store(ClaimId id, PayRequest calldata request, Fee memory fee, address adapterOwner) private {
    Claim storage c = _claims[id];
    c.claimant = msg.sender;
    c.deadline = uint40(block.timestamp + window);
    c.state = ClaimState.Open;
    c.payoutCount = request.payoutCount;
    c.ruleVersion = request.ruleVersion;
    c.adapterOwner = adapterOwner;
    c.adapterId = uint96(AdapterId.unwrap(request.adapterId));
    c.tokensIn = request.tokensIn;
    c.tokensOut = request.tokensOut;
    // The registry bounds the rates, so that no amount reaches 2^128.
    c.total = uint128(fee.total);
    c.bond = bond;
    c.ownerPart = uint128(fee.owner);
    c.stakersPart = uint128(fee.stakers);
    c.contributorsPart = uint128(fee.contributors);
    c.receiptHash = request.receiptHash;
    c.payoutRoot = request.payoutRoot;
  }

  function _emitPaid(ClaimId id, PayRequest calldata request, Fee memory fee) private {
    Claim storage c = _claims[id];
    emit AnswerPaid(
      id,
      request.adapterId,
      msg.sender,
      request.receiptHash,
      request.receiptCid,
      request.tokensIn,
      request.tokensOut,
      fee,
      request.payoutRoot,
      request.payoutCount,
      bond,
      c.deadline,
      c.adapterOwner
    );
  }

  function _fee(Claim storage c) private view returns (Fee memory) {
    uint256 platformPart = uint256(c.total) - c.ownerPart - c.stakersPart - c.contributorsPart;
    return Fee(c.total, platformPart, c.ownerPart, c.stakersPart, c.contributorsPart);
  }

  /// @dev Credits everyone but the contributors, whose part stays held until they fetch it; `forfeited` is what of
  /// their part goes to the treasury instead.
  function _release(Claim storage c, uint256 forfeited) private {
    Fee memory fee = _fee(c);
    heldFees -= fee.platform + fee.owner + fee.stakers + forfeited;
    _credit(platform, fee.platform);
    _credit(c.adapterOwner, fee.owner);
    _credit(treasury, fee.stakers + forfeited);
  }

  function _take(WithdrawItem calldata item) private returns (uint256) {
    ClaimId id = item.claimId;
    Claim storage c = _inState(id, ClaimState.Final);
    bytes32 leafHash = Merkle.leaf(abi.encode(item.index, msg.sender, item.amount));
    if (!Merkle.verify(c.payoutRoot, c.payoutCount, item.index, leafHash, item.proof)) {
      revert WrongProof(id, item.index);
    }
    if (_withdrawn[id].get(item.index)) revert PayoutAlreadyWithdrawn(id, item.index);
    uint256 left = c.contributorsPart - c.paidOut;
    if (item.amount > left) revert PayoutsExceedPart(id, item.amount, left);
    _withdrawn[id].set(item.index);
    c.paidOut += uint128(item.amount);
    emit PayoutWithdrawn(id, msg.sender, item.index, item.amount);
    return item.amount;
  }

  function _inState(ClaimId id, ClaimState state) private view returns (Claim storage c) {
    c = _claims[id];
    if (c.state == ClaimState.None) revert UnknownClaim(id);
    if (c.state != state) revert WrongState(id, c.state);
  }

  function _setSplit(Split memory split_) private {
    FeeMath.requireWhole(split_);
    if (split_.platform > MOST_PLATFORM_PART) {
      revert OutOfBounds("platform part", split_.platform, 0, MOST_PLATFORM_PART);
    }
    if (split_.contributors < LEAST_CONTRIBUTORS_PART) {
      revert OutOfBounds("contributors part", split_.contributors, LEAST_CONTRIBUTORS_PART, FeeMath.BASIS_POINTS);
    }
    _split = split_;
    emit SplitChanged(split_);
  }

  function _setPayoutRule(PayoutRule memory rule) private {
    if (rule.nullMultiple < LEAST_NULL_MULTIPLE || rule.nullMultiple > MOST_NULL_MULTIPLE) {
      revert OutOfBounds("multiple of the noise", rule.nullMultiple, LEAST_NULL_MULTIPLE, MOST_NULL_MULTIPLE);
    }
    if (rule.reserve > MOST_RESERVE) revert OutOfBounds("reserve", rule.reserve, 0, MOST_RESERVE);
    if (rule.clusterCap < LEAST_CLUSTER_CAP || rule.clusterCap > FeeMath.BASIS_POINTS) {
      revert OutOfBounds("cap of a cluster", rule.clusterCap, LEAST_CLUSTER_CAP, FeeMath.BASIS_POINTS);
    }
    if (rule.retrievalPart > MOST_RETRIEVAL_PART) {
      revert OutOfBounds("retrieval part", rule.retrievalPart, 0, MOST_RETRIEVAL_PART);
    }
    _rules[++payoutRuleVersion] = rule;
    emit PayoutRuleChanged(payoutRuleVersion, rule);
  }

  function _setPlatformFee(uint128 platformFee_) private {
    if (platformFee_ > MOST_PLATFORM_FEE) revert OutOfBounds("platform fee", platformFee_, 0, MOST_PLATFORM_FEE);
    platformFee = platformFee_;
    emit PlatformFeeChanged(platformFee_);
  }

  function _setPlatform(address platform_) private {
    if (platform_ == address(0)) revert ZeroAddress("platform");
    platform = platform_;
    emit PlatformChanged(platform_);
  }
}
