// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";
import { Ownable2Step } from "@openzeppelin/contracts/access/Ownable2Step.sol";
import { ISettlement } from "./interfaces/ISettlement.sol";
import { FeeMath } from "./libraries/FeeMath.sol";
import { Fee, PayoutRule, Split } from "./types/Fees.sol";

/// @title GovernedTerms
/// @notice The numbers that governance sets, within bounds that it cannot change: fixed fee, split of fees, payout rule.
/// Every change makes a new version, so that each claim keeps the terms under which it was paid.
abstract contract GovernedTerms is Ownable2Step, ISettlement {
  /// @notice Governed numbers as they were in force together; every change makes a new version. Split and payout rule
  /// in parts, so that all stand in one word.
  struct Terms {
    uint128 platformFee;
    uint16 platform;
    uint16 owner;
    uint16 stakers;
    uint16 contributors;
    uint16 nullMultiple;
    uint16 reserve;
    uint16 clusterCap;
    uint16 retrievalPart;
  }

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

  mapping(uint256 version => Terms) private _terms;

  // Last of this contract: the heir's number of claims stands in the same word as both.

  /// @notice Receives the platform's part.
  address public platform;
  /// @notice Version of the governed numbers in force; versions count from 1.
  uint16 public payoutRuleVersion;

  constructor(address governance, address platform_, uint128 platformFee_) Ownable(governance) {
    _setPlatform(platform_);
    Split memory split_ = Split({ platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 });
    PayoutRule memory rule = PayoutRule({ nullMultiple: 2000, reserve: 1000, clusterCap: 9000, retrievalPart: 2000 });
    _setTerms(platformFee_, split_, rule);
    emit PlatformFeeChanged(platformFee_);
    emit SplitChanged(split_);
    emit PayoutRuleChanged(1, rule);
  }

  // ---- Reading ----

  /// @notice Fixed fee on every answer, in wei.
  function platformFee() external view returns (uint128) {
    return _terms[payoutRuleVersion].platformFee;
  }

  function split() external view returns (Split memory) {
    return _splitOf(payoutRuleVersion);
  }

  /// @notice The payout rule in force.
  function payoutRule() external view returns (PayoutRule memory) {
    return _ruleOf(payoutRuleVersion);
  }

  /// @notice The rule that was in force as this version: claims name theirs.
  function payoutRuleOf(uint16 version) external view returns (PayoutRule memory rule) {
    (, rule) = termsOf(version);
  }

  /// @inheritdoc ISettlement
  function termsOf(uint16 version) public view returns (Split memory split_, PayoutRule memory rule) {
    if (version == 0 || version > payoutRuleVersion) revert UnknownRule(version);
    return (_splitOf(version), _ruleOf(version));
  }

  // ---- Governance ----

  function setSplit(Split calldata split_) external onlyOwner {
    _setTerms(_terms[payoutRuleVersion].platformFee, split_, _ruleOf(payoutRuleVersion));
    emit SplitChanged(split_);
  }

  function setPayoutRule(PayoutRule calldata rule) external onlyOwner {
    _setTerms(_terms[payoutRuleVersion].platformFee, _splitOf(payoutRuleVersion), rule);
    emit PayoutRuleChanged(payoutRuleVersion, rule);
  }

  function setPlatformFee(uint128 platformFee_) external onlyOwner {
    _setTerms(platformFee_, _splitOf(payoutRuleVersion), _ruleOf(payoutRuleVersion));
    emit PlatformFeeChanged(platformFee_);
  }

  function setPlatform(address platform_) external onlyOwner {
    _setPlatform(platform_);
  }

  // ---- Inside ----

  /// @dev What `used` wei of tokens and so many answers cost under the terms of a version, and who gets what.
  function _divide(uint256 used, uint256 answers, uint16 version) internal view returns (Fee memory) {
    return FeeMath.divide(used, _terms[version].platformFee * answers, _splitOf(version));
  }

  function _splitOf(uint16 version) private view returns (Split memory) {
    Terms storage t = _terms[version];
    return Split(t.platform, t.owner, t.stakers, t.contributors);
  }

  function _ruleOf(uint16 version) private view returns (PayoutRule memory) {
    Terms storage t = _terms[version];
    return PayoutRule(t.nullMultiple, t.reserve, t.clusterCap, t.retrievalPart);
  }

  /// @dev The next version of the governed numbers, if they are within their bounds.
  function _setTerms(uint128 platformFee_, Split memory split_, PayoutRule memory rule) private {
    FeeMath.requireWhole(split_);
    _requireWithin("platform part", split_.platform, 0, MOST_PLATFORM_PART);
    _requireWithin("contributors part", split_.contributors, LEAST_CONTRIBUTORS_PART, FeeMath.BASIS_POINTS);
    _requireWithin("multiple of the noise", rule.nullMultiple, LEAST_NULL_MULTIPLE, MOST_NULL_MULTIPLE);
    _requireWithin("reserve", rule.reserve, 0, MOST_RESERVE);
    _requireWithin("cap of a cluster", rule.clusterCap, LEAST_CLUSTER_CAP, FeeMath.BASIS_POINTS);
    _requireWithin("retrieval part", rule.retrievalPart, 0, MOST_RETRIEVAL_PART);
    _requireWithin("platform fee", platformFee_, 0, MOST_PLATFORM_FEE);
    _terms[++payoutRuleVersion] = Terms({
      platformFee: platformFee_,
      platform: split_.platform,
      owner: split_.owner,
      stakers: split_.stakers,
      contributors: split_.contributors,
      nullMultiple: rule.nullMultiple,
      reserve: rule.reserve,
      clusterCap: rule.clusterCap,
      retrievalPart: rule.retrievalPart
    });
  }

  function _requireWithin(string memory what, uint256 value, uint256 least, uint256 most) private pure {
    if (value < least || value > most) revert OutOfBounds(what, value, least, most);
  }

  function _setPlatform(address platform_) private {
    if (platform_ == address(0)) revert ZeroAddress("platform");
    platform = platform_;
    emit PlatformChanged(platform_);
  }
}
