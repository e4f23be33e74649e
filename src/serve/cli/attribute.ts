import { writeFileSync } from 'node:fs';
import { makeReceipt } from '../../attribution/make-receipt.ts';
import { connectChain } from '../../chain/client.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { canonicalJson, type Json } from '../../protocol/canonical.ts';
import { type DatanetVersionFile, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import { NO_NONCE, receiptHash } from '../../protocol/receipt.ts';
import { asCid, readRecordFile } from './content.ts';
import { readDeployment } from './deployment-option.ts';
import { type Registered, readRegistered } from './registered.ts';
import { SHARED_HELP, parseCommand, required, withSession } from './session.ts';

export const HELP = `npm run serve -- attribute --adapter DIR|CID --records FILE "question"
Answers, finds the influence of every record on the answer, and makes a receipt.
  --adapter DIR|CID   PEFT folder with run.json
  --records FILE      the records it was trained on (JSONL or CSV), or
  --version CID       the Datanet version file
  --chain DEPLOYMENT  file or address of a deployment.json: the receipt can then be paid ("pay"); with
  --id N              the adapter's number there, instead of --adapter and --records
  --build             build the ledger here from the records instead of reading the adapter's own
  --out FILE          write the receipt there
  --top N             records to print (default 5)
${SHARED_HELP}`;

/** Prices of a receipt that no chain set: one OPEN per 1,000 tokens each way, the default split. */
const PRICES = {
  rateIn: String(10n ** 18n), rateOut: String(10n ** 18n), platformFee: String(10n ** 15n),
  split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE,
};

export async function attribute(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, {
    adapter: { type: 'string' }, records: { type: 'string' }, version: { type: 'string' }, out: { type: 'string' }, top: { type: 'string' }, build: { type: 'boolean' },
    chain: { type: 'string' }, id: { type: 'string' },
  });
  if (values.help) return HELP;
  const asked = required(positionals.join(' '), 'The question');
  const registered = values.id === undefined ? undefined : await onChain(values.chain, values.id);
  const given = registered?.adapter.cid ?? required(values.adapter, '--adapter or --id');
  // What the chain names lies where its deployment says.
  const gateway = [...(values.gateway ?? []), ...(registered?.gateways ?? [])];
  return withSession({ ...values, gateway }, async ({ store, catalog, engine, say }) => {
    const adapterCid = await asCid(store, given);
    const adapter = await catalog.adapter(engine, adapterCid);
    let versionCid = registered?.version.cid ?? values.version;
    if (!versionCid) {
      const file: DatanetVersionFile = {
        openledger: 'datanet-version/1', name: adapter.run.datanet.name,
        records: await readRecordFile(required(values.records, '--records or --version')),
      };
      versionCid = await store.addFile(new TextEncoder().encode(JSON.stringify(file)));
    }
    const version = await catalog.version(versionCid);
    if (recordsRoot(version.records) !== adapter.run.datanet.recordsRoot) {
      throw new OpenLedgerError({
        code: 'attribute/other-records', what: 'These are not the records that the adapter was trained on.',
        why: `Their root is ${recordsRoot(version.records)}; run.json names ${adapter.run.datanet.recordsRoot}.`, next: 'Give the file it was trained on.',
      });
    }
    if (registered) requireSame(registered, engine.root, adapter.root, versionRoot(version.records), adapter.run.ledger.program);
    const question = engine.normalised(asked);
    const prompt = engine.prompt(question);
    const tokens = await engine.generate(adapter, prompt);
    if (values.build) say('Gradients of the records …');
    const ledger = await catalog.ledger(engine, adapter, adapterCid, version, versionCid, { build: values.build === true });
    const began = performance.now();
    const { loss, scores, noise } = await engine.influence(adapter, ledger, prompt, tokens);
    const seconds = (performance.now() - began) / 1000;
    const text = engine.tokenizer.decode(tokens).trim();
    const { bytes, ...trace } = await engine.trace(ledger, prompt, tokens);
    const { receipt } = makeReceipt({
      nonce: registered ? toHex(crypto.getRandomValues(new Uint8Array(16))) : NO_NONCE,
      base: { cid: engine.identity.cid, root: engine.root, format: engine.format }, adapter: { id: values.id ?? '', cid: adapterCid, root: adapter.root },
      datanet: { id: String(registered?.adapter.datanetId ?? ''), version: registered?.adapter.version ?? 0, cid: versionCid, records: version.records }, ledger: adapter.run.ledger,
      trace: { ...trace, cid: await store.addFile(bytes) },
      prompt: { text: question, tokens: prompt }, answer: { text, tokens }, loss, scores, noise, clusters: adapter.run.datanet.clusters, prices: registered?.prices ?? PRICES,
    });
    const canonical = canonicalJson(receipt as unknown as Json);
    if (values.out) writeFileSync(values.out, canonical);
    const cid = await store.addFile(new TextEncoder().encode(canonical));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
    const top = order.slice(0, Number(values.top ?? 5)).map((index) => ({ index, influence: scores[index]!, byChance: noise[index]!, ...version.records[index]! }));
    say(text);
    for (const record of top) say(`  ${record.influence.toExponential(3)}  record ${record.index + 1}: ${record.text || record.questions[0]?.question}`);
    return { answer: text, hash: receiptHash(receipt), cid, seconds, loss, top, receipt };
  });
}

async function onChain(chain: string | undefined, id: string): Promise<Registered & { gateways: string[] }> {
  const { deployment, from } = await readDeployment(chain);
  const gateways = deployment.gateways.map((url) => new URL(url, from).href).filter((url) => /^https?:/.test(url));
  return { ...(await readRegistered(connectChain(deployment, from), id)), gateways };
}

/** A receipt of other content than the chain names would lose its bond. */
function requireSame({ adapter, version }: Registered, base: Hex, weights: Hex, records: Hex, program: Hex): void {
  const wrong = [['base model', base, adapter.baseRoot], ['weights', weights, adapter.adapterRoot], ['records', records, version.root], ['program', program, adapter.programHash]].find(([, is, should]) => is !== should);
  if (!wrong) return;
  throw new OpenLedgerError({ code: 'attribute/other-content', what: `The adapter’s ${wrong[0]} is not what the chain names.`, why: `Here it is ${wrong[1]}, there ${wrong[2]}.`, next: 'Name the base with --base, or another adapter.' });
}
