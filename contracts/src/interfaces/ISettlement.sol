// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { Answer, AnswerOpening } from "../types/Answers.sol";
import { Fee, PayoutRule, Split } from "../types/Fees.sol";
import { AdapterId, ClaimId, DatanetId } from "../types/Ids.sol";
import { IAdapterRegistry } from "./IAdapterRegistry.sol";

/// @notice Open: paid; can be disproved. Final: everyone can fetch their part. Refuted: the claim was false.
enum ClaimState {
  None,
  Open,
  Final,
  Refuted
}

/// @notice One claim, about 1 to 256 paid answers of one adapter.
struct Claim {
  /// Who paid and put up the bond.
  address claimant;
  /// Last moment of the challenge window, Unix time in seconds.
  uint40 deadline;
  ClaimState state;
  /// The governed numbers (split, platform fee, payout rule) by which it was paid.
  uint16 ruleVersion;
  /// Block of the payment: its event is found there.
  uint32 paidInBlock;
  /// Owner of the adapter when the answers were paid.
  address adapterOwner;
  uint96 adapterId;
  /// Who showed that it is false; zero where nobody did.
  address challenger;
  uint16 answers;
  /// Sums over the answers.
  uint32 tokensIn;
  uint32 tokensOut;
  /// The adapter's prices when it was paid, wei per 1,000 tokens.
  uint72 rateIn;
  uint72 rateOut;
  /// All amounts in wei. The platform's part is total - ownerPart - stakersPart - contributorsPart.
  uint128 total;
  uint128 bond;
  uint128 ownerPart;
  uint128 stakersPart;
  /// What the payouts give to contributors.
  uint128 contributorsPart;
  /// What contributors have fetched of contributorsPart so far.
  uint128 paidOut;
  /// Added to every payout from what false claims of this Datanet lost, in basis points.
  uint16 bonusBps;
  /// Merkle root over the answers' leaves, see libraries/Answers.sol.
  bytes32 answersRoot;
}

/// @notice What the payer of one answer asks for. The value sent must be the fee plus the bond.
struct PayRequest {
  AdapterId adapterId;
  Answer answer;
  /// Where the receipt lies.
  string receiptCid;
  /// The contributors' part in wei that the payouts divide: a split changed meanwhile is noticed.
  uint256 contributorsPart;
  /// payoutRuleVersion() when the payouts were made: a rule changed meanwhile is noticed.
  uint16 ruleVersion;
}

/// @notice The same for many answers of one adapter. One fee from the sums of tokens, rounded once.
struct BatchRequest {
  AdapterId adapterId;
  /// Over the answers' leaves, in order.
  bytes32 answersRoot;
  uint16 answers;
  uint32 tokensIn;
  uint32 tokensOut;
  /// Where the answers and their receipts lie.
  string cid;
  uint256 contributorsPart;
  /// Sum of the payouts of all answers, wei.
  uint128 allocated;
  uint16 ruleVersion;
}

/// @notice One payout to fetch: leaf `index` of the answer's payouts is (index, caller, amount).
struct WithdrawItem {
  ClaimId claimId;
  AnswerOpening opening;
  uint256 index;
  /// Wei.
  uint256 amount;
  bytes32[] proof;
}

