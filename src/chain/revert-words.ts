import { formatEther } from 'viem';

/** What a contract's refusal means, for a person. */
export interface RevertWords {
  what: string;
  why?: string;
  next?: string;
}

type Args = readonly unknown[];
type Speak = (args: Args) => RevertWords;

const open = (value: unknown) => `${formatEther(BigInt(value as bigint))} OPEN`;
const when = (value: unknown) => new Date(Number(value) * 1000).toISOString().replace('T', ' ').slice(0, 19) + ' UTC';
const claimStates = ['unknown', 'open', 'final', 'refuted'];
const contributionStates = ['unknown', 'waiting for review', 'accepted', 'rejected', 'taken back'];

/** One entry for each custom error of contracts/src; a test holds the list complete. */
export const REVERT_WORDS: Record<string, Speak> = {
  // PullPayments, Treasury
  NothingToWithdraw: () => ({
    what: 'There is nothing to withdraw.',
    why: 'The balance here is zero, or it was fetched before.',
  }),
  TransferRefused: ([account, amount]) => ({
    what: 'The transfer was refused.',
    why: `${account} did not take ${open(amount)}.`,
    next: 'Use an account that can receive OPEN.',
  }),
  NotEnough: ([asked, balance]) => ({
    what: 'The treasury holds less than that.',
    why: `${open(asked)} was asked for, ${open(balance)} is there.`,
  }),
  // Text
  TextLength: ([field, length, longest]) => ({
    what: `The ${field} cannot be stored.`,
    why: `It is ${length} bytes long; 1 to ${longest} are allowed.`,
    next: Number(length) === 0 ? `Write a ${field}.` : `Shorten the ${field}.`,
  }),
  // Datanets
  UnknownDatanet: ([id]) => ({ what: `There is no Datanet ${id}.`, next: 'Choose a Datanet from the list.' }),
  UnknownVersion: ([id, version]) => ({
    what: `Datanet ${id} has no version ${version}.`,
    next: 'Choose a published version.',
  }),
  NotCurator: ([datanet, caller]) => ({
    what: `Only the curator of Datanet ${datanet} can do this.`,
    why: `${caller} is not its owner.`,
    next: 'Switch to the curator’s account.',
  }),
  EmptyVersion: () => ({ what: 'An empty version cannot be published.', next: 'Accept at least one record first.' }),
  // Contributions
  UnknownContribution: ([id]) => ({ what: `There is no contribution ${id}.` }),
  NotContributor: ([id, caller]) => ({
    what: `Only the contributor can take contribution ${id} back.`,
    why: `${caller} did not submit it.`,
    next: 'Switch to the account that submitted it.',
  }),
  AlreadyDecided: ([id, state]) => ({
    what: `Contribution ${id} is decided already.`,
    why: `It is ${contributionStates[Number(state)] ?? 'in an unknown state'}.`,
    next: 'Reload the list.',
  }),
  StakeTooLow: ([sent, asked]) => ({
    what: 'The stake is too low.',
    why: `${open(sent)} was offered; this Datanet asks ${open(asked)}.`,
    next: 'Raise the stake.',
  }),
  StakeTooHigh: ([sent, most]) => ({
    what: 'The stake is too high.',
    why: `${open(sent)} is above the bound of ${open(most)}.`,
    next: 'Lower the stake.',
  }),
  RecordCount: ([count, most]) => ({
    what: 'The batch has the wrong size.',
    why: `It has ${count} records; 1 to ${most} are allowed.`,
    next: 'Split the batch.',
  }),
  MissingRoot: () => ({ what: 'A fingerprint of the data is missing.', why: 'One of the Merkle roots is zero.' }),
  WrongSelection: ([accepted, count]) => ({
    what: 'The selection of records does not fit the batch.',
    why: `${accepted} of ${count} records were chosen, and their fingerprint must match.`,
    next: 'Reload the contribution and choose again.',
  }),
  SlashTooHigh: ([slash, most]) => ({
    what: 'The penalty is too high.',
    why: `${Number(slash) / 100} % was chosen; at most ${Number(most) / 100} % is allowed.`,
  }),
  StillInReview: ([id, from]) => ({
    what: `Contribution ${id} is still in review.`,
    why: `It can be taken back from ${when(from)} on.`,
  }),
  // Adapters
  UnknownAdapter: ([id]) => ({ what: `There is no adapter ${id}.`, next: 'Choose an adapter from the list.' }),
  NotAdapterOwner: ([id, caller]) => ({
    what: `Only the owner of adapter ${id} can do this.`,
    why: `${caller} does not own it.`,
    next: 'Switch to the owner’s account.',
  }),
  RateTooHigh: ([rate, most]) => ({
    what: 'The price is too high.',
    why: `${open(rate)} per 1,000 tokens is above the bound of ${open(most)}.`,
  }),
  // Settlement
  UnknownClaim: ([id]) => ({ what: `There is no claim ${id}.` }),
  WrongPayment: ([sent, fee, bond]) => ({
    what: 'The payment does not match the price.',
    why: `${open(sent)} was sent; the fee is ${open(fee)} and the bond ${open(bond)}.`,
    next: 'Look at the new price and pay again.',
  }),
  FeeChanged: ([expected, actual]) => ({
    what: 'The price or the split changed since this receipt was made.',
    why: `Contributors’ part was ${open(expected)} and is ${open(actual)} now.`,
    next: 'Make the receipt again.',
  }),
  AllocatedTooMuch: ([allocated, part]) => ({
    what: 'The payouts add up to more than the contributors’ part.',
    why: `${open(allocated)} are promised; the part is ${open(part)}.`,
    next: 'Make the receipt again.',
  }),
  RuleChanged: ([expected, actual]) => ({
    what: 'The payout rule changed since this receipt was made.',
    why: `It follows version ${expected}; version ${actual} is in force now.`,
    next: 'Make the receipt again.',
  }),
  UnknownRule: ([version]) => ({ what: `There is no payout rule of version ${version}.` }),
  ReceiptAlreadyPaid: ([, claim]) => ({
    what: 'This answer is paid already.',
    why: `Claim ${claim} paid this receipt.`,
  }),
  BadRequest: ([field]) => ({
    what: 'The payment is incomplete.',
    why: `The field ${field} is missing or does not fit.`,
  }),
  WrongState: ([id, state]) => ({
    what: `Claim ${id} cannot do this now.`,
    why: `It is ${claimStates[Number(state)] ?? 'in an unknown state'}.`,
    next: Number(state) === 1 ? 'Wait until its window is over and make it final first.' : 'Reload the list.',
  }),
  WindowOpen: ([id, deadline]) => ({
    what: `Claim ${id} cannot be made final yet.`,
    why: `It can be challenged until ${when(deadline)}.`,
    next: 'Wait until then.',
  }),
  ClaimHeld: ([id, until]) => ({
    what: `Claim ${id} cannot be made final yet.`,
    why: BigInt(until as bigint) > 10n ** 12n ? 'Somebody has demanded data of it, and waits for the answer.' : `Somebody has begun to disprove it, and has time until ${when(until)}.`,
    next: 'Wait until then.',
  }),
  NotDisputes: ([caller]) => ({ what: 'Only the disputes contract refutes claims.', why: `${caller} is another account.` }),
  PayoutAlreadyWithdrawn: ([id]) => ({
    what: 'This payout was fetched before.',
    why: `It belongs to claim ${id}.`,
    next: 'Reload the list.',
  }),
  WrongProof: ([id]) => ({
    what: 'The contract did not recognise this payout.',
    why: `The proof does not lead to what claim ${id} committed to, or the payout belongs to another account.`,
    next: 'Switch to the account that earned it, or load the receipt again.',
  }),
  PayoutsExceedPart: ([id, wanted, left]) => ({
    what: `Claim ${id} promises more than it holds.`,
    why: `${open(wanted)} was asked for, ${open(left)} is left: the claim was false.`,
  }),
  ItemCount: ([count, most]) => ({
    what: 'Wrong number of payouts in one call.',
    why: `${count} were given; 1 to ${most} are allowed.`,
  }),
  OutOfBounds: ([what, value, least, most]) => ({
    what: `The ${what} is out of bounds.`,
    why: `${value} is not within ${least} and ${most}.`,
  }),
  ZeroAddress: ([what]) => ({ what: `The address of the ${what} is missing.` }),
  SplitNotWhole: ([sum]) => ({
    what: 'The split does not add up.',
    why: `Its parts sum to ${Number(sum) / 100} %, not 100 %.`,
  }),
  // Disputes
  NotOpen: ([id]) => ({ what: `Claim ${id} can no longer be disproved.`, why: 'It is final, or another was first.', next: 'Reload the list.' }),
  NotRefuted: ([id]) => ({ what: `Claim ${id} was not refuted.`, why: 'Bonds of demands come back with the answer, or when the claim falls.' }),
  TooLateToBegin: ([id, until]) => ({ what: `Claim ${id} can no longer be challenged.`, why: `That could begin until ${when(until)}.` }),
  NotCommitted: () => ({
    what: 'This proof was not committed to.',
    why: 'The contract knows no commitment of this account to exactly this proof.',
    next: 'Commit to it first, and keep the proof as it is.',
  }),
  SameBlock: ([block]) => ({ what: 'It comes too early.', why: `Its commitment stands in block ${block}.`, next: 'Send it again in the next block.' }),
  ProofTooLate: ([until]) => ({ what: 'The proof comes too late.', why: `It had to come until ${when(until)}.`, next: 'Commit to it again while the claim is open.' }),
  WrongAnswer: ([id, index]) => ({ what: `Claim ${id} has no such answer.`, why: `What was given is not its answer ${index}.` }),
  ClaimHolds: ([id]) => ({ what: `Claim ${id} is right in this.`, why: 'The contract computed the same as the claim says.' }),
  OtherAssertion: () => ({ what: 'This is not what was asserted.', why: 'The assertion is about other leaves, or another place of the claim.' }),
  AssertionHolds: () => ({ what: 'The assertion stands.', why: 'Nothing of this shows that what was asserted is false.' }),
  WrongDemandBond: ([sent, asked]) => ({ what: 'The bond does not fit.', why: `${open(sent)} was sent; it must be ${open(asked)}.` }),
  AlreadyDemanded: ([id]) => ({ what: 'This was demanded already.', why: `Claim ${id} has a demand for exactly this part.` }),
  NoOpenDemand: ([id]) => ({ what: 'There is no such demand.', why: `Nobody waits for this part of claim ${id}.` }),
  ReplyTooLate: ([due]) => ({ what: 'The answer comes too late.', why: `It was due at ${when(due)}.` }),
  ReplyNotDue: ([due]) => ({ what: 'The claimant still has time.', why: `The answer is due at ${when(due)}.`, next: 'Wait until then.' }),
  NotTheLeaf: () => ({ what: 'This is not what was demanded.', why: 'It does not lead to the root that the claim committed to.' }),
  NotTheNodes: () => ({ what: 'This is not what was demanded.', why: 'The hashes do not lead to the root that the claim committed to.' }),
  WrongPlace: () => ({ what: 'Nobody can be asked for this.', why: 'Leaves are those below a node of level 0 to 6; nodes are shown 1 to 11 levels below one, and not below the leaves; a cut has at most 2,048 of them.' }),
  PlaceExists: () => ({ what: 'What was demanded exists.', why: 'The program and the matrix have this place.', next: 'Show it.' }),
  TimesDoNotFit: ([prove, reply, window]) => ({
    what: 'The times of the disputes do not fit the window.',
    why: `${prove} and ${reply} seconds are given; proofs have at most a quarter of ${window}, replies at most half, both at least 1.`,
  }),
  // Runs
  AdapterRefuted: ([id]) => ({ what: `Answers of adapter ${id} cannot be paid for.`, why: 'What was vouched for about how it was made is false.', next: 'Choose another adapter.' }),
  NotTheOwner: ([id]) => ({ what: `Only the owner of adapter ${id} can vouch for its run.`, next: 'Use the account that owns it.' }),
  AlreadyVouched: ([id]) => ({ what: `The run of adapter ${id} was vouched for already.`, why: 'There is one statement about each run.' }),
  WrongPart: ([, posted]) => ({ what: 'This part of the list does not begin where the list ends.', why: `${posted} roots are posted.`, next: 'Vouch again: it goes on with what is posted.' }),
  WrongList: () => ({ what: 'The list that was posted is not the one that is vouched for.', why: 'A part of it was posted anew, or undone with its block.', next: 'Vouch again: it begins again where the list is another.' }),
  BadStatement: ([field]) => ({ what: 'The statement about the run is incomplete.', why: `Its ${field} is missing or out of bounds.` }),
  BondTooSmall: ([sent, least]) => ({ what: 'The bond is too small.', why: `${open(sent)} was sent; at least ${open(least)} is needed.` }),
  WrongStatement: ([id]) => ({ what: `The statement about adapter ${id} is not open.`, why: 'It stands, was refuted, or was never made.' }),
  StatementHeld: ([id, until]) => ({
    what: `The statement about adapter ${id} can still be challenged.`,
    why: Number(until) < 1e12 ? `Until ${when(until)}.` : 'A demand waits for its answer.',
    next: 'Wait until then.',
  }),
  WrongUnit: ([id, unit]) => ({ what: `This is not unit ${unit} of the run of adapter ${id}.`, why: 'It does not lead to the roots that were vouched for.' }),
  WrongSource: ([, unit, source]) => ({ what: `Source ${source} of unit ${unit} is wrong.`, why: 'It is no earlier unit, or does not lead to the roots that were vouched for.' }),
  TraceNotShown: ([, unit]) => ({ what: `The trace of unit ${unit} was not shown.`, why: 'Its root must be known before a part of it can be proved false.', next: 'Demand the trace first.' }),
  NotTheMaker: ([id]) => ({ what: 'Only who vouched can say this.', why: `It is about the run of adapter ${id}.` }),
  WrongMatrix: ([index]) => ({ what: 'This is not a row of scores or noise.', why: `Matrix ${index} of the trace was given; the last two are needed, one row with a column for every trained record.` }),
  WrongPiece: ([index, leaf]) => ({ what: 'A part of the scores is wrong.', why: `Leaf ${leaf} of matrix ${index} is not in the trace.` }),
  WrongRow: ([table, row]) => ({ what: 'There is no such row of the payouts’ workings.', why: `Row ${row} of their table ${table} was given.` }),
  MissingRow: ([table, row]) => ({ what: 'A row of the payouts’ workings is missing.', why: `Row ${row} of their table ${table} is needed.` }),
  WrongLeaf: ([table, leaf]) => ({ what: 'A part of the payouts’ workings is wrong.', why: `Leaf ${leaf} of their table ${table} does not lead to the answer’s workings.` }),
  WrongColumn: ([column]) => ({ what: 'This column of the scores shows nothing about the row.', why: `Column ${column} was given.` }),
  WrongRecord: ([index]) => ({ what: 'A record is not the Datanet version’s, or not the one that was read.', why: `Record ${index} was given.` }),
  WrongGroup: ([group]) => ({ what: 'This is another contributor’s row.', why: `Row ${group} of the people in the payouts’ workings was given.` }),
  WrongPayout: ([index]) => ({ what: 'This is not one of the answer’s payouts.', why: `Payout ${index} does not lead to their root.` }),
  // The referee
  RefereeWrongHeader: () => ({ what: 'This is not the adapter’s program.', why: 'Its hash is another than the one that was registered.' }),
  RefereeWrongInputs: () => ({ what: 'These are not the tokens of the claim.', why: 'Their hash is another than the claim’s, or they are no whole tokens.' }),
  RefereeWrongInstruction: ([index]) => ({ what: 'This is not an instruction of the program.', why: `Instruction ${index} of the program is another.` }),
  RefereeOutside: ([row, column]) => ({ what: 'There is no such element.', why: `Row ${row}, column ${column} lies outside the matrix.` }),
  RefereeWrongOpening: ([input, leaf]) => ({ what: 'A part of the proof is wrong.', why: `Leaf ${leaf} of input ${input} does not lead to its root.` }),
  ElementMissing: ([input, row, column]) => ({ what: 'A part of the proof is missing.', why: `Row ${row}, column ${column} of input ${input} is not opened.` }),
  ElementNoToken: ([place]) => ({ what: 'The claim has no such token.', why: `Place ${place} lies beyond its tokens.` }),
  ElementNoScalar: ([place]) => ({ what: 'The unit has no such number.', why: `Number ${place} lies beyond those that it is fed.` }),
  InstructionMalformed: ([place]) => ({ what: 'The instruction cannot be read.', why: `Byte ${place} of it is wrong, or a size is out of bounds.` }),
  InstructionLacks: ([place]) => ({ what: 'The instruction is incomplete.', why: `It has no parameter or input ${place}.` }),
  StepUnknown: ([op]) => ({ what: 'The program has an operation that nobody knows.', why: `No operation has the number ${op}.` }),
  RF32NoInverse: ([divisor]) => ({ what: 'This number has no inverse in RF32.', why: `${divisor} was given; 1 to 2^24 − 1 have one.` }),
  RF32NotWhole: () => ({ what: 'A value is no whole number.', why: 'The operation takes whole numbers of at most 2^31.' }),
  RF32BlockTooLong: ([terms]) => ({ what: 'A block of a sum is too long.', why: `It has ${terms} terms; at most 256 are allowed.` }),
  RF32RowLengths: ([a, b]) => ({ what: 'Two rows of one sum differ in length.', why: `They have ${a} and ${b} bytes.` }),
  RF32NoSuchValue: ([number, values]) => ({ what: 'A row has no such value.', why: `Value ${number} of ${values} was asked for.` }),
  RefereeWrongUnit: () => ({ what: 'This is not the unit of the run.', why: 'Its program, or the number of units that it reads, is another.' }),
  RefereeTooManyOpenings: ([count]) => ({ what: 'The proof is too long.', why: `It opens ${count} parts.` }),
  // The payout rule
  PayoutNotFinite: ([bits]) => ({
    what: 'The scores cannot be divided by the payout rule.',
    why: `A value is infinite, not a number, or noise below zero: its bits are ${bits}.`,
  }),
  // OpenZeppelin, as far as people can meet them here
  OwnableUnauthorizedAccount: ([account]) => ({
    what: 'Only governance can do this.',
    why: `${account} is not the owner.`,
  }),
  OwnableInvalidOwner: ([owner]) => ({
    what: 'This account cannot own the contract.',
    why: `${owner} is not allowed.`,
  }),
  ReentrancyGuardReentrantCall: () => ({
    what: 'The contract was called from within itself.',
    why: 'That is not allowed.',
  }),
  AddressEmptyCode: ([target]) => ({ what: 'A part of the contracts is not there.', why: `There is no contract at ${target}.`, next: 'Check the deployment that this page reads.' }),
  FailedCall: () => ({ what: 'The proof could not be judged.', why: 'The contract that judges it ran out of gas, or could not read it.' }),
  ERC721NonexistentToken: ([id]) => ({ what: `There is no token ${id}.` }),
  ERC721IncorrectOwner: ([, id, owner]) => ({
    what: `Token ${id} belongs to another account.`,
    why: `Its owner is ${owner}.`,
  }),
  ERC721InsufficientApproval: ([operator, id]) => ({
    what: `Token ${id} cannot be moved by this account.`,
    why: `${operator} is not approved.`,
  }),
  ERC721InvalidApprover: ([approver]) => ({
    what: 'This account cannot approve the transfer.',
    why: `${approver} is not the owner.`,
  }),
  ERC721InvalidOperator: ([operator]) => ({ what: 'This account cannot be an operator.', why: String(operator) }),
  ERC721InvalidOwner: ([owner]) => ({ what: 'This account cannot own the token.', why: String(owner) }),
  ERC721InvalidReceiver: ([receiver]) => ({ what: 'This account cannot receive the token.', why: String(receiver) }),
  ERC721InvalidSender: ([sender]) => ({ what: 'This account cannot send the token.', why: String(sender) }),
};

/** `ReceiptAlreadyPaid` → `contract/receipt-already-paid`. */
export function revertCode(errorName: string): string {
  const kebab = errorName.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2');
  return `contract/${kebab.toLowerCase()}`;
}
