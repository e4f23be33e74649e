import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import { ConversationStore, type KeptTurn } from './conversations.ts';
import { keep, keptKeys, readKept } from './local-database.ts';

const person = `0x${'a'.repeat(40)}` as const;

function turn(id: string, question: string, askedAt: number): KeptTurn {
  const record = (k: number) => ({ text: `record ${k}`, questions: [], contributor: person, contribution: '1' });
  return {
    id,
    question,
    askedAt,
    adapter: { ref: { id: '1', cid: 'bafyadapter', datanet: { id: '1', version: 1, cid: 'bafyversion' } }, name: 'Historian', datanetName: 'Exploits' },
    text: '60 million',
    answer: { promptTokens: [1, 2], answerTokens: [3, 4, 0], text: '60 million', pieces: ['60', ' million', ''], seconds: 0.1, stopped: false },
    attribution: { loss: 0.5, seconds: 0.2, records: [0, 1, 2].map((index) => ({ index, record: record(index), influence: 3 - index, noise: index / 8, ...(index === 2 && { copyOf: 0 }) })) },
    receipt: undefined,
    payment: undefined,
    claimId: '7',
  };
}

describe('conversations', () => {
  it('come back as they were, with records and influence', async () => {
    await new ConversationStore('one').save('c1', 5, [turn('t1', 'How much?', 1)]);
    const [back] = (await new ConversationStore('one').load('c1'))!;
    expect(back!.question).toBe('How much?');
    expect([back!.answer?.pieces, back!.claimId]).toEqual([['60', ' million', ''], '7']);
    expect(back!.attribution!.records.map(({ index, influence, noise, copyOf, record }) => [index, influence, noise, copyOf, record.text])).toEqual([
      [0, 3, 0, undefined, 'record 0'],
      [1, 2, 0.125, undefined, 'record 1'],
      [2, 1, 0.25, 0, 'record 2'],
    ]);
  });

  it('keep quotes and an audit, which took long', async () => {
    const audit = { influence: [0.5, -0.25, 0], loss: 0.5, agreement: 0.9, seconds: 60 };
    const quotes = [{ begin: 0, end: 2, records: [{ record: 1, text: 0, from: 3, copies: 1 }], count: 1, weight: 20 }];
    await new ConversationStore('audited').save('c', 5, [{ ...turn('t1', 'How much?', 1), audit, quotes }]);
    const [back] = (await new ConversationStore('audited').load('c'))!;
    expect([back!.audit, back!.quotes]).toEqual([audit, quotes]);
  });

  it('of an earlier version, without noise and payout rule, come back as answers that were never attributed', async () => {
    await new ConversationStore('old').save('c', 5, [{ ...turn('t1', 'How much?', 1), receipt: { cid: 'bafy', hash: '0x00', pricing: { rateIn: '1', rateOut: '1', platformFee: '0', split: { platform: 0, owner: 0, stakers: 0, contributors: 10_000 }, payout: DEFAULT_PAYOUT_RULE } } }]);
    const [key] = await keptKeys('conversation:old:');
    const stored = (await readKept(key!)) as { turns: { influence: { noise?: unknown }; receipt: { pricing: { payout?: unknown } } }[] };
    delete stored.turns[0]!.influence.noise;
    delete stored.turns[0]!.receipt.pricing.payout;
    await keep(key!, stored);
    const [back] = (await new ConversationStore('old').load('c'))!;
    expect([back!.attribution, back!.receipt, back!.claimId, back!.text]).toEqual([undefined, undefined, undefined, '60 million']);
  });

  it('of one deployment are not those of another', async () => {
    await new ConversationStore('x').save('c', 1, [turn('t', 'x?', 1)]);
    expect(await new ConversationStore('y').list()).toEqual([]);
  });

  it('keep what another tab added', async () => {
    await new ConversationStore('tabs').save('c', 1, [turn('t1', 'first', 1)]);
    await new ConversationStore('tabs').save('c', 1, [turn('t2', 'second', 2)]);
    expect((await new ConversationStore('tabs').load('c'))!.map(({ question }) => question)).toEqual(['first', 'second']);
  });

  it('keep an unfinished answer as far as it came', async () => {
    await new ConversationStore('cut').save('c', 1, [{ ...turn('t', 'long?', 1), text: 'half an', answer: undefined, attribution: undefined }]);
    const [back] = (await new ConversationStore('cut').load('c'))!;
    expect([back!.text, back!.answer, back!.attribution]).toEqual(['half an', undefined, undefined]);
  });

  it('are bounded: the oldest go', async () => {
    const store = new ConversationStore('many');
    for (let k = 0; k < 33; k++) await store.save(`c${k}`, k, [turn(`t${k}`, `q${k}`, k)]);
    const heads = await store.list();
    expect(heads.length).toBe(30);
    expect(heads[0]!.title).toBe('q32');
    expect(await store.load('c0')).toBeUndefined();
  });
});
