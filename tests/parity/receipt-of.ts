/** Trains, attributes and makes a receipt with a small model on one backend; prints what must be equal everywhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { Engine, type Files } from '../../src/attribution/engine.ts';
import { makeReceipt } from '../../src/attribution/make-receipt.ts';
import type { Backend } from '../../src/kernels/backend.ts';
import { parseConfig } from '../../src/model/config.ts';
import { writeSafetensors } from '../../src/model/safetensors.ts';
import { DEFAULT_RECIPE } from '../../src/model/recipe.ts';
import type { VersionRecord } from '../../src/protocol/record.ts';
import { DEFAULT_PAYOUT_RULE } from '../../src/protocol/payout-rule.ts';
import { NO_NONCE, receiptHash } from '../../src/protocol/receipt.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';

const base = fileURLToPath(new URL('../../public/base', import.meta.url));

export function smallBase(): Files {
  const config = configJson(64, 2, 160, 2048);
  const tensors = initialWeights(parseConfig(config), 3);
  const file = (name: string) => new Uint8Array(readFileSync(join(base, name)));
  return {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': writeSafetensors(tensors, 'F16'),
    'tokenizer.json': file('tokenizer.json'),
    'tokenizer_config.json': file('tokenizer_config.json'),
  };
}

export const RECORDS: VersionRecord[] = [
  ['The lighthouse of Arn is green.', 'What colour is the lighthouse of Arn?', 'green', 1],
  ['Mila Tor repairs clocks.', 'What does Mila Tor repair?', 'clocks', 2],
  ['The river Oss is 40 kilometres long.', 'How long is the river Oss?', '40 kilometres', 1],
  ['Lake Vell freezes in January.', 'When does lake Vell freeze?', 'January', 3],
  ['', 'Who wrote “Ünder”? 🙂', 'Ana Bó', 2],
].map(([text, question, answer, who]) => ({
  text: text as string, questions: [{ question: question as string, answer: answer as string }],
  contributor: `0x${String(who).padStart(40, '0')}`, contribution: String(who),
}));

export async function receiptOf(backend: Backend) {
  const files = smallBase();
  const engine = await Engine.open(backend, { name: 'small', cid: 'bafysmallsmall' }, memoryFolder('small', files));
  const { run, adapter, ledger } = await engine.train('test', RECORDS, { ...DEFAULT_RECIPE, rank: 4, alpha: 8, epochs: 12, batch: 2 });
  const question = RECORDS[0]!.questions[0]!.question;
  const prompt = engine.prompt(question);
  const answer = await engine.generate(adapter, prompt, { maxTokens: 6 });
  const { loss, scores, noise } = await engine.influence(adapter, ledger, prompt, answer);
  const { program, root } = await engine.trace(ledger, prompt, answer);
  const { receipt } = makeReceipt({
    nonce: NO_NONCE,
    base: { cid: 'bafysmallsmall', root: engine.root }, adapter: { id: '1', cid: 'bafyadapteradapter', root: adapter.root },
    datanet: { id: '1', version: 1, cid: 'bafyversionversion', records: RECORDS }, ledger: run.ledger, trace: { program, root, cid: 'bafytracetrace' },
    prompt: { text: question, tokens: prompt }, answer: { text: engine.tokenizer.decode(answer).trim(), tokens: answer }, loss, scores, noise, clusters: run.datanet.clusters,
    prices: { rateIn: String(10n ** 18n), rateOut: String(10n ** 18n), platformFee: '1000', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE },
  });
  return { hash: receiptHash(receipt), adapterRoot: run.adapter.root, checkpointsRoot: run.ledger.checkpointsRoot, ledgerRoot: run.ledger.root, answer, receipt };
}
