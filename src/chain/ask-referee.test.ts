import { expect, test } from 'vitest';
import type { Hex } from '../protocol/bytes.ts';
import { asksAboutAnswer } from './ask-referee.ts';
import type { ChainConnection } from './client.ts';
import type { AnswerEvidence } from './proof-call.ts';
import { type RunEvidence, asksAboutRun } from './prove-run.ts';

const word = (k: number): Hex => `0x${k.toString(16).padStart(64, '0')}`;
const [REFEREE, RUNS, LEDGER_REFEREE] = [word(1), word(2), word(3)];

/** A chain whose referees say `verdict`, and what they were asked. */
function chain(verdict: boolean) {
  const asked: { address: Hex; functionName: string; args: unknown[] }[] = [];
  const readContract = ({ address, functionName, args }: { address: Hex; functionName: string; args: unknown[] }) => {
    if (functionName === 'ledgerReferee') return Promise.resolve(LEDGER_REFEREE);
    asked.push({ address, functionName, args });
    return Promise.resolve(verdict);
  };
  return { asked, connection: { contracts: { referee: REFEREE, runs: RUNS }, publicClient: { readContract } } as unknown as ChainConnection };
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

test('a step of an answer is put to the referee, its payouts and tokens are not', async () => {
  const answer = { inputsHash: word(4), traceRoot: word(5) };
  for (const verdict of [true, false]) {
    const { asked, connection } = chain(verdict);
    expect(await asksAboutAnswer(connection, word(9), answer, { kind: 'step', step: {} } as unknown as AnswerEvidence)).toBe(verdict);
    expect(asked).toEqual([{ address: REFEREE, functionName: 'isFalse', args: [word(9), word(4), word(5), {}] }]);
  }
  const { asked, connection } = chain(false);
  expect(await asksAboutAnswer(connection, word(9), answer, { kind: 'inputs', inputs: '0x' })).toBe(true);
  expect(asked).toEqual([]);
});