/// @notice Where this contract's money is, in wei. deposited = fees + bonds + pools + claimable + withdrawn.
struct Accounting {
  uint256 balance;
  uint256 fees;
  uint256 bonds;
  uint256 pools;
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
    Answer answer,
    string receiptCid,
    Fee fee,
    uint256 bond,
    uint256 deadline,
    address adapterOwner
  );
  event BatchPaid(
    ClaimId indexed claimId,
    AdapterId indexed adapterId,
    address indexed claimant,
    bytes32 answersRoot,
    uint16 answers,
    uint32 tokensIn,
    uint32 tokensOut,
    string cid,
    Fee fee,
    uint256 bond,
    uint256 deadline,
    address adapterOwner
  );
  event ClaimFinalised(ClaimId indexed claimId, Fee fee, uint256 bonus);
  /// @notice `reward` went to the challenger, `toPool` to the pool of the Datanet; wei.
  event ClaimRefuted(ClaimId indexed claimId, address indexed challenger, uint256 reward, uint256 toPool);
  /// @notice `amount` of the claim and `bonus` of the Datanet's pool, wei.
  event PayoutWithdrawn(
    ClaimId indexed claimId, address indexed contributor, uint256 answer, uint256 index, uint256 amount, uint256 bonus
  );
  /// @notice Somebody gave `amount` wei to the Datanet's contributors.
  event PoolGrown(DatanetId indexed datanet, address indexed from, uint256 amount);
  event SplitChanged(Split split);
  event PayoutRuleChanged(uint16 indexed version, PayoutRule rule);
  event PlatformFeeChanged(uint256 platformFee);
  event PlatformChanged(address indexed platform);

  /// @notice There is no claim with this id.
  error UnknownClaim(ClaimId id);
  /// @notice The value sent must be fee + bond, in wei.
  error WrongPayment(uint256 sent, uint256 fee, uint256 bond);
  /// @notice The split or the prices changed since the receipt was made; the contributors' part is another now (wei).
  error FeeChanged(uint256 expected, uint256 actual);
  /// @notice The payouts add up to more than the contributors' part; wei.
  error AllocatedTooMuch(uint256 allocated, uint256 part);
  /// @notice What was vouched for about the adapter's run is false (Runs): its answers cannot be paid for.
  error AdapterRefuted(AdapterId id);
  /// @notice The payout rule changed since the receipt was made; versions.
  error RuleChanged(uint256 expected, uint256 actual);
  /// @notice There is no payout rule of this version.
  error UnknownRule(uint256 version);
  /// @notice This receipt was paid before.
  error ReceiptAlreadyPaid(bytes32 receiptHash, ClaimId claimId);
  /// @notice No tokens or more than can be checked, no receipt hash, or a payout root or sum that does not fit the payout
  /// count.
  error BadRequest(string field);
  /// @notice The claim is not in the state that this needs.
  error WrongState(ClaimId id, ClaimState state);
  /// @notice The challenge window lasts until `deadline` (Unix time, seconds).
  error WindowOpen(ClaimId id, uint256 deadline);
  /// @notice Somebody has begun a challenge: the claim is held until `until` (Unix time, seconds).
  error ClaimHeld(ClaimId id, uint256 until);
  /// @notice Only the disputes contract may refute a claim.
  error NotDisputes(address caller);
  /// @notice This payout was fetched before.
  error PayoutAlreadyWithdrawn(ClaimId id, uint256 index);
  /// @notice The proof does not lead to the claim's answers, or not to the answer's payout root.
  error WrongProof(ClaimId id, uint256 index);
  /// @notice The claim's payouts add up to more than the contributors' part; wei.
  error PayoutsExceedPart(ClaimId id, uint256 wanted, uint256 left);
  /// @notice None or too many items in one call.
  error ItemCount(uint256 count, uint256 most);
  /// @notice A governed number is outside its bounds.
  error OutOfBounds(string what, uint256 value, uint256 least, uint256 most);
  /// @notice An address that must be set is zero.
  error ZeroAddress(string what);

  function adapters() external view returns (IAdapterRegistry);
  /// @notice How long a claim can be challenged, in seconds.
  function window() external view returns (uint40);
  /// @notice Bond of a claim whose payouts are `allocated` wei: at least as much, and at least three times a whole dispute at the
  /// stressed gas price.
  function bondFor(uint256 allocated) external view returns (uint256);
  /// @notice The gas price that bonds are made for, wei.
  function stressedGasPrice() external view returns (uint128);
  /// @notice Reverts with UnknownClaim.
  function claim(ClaimId id) external view returns (Claim memory);
  /// @notice The split and the payout rule that were in force as this version.
  function termsOf(uint16 version) external view returns (Split memory split, PayoutRule memory rule);
  /// @notice The claim was shown to be false. Only the disputes contract.
  function refute(ClaimId id, address challenger) external;
  /// @notice The value sent joins the pool of the Datanet.
  function addToPool(DatanetId datanet) external payable;
  /// @notice Wei that a Datanet's contributors have still to get beside their payouts: what false claims and false statements
  /// about its adapters' runs lost.
  function poolOf(DatanetId datanet) external view returns (uint256);
}
