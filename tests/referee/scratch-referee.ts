/** The referee on a chain of its own, for tests: asked by calls, which cost nothing and change nothing. */
import { BaseError, ContractFunctionRevertedError, createClient, encodeFunctionData, http } from 'viem';
import { estimateGas, readContract } from 'viem/actions';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import type { Step } from '../../src/attribution/trace/step.ts';
import type { UnitShape } from '../../src/attribution/trace/unit.ts';
import { errorsAbi, refereeAbi } from '../../src/chain/generated/abis.ts';
import { runtimes } from '../../src/chain/generated/bytecode.ts';
import type { Hex } from '../../src/protocol/bytes.ts';

const abi = [...refereeAbi, ...errorsAbi];
const TO = '0x000000000000000000000000000000000000beef';

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
  /** true, false, or the name of the error. */
  isFalse(question: Question | UnitQuestion): Promise<boolean | string>;
  /** Of a transaction that asks. */
  gas(question: Question | UnitQuestion): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startReferee(): Promise<ScratchReferee> {
  const anvil = await startAnvil({ blockSeconds: 0 });
  await anvilRpc(anvil.url, 'anvil_setCode', [TO, runtimes.referee!.code]);
  const client = createClient({ transport: http(anvil.url) });
  const shapeOf = ({ shape }: UnitQuestion) => ({ outputs: BigInt(shape.outputs), sources: shape.sources.map(BigInt) });
  const ask = (question: Question | UnitQuestion) => ('program' in question
    ? readContract(client, { address: TO, abi, functionName: 'isFalse', args: [question.program, question.inputs, question.trace, question.step] })
    : readContract(client, { address: TO, abi, functionName: 'isFalseUnit', args: [question.unit, shapeOf(question), question.innerRoot, question.step] }));
  const data = (question: Question | UnitQuestion) => ('program' in question
    ? encodeFunctionData({ abi, functionName: 'isFalse', args: [question.program, question.inputs, question.trace, question.step] })
    : encodeFunctionData({ abi, functionName: 'isFalseUnit', args: [question.unit, shapeOf(question), question.innerRoot, question.step] }));
  return {
    async isFalse(question) {
      try {
        return await ask(question);
      } catch (error) {
        const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : undefined;
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName ?? `revert ${reverted.signature ?? ''}`;
      }
    },
    gas: (question) => estimateGas(client, { to: TO, data: data(question) }),
    stop: () => anvil.stop(),
  };
}
