/** The referees on a chain of their own, for tests: asked by calls, which cost nothing and change nothing. */
import { BaseError, ContractFunctionRevertedError, createClient, encodeFunctionData, http } from 'viem';
import { estimateGas, readContract } from 'viem/actions';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import type { Step } from '../../src/attribution/trace/step.ts';
import type { UnitShape } from '../../src/attribution/trace/unit.ts';
import { errorsAbi, refereeAbi } from '../../src/chain/generated/abis.ts';
import { runtimes } from '../../src/chain/generated/bytecode.ts';
import type { Hex } from '../../src/protocol/bytes.ts';

const abi = [...refereeAbi, ...errorsAbi];
const STEPS = '0x000000000000000000000000000000000000beef';
const LEDGER = '0x00000000000000000000000000000000001ed9e2';
/** Operations from here on are the second referee's. */
const FIRST_OF_LEDGER = 0x80;

export interface Question {
  program: Hex;
  inputs: Hex;
  trace: Hex;
  step: Step;
}

/** About a unit of a run: arguments of isFalseUnit. */
export interface UnitQuestion {
  unit: { programHash: Hex; inputsHash: Hex; outputRoot: Hex; sourceRoots: Hex[] };
  shape: UnitShape;
  innerRoot: Hex;
  step: Step;
}

export interface ScratchReferee {
  /** true, false, or the name of the error. The step's operation decides who is asked, where it is not said. */
  isFalse(question: Question | UnitQuestion, who?: 'steps' | 'ledger'): Promise<boolean | string>;
  /** Of a transaction that asks. */
  gas(question: Question | UnitQuestion): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startReferee(): Promise<ScratchReferee> {
  const anvil = await startAnvil({ blockSeconds: 0 });
  await anvilRpc(anvil.url, 'anvil_setCode', [STEPS, runtimes.referee!.code]);
  await anvilRpc(anvil.url, 'anvil_setCode', [LEDGER, runtimes.ledgerReferee!.code]);
  const client = createClient({ transport: http(anvil.url) });
  const shapeOf = ({ shape }: UnitQuestion) => ({ outputs: BigInt(shape.outputs), sources: shape.sources.map(BigInt) });
  const judge = ({ step }: Question | UnitQuestion) => (parseInt(step.instruction.slice(2, 4), 16) < FIRST_OF_LEDGER ? STEPS : LEDGER);
  const ask = (question: Question | UnitQuestion, address: Hex) => ('program' in question
    ? readContract(client, { address, abi, functionName: 'isFalse', args: [question.program, question.inputs, question.trace, question.step] })
    : readContract(client, { address, abi, functionName: 'isFalseUnit', args: [question.unit, shapeOf(question), question.innerRoot, question.step] }));
  const data = (question: Question | UnitQuestion) => ('program' in question
    ? encodeFunctionData({ abi, functionName: 'isFalse', args: [question.program, question.inputs, question.trace, question.step] })
    : encodeFunctionData({ abi, functionName: 'isFalseUnit', args: [question.unit, shapeOf(question), question.innerRoot, question.step] }));
  return {
    async isFalse(question, who) {
      try {
        return await ask(question, who ? { steps: STEPS, ledger: LEDGER }[who] as Hex : judge(question));
      } catch (error) {
        const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : undefined;
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName ?? `revert ${reverted.signature ?? ''}`;
      }
    },
    gas: (question) => estimateGas(client, { to: judge(question), data: data(question) }),
    stop: () => anvil.stop(),
  };
}
