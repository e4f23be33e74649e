/** The referee on a chain of its own, for tests: asked by calls, which cost nothing and change nothing. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';
import { type Abi, BaseError, ContractFunctionRevertedError, createClient, encodeFunctionData, http } from 'viem';
import { estimateGas, readContract } from 'viem/actions';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import type { Step } from '../../src/attribution/trace/step.ts';
import type { Hex } from '../../src/protocol/bytes.ts';

const TO = '0x000000000000000000000000000000000000beef';
const CONTRACTS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../contracts');

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

/** Compiled here, with the settings of foundry.toml, so that nothing has to be generated. */
function compile(): { abi: Abi; code: Hex } {
  const libraries = readdirSync(path.join(CONTRACTS, 'src/libraries'), { recursive: true, encoding: 'utf8' });
  const files = ['src/Referee.sol', 'src/interfaces/IReferee.sol', ...libraries.filter((name) => name.endsWith('.sol')).map((name) => `src/libraries/${name}`)]
    // What needs files from elsewhere.
    .filter((name) => !/import \{[^}]*\} from "(@|\.\.\/types)/.test(readFileSync(path.join(CONTRACTS, name), 'utf8')));
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(files.map((name) => [name, { content: readFileSync(path.join(CONTRACTS, name), 'utf8') }])),
    settings: { optimizer: { enabled: true, runs: 1000 }, evmVersion: 'cancun', outputSelection: { 'src/Referee.sol': { Referee: ['abi', 'evm.deployedBytecode.object'] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { abi: Abi; evm: { deployedBytecode: { object: string } } }>>;
  };
  const errors = output.errors?.filter(({ severity }) => severity === 'error') ?? [];
  if (errors.length) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  const referee = output.contracts['src/Referee.sol']!.Referee!;
  return { abi: referee.abi, code: `0x${referee.evm.deployedBytecode.object}` };
}

export async function startReferee(): Promise<ScratchReferee> {
  const { abi, code } = compile();
  const anvil = await startAnvil({ blockSeconds: 0 });
  await anvilRpc(anvil.url, 'anvil_setCode', [TO, code]);
  const client = createClient({ transport: http(anvil.url) });
  const args = ({ program, inputs, trace, step }: Question) => [program, inputs, trace, step];
  return {
    async isFalse(question) {
      try {
        return (await readContract(client, { address: TO, abi, functionName: 'isFalse', args: args(question) })) as boolean;
      } catch (error) {
        const reverted = error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : undefined;
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName ?? `revert ${reverted.signature ?? ''}`;
      }
    },
    gas: (question) => estimateGas(client, { to: TO, data: encodeFunctionData({ abi, functionName: 'isFalse', args: args(question) }) }),
    stop: () => anvil.stop(),
  };
}
