import { type ContractFunctionArgs, decodeFunctionData, encodeFunctionData, zeroHash } from 'viem';
import { type Hex, fromHex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { ledgerRefereeAbi, refereeAbi, runsAbi } from './generated/abis.ts';
import { commitmentOf, proofSalt } from './proof-call.ts';
import { receiptEvent } from './receipt-event.ts';
import type { SeenRun } from './run-facts.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

type ProveArgs = ContractFunctionArgs<typeof runsAbi, 'nonpayable', 'proveUnit'>;
/** One unit under both roots of a statement: UnitOpening in contracts/src/types/Runs.sol, openUnit in attribution/runs/statement.ts. */
export type UnitOpening = ProveArgs[1];
/** What its program reads and makes: UnitShape in contracts/src/interfaces/IUnitReferee.sol. */
export interface UnitShape {
  outputs: number;
  sources: readonly number[];
}
/** One element of its trace, and everything that it follows from: UnitTracer.evidence in attribution/trace/unit-tracer.ts. */
export type UnitStep = ProveArgs[3];

type OutcomeArgument = ContractFunctionArgs<typeof runsAbi, 'nonpayable', 'proveOutcome'>[2];
/** A constant of the registered program that is not what the run made: outcomeEvidence in attribution/runs/outcome-evidence.ts. */
export type Outcome = Omit<OutcomeArgument, 'shape'> & { shape: UnitShape };

export const shapeArgument = ({ outputs, sources }: UnitShape) => ({ outputs: BigInt(outputs), sources: sources.map(BigInt) });

/** The call that shows a statement to be false; its hash is committed first. */
export interface RunProof {
  adapterId: bigint;
  data: Hex;
}

/** An element of the unit's trace is another than the one that its instruction gives. */
export function unitProof(adapterId: bigint, opening: UnitOpening, shape: UnitShape, step: UnitStep, salt = proofSalt()): RunProof {
  return { adapterId, data: encodeFunctionData({ abi: runsAbi, functionName: 'proveUnit', args: [adapterId, opening, shapeArgument(shape), step, salt] }) };
}

/** The run begins from another state than its plan says. */
export function givenProof(adapterId: bigint, opening: UnitOpening, salt = proofSalt()): RunProof {
  return { adapterId, data: encodeFunctionData({ abi: runsAbi, functionName: 'proveGiven', args: [adapterId, opening, salt] }) };
}

/** The last unit made something else than the program that the adapter is registered with has among its constants. */
export function outcomeProof(adapterId: bigint, opening: UnitOpening, outcome: Outcome, salt = proofSalt()): RunProof {
  return { adapterId, data: encodeFunctionData({ abi: runsAbi, functionName: 'proveOutcome', args: [adapterId, opening, { ...outcome, shape: shapeArgument(outcome.shape) }, salt] }) };
}

/** What refutes a statement: evidenceOf in attribution/runs/run-evidence.ts. */
export type RunEvidence =
  | { kind: 'given'; opening: UnitOpening }
  | { kind: 'unit'; opening: UnitOpening; shape: UnitShape; step: UnitStep }
  | { kind: 'outcome'; opening: UnitOpening; outcome: Outcome };

/** Whatever it is that refutes it. */
export function runProof(adapterId: bigint, evidence: RunEvidence): RunProof {
  switch (evidence.kind) {
    case 'given': return givenProof(adapterId, evidence.opening);
    case 'unit': return unitProof(adapterId, evidence.opening, evidence.shape, evidence.step);
    case 'outcome': return outcomeProof(adapterId, evidence.opening, evidence.outcome);
  }
}

/** Operations from here on are judged by the ledger's referee: LEDGER_OPS in contracts/src/Runs.sol. */
const LEDGER_OPS = 0x80;

/** Whether the referee finds the element false, asked beforehand for nothing. Errors: the referee's, `chain/unreachable`. */
export async function asksReferee(connection: ChainConnection, opening: UnitOpening, shape: UnitShape, innerRoot: Hex, step: UnitStep): Promise<boolean> {
  const isLedger = fromHex(step.instruction)[0]! >= LEDGER_OPS;
  const args = [opening, shapeArgument(shape), innerRoot, step] as const;
  return translated('Asking the referee', async () => {
    const address = isLedger ? await ledgerRefereeOf(connection) : connection.contracts.referee;
    return connection.publicClient.readContract({ address, abi: refereeAbi, functionName: 'isFalseUnit', args });
  });
}

/** The same of an outcome. `programHash`: what the adapter is registered with. */
export async function asksAboutOutcome(connection: ChainConnection, opening: UnitOpening, programHash: Hex, outcome: Outcome): Promise<boolean> {
  // No source is read, and so none is opened.
  const unit = { ...opening, sourceRoots: opening.sources.map((): Hex => zeroHash) };
  const args = [unit, programHash, { ...outcome, shape: shapeArgument(outcome.shape) }] as const;
  return translated('Asking the referee', async () =>
    connection.publicClient.readContract({ address: await ledgerRefereeOf(connection), abi: ledgerRefereeAbi, functionName: 'isOtherOutcome', args }));
}

/**
 * Whether a statement would be refuted, asked beforehand for nothing. True of a given state: of that there is no computing to judge. `traces`:
 * roots that its maker showed, by unit; `programHash`: what the adapter is registered with. Errors: the referee's, `chain/unreachable`.
 */
export async function asksAboutRun(connection: ChainConnection, { traces }: Pick<SeenRun, 'traces'>, programHash: Hex, evidence: RunEvidence): Promise<boolean> {
  if (evidence.kind === 'given') return true;
  const { opening } = evidence;
  if (evidence.kind === 'outcome') return asksAboutOutcome(connection, opening, programHash, evidence.outcome);
  const trace = traces.get(opening.index);
  // A step is proved under roots that were shown; without them the contract takes none.
  return trace !== undefined && asksReferee(connection, opening, evidence.shape, trace, evidence.step);
}

const ledgerRefereeOf = ({ publicClient, contracts }: ChainConnection): Promise<Hex> => publicClient.readContract({ address: contracts.runs, abi: runsAbi, functionName: 'ledgerReferee' });

/** Block of a commitment, and the last moment for its proof, Unix seconds. */
export type CommitState = { committedIn: bigint; proveBy: number };

/** Commits the caller to a proof without showing it. Errors: `contract/too-late-to-begin`, `contract/not-open` and those of sendTransaction. */
export async function commitRunProof(connection: ChainConnection, wallet: Wallet, proof: RunProof, options: SendOptions = {}): Promise<{ transaction: Hex; blockNumber: bigint; gasUsed: bigint }> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'commit', args: [proof.adapterId, commitmentOf(wallet.address, { claimId: proof.adapterId, data: proof.data })] } as const;
  const { transactionHash, blockNumber, gasUsed } = await sendTransaction(connection, wallet, 'Committing to the proof', call, options);
  return { transaction: transactionHash, blockNumber, gasUsed };
}

