import type { AnswerOpening } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi, payoutJudgeAbi, refereeAbi } from './generated/abis.ts';
import type { AnswerEvidence } from './proof-call.ts';
import { translated } from './translate-error.ts';

const NO_SALT: Hex = `0x${'0'.repeat(64)}`;

/**
 * Whether the referee, or of payouts their judge, finds what disproves an answer of a claim, asked beforehand for nothing. True of tokens,
 * which are only counted. `programHash`: what the adapter is registered with. Errors: the referee's or the judge's, `chain/unreachable`.
 */
export async function asksAboutAnswer({ publicClient, contracts }: ChainConnection, programHash: Hex, claimId: bigint, opening: AnswerOpening, evidence: AnswerEvidence): Promise<boolean> {
  if (evidence.kind === 'inputs') return true;
  const { inputsHash, traceRoot } = opening.answer;
  if (evidence.kind === 'step') {
    const args = [programHash, inputsHash, traceRoot, evidence.step] as const;
    return translated('Asking the referee', () => publicClient.readContract({ address: contracts.referee, abi: refereeAbi, functionName: 'isFalse', args }));
  }
  const args = [claimId, { ...opening, answer: { ...opening.answer, read: [...opening.answer.read] } }, evidence.evidence, NO_SALT] as const;
  return translated('Asking the judge of payouts', async () => {
    const address = await publicClient.readContract({ address: contracts.disputes, abi: disputesAbi, functionName: 'judge' });
    // The judge reads the claim from whoever calls it.
    return publicClient.readContract({ address, abi: payoutJudgeAbi, functionName: 'provePayout', args, account: contracts.disputes });
  });
}
