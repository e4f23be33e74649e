/** The referee on a chain of its own, for tests: asked by calls, which cost nothing and change nothing. */
import { BaseError, ContractFunctionRevertedError, createClient, encodeFunctionData, http } from 'viem';
import { estimateGas, readContract } from 'viem/actions';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import type { Step } from '../../src/attribution/trace/step.ts';
import { errorsAbi, refereeAbi } from '../../src/chain/generated/abis.ts';
import { runtimes } from '../../src/chain/generated/bytecode.ts';
import type { Hex } from '../../src/protocol/bytes.ts';

const TO = '0x000000000000000000000000000000000000beef';

export interface Question {
  program: Hex;
  inputs: Hex;
  trace: Hex;
  step: Step;
}

export interface ScratchReferee {
  /** true, false, or the name of the error. */
  isFalse(question: Question): Promise<boolean | string>;
  /** Of a transaction that asks. */
  gas(question: Question): Promise<bigint>;
  stop(): Promise<void>;
}

export async function startReferee(): Promise<ScratchReferee> {
  const anvil = await startAnvil({ blockSeconds: 0 });
  await anvilRpc(anvil.url, 'anvil_setCode', [TO, runtimes.referee!.code]);
  const client = createClient({ transport: http(anvil.url) });
  const args = ({ program, inputs, trace, step }: Question) => [program, inputs, trace, step] as const;
  return {
    async isFalse(question) {
      try {
        return await readContract(client, { address: TO, abi: [...refereeAbi, ...errorsAbi], functionName: 'isFalse', args: args(question) });
      } catch (error) {
        const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : undefined;
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName ?? `revert ${reverted.signature ?? ''}`;
      }
    },
    gas: (question) => estimateGas(client, { to: TO, data: encodeFunctionData({ abi: refereeAbi, functionName: 'isFalse', args: args(question) }) }),
    stop: () => anvil.stop(),
  };
}