/**
 * Makes the call that was committed to, and so refutes the statement. `reward`, wei, is credited in Runs.
 * Errors: `contract/claim-holds`, `contract/not-committed`, `contract/same-block`, `contract/proof-too-late`, `contract/not-open`, the
 * referee's, and those of sendTransaction.
 */
export async function sendRunProof(connection: ChainConnection, wallet: Wallet, proof: RunProof, options: SendOptions = {}): Promise<{ transaction: Hex; reward: bigint; gasUsed: bigint }> {
  const address = connection.contracts.runs;
  // The same bytes as were committed to: decoded and encoded again they are what they were.
  const { functionName, args } = decodeFunctionData({ abi: runsAbi, data: proof.data });
  const call = { address, abi: runsAbi, functionName, args } as Parameters<typeof sendTransaction<typeof runsAbi, 'proveGiven'>>[3];
  const receipt = await sendTransaction(connection, wallet, 'Proving that the run is false', call, options);
  const { reward } = receiptEvent(receipt, address, runsAbi, 'RunRefuted');
  return { transaction: receipt.transactionHash, reward, gasUsed: receipt.gasUsed };
}

/** When the wallet committed to a proof, and until when it can be sent; 0: it did not. Errors: `chain/unreachable`. */
export async function readRunCommitment(connection: ChainConnection, wallet: Wallet, proof: RunProof): Promise<CommitState> {
  const made = await translated('Reading the commitment', () =>
    connection.publicClient.readContract({
      address: connection.contracts.runs, abi: runsAbi, functionName: 'commitmentOf', args: [wallet.address, commitmentOf(wallet.address, { claimId: proof.adapterId, data: proof.data })],
    }));
  return { committedIn: made.committedIn, proveBy: made.proveBy };
}
