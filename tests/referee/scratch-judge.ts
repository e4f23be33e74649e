/** The judge of payouts on a chain of its own, for tests: asked by calls, which cost nothing and change nothing. */
import { BaseError, ContractFunctionRevertedError, createClient, encodeFunctionData, http } from 'viem';
import { estimateGas, readContract } from 'viem/actions';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import type { PayoutEvidence } from '../../src/attribution/trace/payout-evidence.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { PayoutRule } from '../../src/protocol/payout-rule.ts';
import { errorsAbi, payoutJudgeAbi } from '../../src/chain/generated/abis.ts';
import { runtimes } from '../../src/chain/generated/bytecode.ts';

const abi = [...payoutJudgeAbi, ...errorsAbi];
const JUDGE = '0x000000000000000000000000000000000000beef';
const REFEREE = '0x000000000000000000000000000000000000feed';

/** PayoutCase in contracts/src/interfaces/IPayoutJudge.sol. */
export interface JudgedPayouts {
  programHash: Hex;
  inputsHash: Hex;
  traceRoot: Hex;
  workingsRoot: Hex;
  payoutRoot: Hex;
  payoutCount: bigint;
  allocated: bigint;
  versionRoot: Hex;
  records: bigint;
  trainedRoot: Hex;
  amount: bigint;
  rule: PayoutRule;
  read: number[];
}

export interface ScratchJudge {
  /** true, false, or the name of the error. */
  isFalse(payouts: JudgedPayouts, evidence: PayoutEvidence): Promise<boolean | string>;
  /** Of a transaction that asks. */
  gas(payouts: JudgedPayouts, evidence: PayoutEvidence): Promise<bigint>;
  /** From now on every opening of a trace is right, and every matrix one row of so many columns. */
  believeAll(columns: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startJudge(): Promise<ScratchJudge> {
  const anvil = await startAnvil({ blockSeconds: 0 });
  const setCode = (address: Hex, code: string) => anvilRpc(anvil.url, 'anvil_setCode', [address, code]);
  const { code, filled } = runtimes.payoutJudge!;
  // The referee's address is all that its constructor fills in.
  let judge = code;
  for (const [start, length] of filled) judge = judge.slice(0, 2 + 2 * start!) + REFEREE.slice(2).padStart(2 * length!, '0') + judge.slice(2 + 2 * (start! + length!));
  await setCode(JUDGE, judge);
  await setCode(REFEREE, runtimes.referee!.code);
  const client = createClient({ transport: http(anvil.url) });
  return {
    async isFalse(payouts, evidence) {
      try {
        return await readContract(client, { address: JUDGE, abi, functionName: 'isFalse', args: [payouts, evidence] });
      } catch (error) {
        const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : undefined;
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName ?? `revert ${reverted.signature ?? ''}`;
      }
    },
    gas: (payouts, evidence) => estimateGas(client, { to: JUDGE, data: encodeFunctionData({ abi, functionName: 'isFalse', args: [payouts, evidence] }) }),
    believeAll: async (columns) => void (await setCode(REFEREE, agreeable(columns))),
    stop: () => anvil.stop(),
  };
}

/** Answers every call with 1, the columns, the leaves. */
function agreeable(columns: number): Hex {
  const store = (value: number, place: number) => `63${value.toString(16).padStart(8, '0')}60${place.toString(16).padStart(2, '0')}52`;
  return `0x${store(1, 0)}${store(columns, 32)}${store(Math.ceil(columns / 256), 64)}60606000f3`;
}
