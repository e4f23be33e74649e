// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Fee, PayoutRule, Split } from "../types/Fees.sol";
import { AdapterId, ClaimId } from "../types/Ids.sol";

/// @notice Open: paid, may be challenged until the deadline. Challenged: frozen, pays nothing until the referee
/// settles it. Final: everyone can fetch their part. Refuted: the claim was false.
enum ClaimState {
  None,
  Open,
  Challenged,
  Final,
  Refuted
}

/// @notice One paid answer.
struct Claim {
  /// Who paid and put up the bond.
  address claimant;
  /// Last moment of the challenge window, Unix time in seconds.
  uint40 deadline;
  ClaimState state;
  /// Contributors paid; 0 where no record helped.
  uint32 payoutCount;
  /// The payout rule by which the payouts were made.
  uint16 ruleVersion;
  /// Owner of the adapter when the answer was paid.
  address adapterOwner;
  uint96 adapterId;
  address challenger;
  uint32 tokensIn;
  uint32 tokensOut;
  /// All amounts in wei. The platform's part is total - ownerPart - stakersPart - contributorsPart.
  uint128 total;
  uint128 bond;
  uint128 ownerPart;
  uint128 stakersPart;
  /// What the payouts give to contributors.
  uint128 contributorsPart;
  /// What contributors have fetched of contributorsPart so far.
  uint128 paidOut;
  bytes32 receiptHash;
  bytes32 payoutRoot;
}

/// @notice What a payer asks for. The value sent must be the fee plus the bond.
struct PayRequest {
  AdapterId adapterId;
  uint32 tokensIn;
  uint32 tokensOut;
  /// canonicalHash of the receipt.
  bytes32 receiptHash;
  /// Where the receipt lies.
  string receiptCid;
  /// payoutRoot() in src/protocol/fee.ts: who gets what of the contributors' part.
  bytes32 payoutRoot;
  uint32 payoutCount;
  /// The contributors' part in wei that the payouts divide: a split changed meanwhile is noticed.
  uint256 contributorsPart;
  /// Sum of the payouts in wei, at most contributorsPart; the rest joins the stakers' part. 0 where nobody is paid.
  uint256 allocated;
  /// payoutRuleVersion() when the payouts were made: a rule changed meanwhile is noticed.
  uint16 ruleVersion;
}

/// @notice One payout to fetch: leaf `index` of the claim's payouts is (index, caller, amount).
struct WithdrawItem {
  ClaimId claimId;
  uint256 index;
  /// Wei.
  uint256 amount;
  bytes32[] proof;
}

/// @notice Where this contract's money is, in wei. deposited = fees + bonds + claimable + withdrawn.
struct Accounting {
  uint256 balance;
  uint256 fees;
  uint256 bonds;
  uint256 claimable;
  uint256 deposited;
  uint256 withdrawn;
}

/// @title Paying for answers
interface ISettlement {
  event AnswerPaid(
    ClaimId indexed claimId,
    AdapterId indexed adapterId,
    address indexed claimant,
    bytes32 receiptHash,
    string receiptCid,
    uint32 tokensIn,
    uint32 tokensOut,
    Fee fee,
    bytes32 payoutRoot,
    uint32 payoutCount,
    uint256 bond,
    uint256 deadline,
    address adapterOwner
  );
  event ClaimChallenged(ClaimId indexed claimId, address indexed challenger, uint256 bond);
  event ClaimFinalised(ClaimId indexed claimId, Fee fee, bool challenged);
  event ClaimRefuted(ClaimId indexed claimId, address indexed challenger, uint256 reward, uint256 toTreasury);
  event PayoutWithdrawn(ClaimId indexed claimId, address indexed contributor, uint256 index, uint256 amount);
  event SplitChanged(Split split);
  event PayoutRuleChanged(uint16 indexed version, PayoutRule rule);
  event PlatformFeeChanged(uint256 platformFee);
  event PlatformChanged(address indexed platform);
  event RefereeSet(address indexed referee);

  /// @notice There is no claim with this id.
  error UnknownClaim(ClaimId id);
  /// @notice The value sent must be fee + bond, in wei.
  error WrongPayment(uint256 sent, uint256 fee, uint256 bond);
  /// @notice The split or the prices changed since the receipt was made; the contributors' part is another now (wei).
  error FeeChanged(uint256 expected, uint256 actual);
  /// @notice The payouts add up to more than the contributors' part; wei.
  error AllocatedTooMuch(uint256 allocated, uint256 part);
  /// @notice The payout rule changed since the receipt was made; versions.
  error RuleChanged(uint256 expected, uint256 actual);
  /// @notice There is no payout rule of this version.
  error UnknownRule(uint256 version);
  /// @notice This receipt was paid before.
  error ReceiptAlreadyPaid(bytes32 receiptHash, ClaimId claimId);
  /// @notice No tokens, no receipt hash, or a payout root or sum that does not fit the payout count.
  error BadRequest(string field);
  /// @notice The claim is not in the state that this needs.
  error WrongState(ClaimId id, ClaimState state);
  /// @notice The challenge window is over since `deadline` (Unix time, seconds).
  error WindowOver(ClaimId id, uint256 deadline);
  /// @notice The challenge window lasts until `deadline` (Unix time, seconds).
  error WindowOpen(ClaimId id, uint256 deadline);
  /// @notice The bond sent must be exactly this, in wei.
  error WrongBond(uint256 sent, uint256 asked);
  /// @notice Only the referee contract may settle a challenge; address zero means that there is none yet.
  error NotReferee(address caller, address referee);
  /// @notice The referee is set once and never changed.
  error RefereeAlreadySet(address referee);
  /// @notice This payout was fetched before.
  error PayoutAlreadyWithdrawn(ClaimId id, uint256 index);
  /// @notice The proof does not lead to the claim's payout root.
  error WrongProof(ClaimId id, uint256 index);
  /// @notice The claim's payouts add up to more than the contributors' part; wei.
  error PayoutsExceedPart(ClaimId id, uint256 wanted, uint256 left);
  /// @notice None or too many items in one call.
  error ItemCount(uint256 count, uint256 most);
  /// @notice A governed number is outside its bounds.
  error OutOfBounds(string what, uint256 value, uint256 least, uint256 most);
  /// @notice An address that must be set is zero.
  error ZeroAddress(string what);
}
