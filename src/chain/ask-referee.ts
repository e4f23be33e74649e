import type { ClaimedAnswer } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { refereeAbi } from './generated/abis.ts';
import type { AnswerEvidence } from './proof-call.ts';
import { translated } from './translate-error.ts';

/**
 * Whether the referee finds what disproves an answer, asked beforehand for nothing. True of payouts and tokens, which it does not judge.
 * `programHash`: what the adapter is registered with. Errors: the referee's, `chain/unreachable`.
 */
export async function asksAboutAnswer({ publicClient, contracts }: ChainConnection, programHash: Hex, { inputsHash, traceRoot }: Pick<ClaimedAnswer, 'inputsHash' | 'traceRoot'>, evidence: AnswerEvidence): Promise<boolean> {
  if (evidence.kind !== 'step') return true;
  const args = [programHash, inputsHash, traceRoot, evidence.step] as const;
  return translated('Asking the referee', () => publicClient.readContract({ address: contracts.referee, abi: refereeAbi, functionName: 'isFalse', args }));
}
