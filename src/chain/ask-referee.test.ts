import { expect, test } from 'vitest';
import type { Hex } from '../protocol/bytes.ts';
import { asksAboutAnswer } from './ask-referee.ts';
import type { ChainConnection } from './client.ts';
import type { AnswerEvidence } from './proof-call.ts';
import { type RunEvidence, asksAboutRun } from './prove-run.ts';

const word = (k: number): Hex => `0x${k.toString(16).padStart(64, '0')}`;
const [REFEREE, RUNS, LEDGER_REFEREE, DISPUTES, JUDGE] = [word(1), word(2), word(3), word(4), word(5)];

/** A chain whose referees say `verdict`, and what they were asked. */
function chain(verdict: boolean) {
  const asked: { address: Hex; functionName: string; args: unknown[]; account?: Hex }[] = [];
  const readContract = (call: (typeof asked)[number]) => {
    const { address, functionName, args, account } = call;
    if (functionName === 'ledgerReferee') return Promise.resolve(LEDGER_REFEREE);
    if (functionName === 'judge') return Promise.resolve(JUDGE);
    asked.push({ address, functionName, args, ...(account && { account }) });
    return Promise.resolve(verdict);
  };
  return { asked, connection: { contracts: { referee: REFEREE, runs: RUNS, disputes: DISPUTES }, publicClient: { readContract } } as unknown as ChainConnection };
}

const opening = { index: 7, sources: [1, 2] };
const unit = (op: string) => ({ kind: 'unit', opening, shape: { outputs: 1, sources: [3] }, step: { instruction: op } }) as unknown as RunEvidence;
const outcome = { kind: 'outcome', opening, outcome: { shape: { outputs: 1, sources: [] } } } as unknown as RunEvidence;
const given = { kind: 'given', opening } as unknown as RunEvidence;
const shown = { traces: new Map([[7, word(70)]]) };

test('a step of a run is put to the referee of its operation, under the root that was shown', async () => {
  for (const [op, address] of [['0x05', REFEREE], ['0x7f', REFEREE], ['0x80', LEDGER_REFEREE], ['0x8f', LEDGER_REFEREE]] as const) {
    for (const verdict of [true, false]) {
      const { asked, connection } = chain(verdict);
      expect(await asksAboutRun(connection, shown, word(9), unit(op))).toBe(verdict);
      expect(asked).toMatchObject([{ address, functionName: 'isFalseUnit', args: [opening, { outputs: 1n, sources: [3n] }, word(70), { instruction: op }] }]);
    }
  }
  const { asked, connection } = chain(true);
  expect(await asksAboutRun(connection, { traces: new Map() }, word(9), unit('0x05'))).toBe(false);
  expect(asked).toEqual([]);
});

test('an outcome is put to the ledger’s referee with the registered program; of a given state there is nothing to compute', async () => {
  for (const verdict of [true, false]) {
    const { asked, connection } = chain(verdict);
    expect(await asksAboutRun(connection, shown, word(9), outcome)).toBe(verdict);
    expect(asked).toMatchObject([{ address: LEDGER_REFEREE, functionName: 'isOtherOutcome' }]);
    expect(asked[0]!.args[1]).toBe(word(9));
  }
  const { asked, connection } = chain(false);
  expect(await asksAboutRun(connection, shown, word(9), given)).toBe(true);
  expect(asked).toEqual([]);
});

test('a step of an answer is put to the referee, payouts to their judge as the claims’ contract would, tokens to nobody', async () => {
  const answer = { tokensIn: 1, tokensOut: 1, receiptHash: word(3), inputsHash: word(4), traceRoot: word(5), workingsRoot: word(6), payoutRoot: word(7), payoutCount: 1, allocated: 1n, read: [] };
  const opening = { index: 0n, answer, proof: [] };
  for (const verdict of [true, false]) {
    const { asked, connection } = chain(verdict);
    expect(await asksAboutAnswer(connection, word(9), 5n, opening, { kind: 'step', step: {} } as unknown as AnswerEvidence)).toBe(verdict);
    expect(asked).toEqual([{ address: REFEREE, functionName: 'isFalse', args: [word(9), word(4), word(5), {}] }]);
  }
  const matrix = { header: { instructionsRoot: word(1), instructionCount: 1n, constantsRoot: word(1), constantCount: 1n, window: 0n }, inputs: '0x', index: 0, instruction: '0x', instructionProof: [] } as const;
  const evidence: AnswerEvidence = { kind: 'payout', evidence: { table: 7, row: 0, group: 0, scores: matrix, noise: matrix, leaves: [], columns: [], read: [], payoutLeaf: word(0), payoutProof: [] } };
  for (const verdict of [true, false]) {
    const { asked, connection } = chain(verdict);
    expect(await asksAboutAnswer(connection, word(9), 5n, opening, evidence)).toBe(verdict);
    expect(asked).toMatchObject([{ account: DISPUTES, address: JUDGE, functionName: 'provePayout', args: [5n, opening, { table: 7 }, word(0)] }]);
  }
  const { asked, connection } = chain(false);
  expect(await asksAboutAnswer(connection, word(9), 5n, opening, { kind: 'inputs', inputs: '0x' })).toBe(true);
  expect(asked).toEqual([]);
});
