import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { throwIfAborted } from '../errors.ts';
import { answerWorkings, trainedValues } from '../protocol/answer-workings.ts';
import { type Hex, floatToHex, hexToFloat } from '../protocol/bytes.ts';
import { payoutRoot } from '../protocol/fee.ts';
import { type Receipt, feeText, payoutsOf, receiptHash, samplingOf, scoreBits, scoresRoot } from '../protocol/receipt.ts';
import { type DatanetVersionFile, recordsRoot, versionRoot } from '../protocol/record.ts';
import { METHOD } from './curvature/settings.ts';
import { checkRetrieval } from './retrieval/check-retrieval.ts';
import type { Engine, LoadedAdapter } from './engine.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';
import { divisionOf } from '../protocol/payout-parts.ts';

export type CheckName = 'receipt' | 'base' | 'adapter' | 'datanet' | 'ledger' | 'answer' | 'influence' | 'trace' | 'shares';

export interface Difference {
  /** In words: which value of which thing. */
  where: string;
  claimed: string;
  computed: string;
}

export interface CheckReport {
  step: CheckName;
  state: 'working' | 'equal' | 'different';
  label: string;
  detail: string;
  seconds?: number;
  difference?: Difference;
}

/** Where the checker gets what a receipt names; everything is verified by hash on the way. */
export interface CheckSource {
  /** The base by CID, opened on this machine's backend in the format that the receipt names. */
  engine(cid: string, format: string | undefined): Promise<Engine>;
  adapter(engine: Engine, cid: string): Promise<LoadedAdapter>;
  version(cid: string): Promise<DatanetVersionFile>;
  /** Built here from the records, or in memory since it was. */
  ledger(engine: Engine, adapter: LoadedAdapter, adapterCid: string, version: DatanetVersionFile): Promise<CurvatureLedger>;
}

export interface CheckOptions {
  /** The hash it should have, where known (from the chain or the link). */
  expectedHash?: Hex | undefined;
  signal?: AbortSignal | undefined;
  onReport?: ((report: CheckReport) => void) | undefined;
}

const LABELS: Record<CheckName, string> = {
  receipt: 'Receipt, fetched by hash',
  base: 'Base model',
  adapter: 'Adapter',
  datanet: 'Datanet version',
  ledger: 'Ledger of every record, built again',
  answer: 'Answer, generated again',
  influence: 'Influence of every record',
  trace: 'Trace of the computation',
  shares: 'Fee and shares',
};

const short = (hex: string) => `${hex.slice(0, 10)}…${hex.slice(-4)}`;

/** Recomputes a receipt from what it names. Stops at the first difference. Resolves to whether everything was equal. */
export async function checkReceipt(receipt: Receipt, source: CheckSource, options: CheckOptions = {}): Promise<boolean> {
  const differs = (where: string, claimed: string, computed: string): Difference | undefined => (claimed === computed ? undefined : { where, claimed, computed });
  const step = async (name: CheckName, work: () => Promise<{ detail: string; difference: Difference | undefined }>): Promise<boolean> => {
    throwIfAborted(options.signal);
    options.onReport?.({ step: name, state: 'working', label: LABELS[name], detail: '' });
    const began = performance.now();
    const { detail, difference } = await work();
    options.onReport?.({
      step: name, state: difference ? 'different' : 'equal', label: LABELS[name], detail,
      seconds: (performance.now() - began) / 1000, ...(difference ? { difference } : {}),
    });
    return !difference;
  };

  let engine!: Engine;
  let adapter!: LoadedAdapter;
  let version!: DatanetVersionFile;
  let ledger!: CurvatureLedger;

  return (
    (await step('receipt', async () => {
      const hash = receiptHash(receipt);
      return {
        detail: short(hash),
        difference:
          differs('arithmetic version', receipt.arithmetic, ARITHMETIC) ??
          differs('attribution method', receipt.method, METHOD) ??
          (options.expectedHash ? differs('hash of the receipt', options.expectedHash, hash) : undefined),
      };
    })) &&
    (await step('base', async () => {
      engine = await source.engine(receipt.base.cid, receipt.base.format);
      return { detail: short(engine.root), difference: differs('rounding of the base’s weights', receipt.base.format ?? 'none', engine.format ?? 'none') ?? differs('root of the base’s weights', receipt.base.root, engine.root) };
    })) &&
    (await step('adapter', async () => {
      adapter = await source.adapter(engine, receipt.adapter.cid);
      return {
        detail: short(adapter.root),
        difference: differs('root of the adapter’s weights', receipt.adapter.root, adapter.root) ?? differs('root that run.json gives the adapter', adapter.run.adapter.root, adapter.root),
      };
    })) &&
    (await step('datanet', async () => {
      version = await source.version(receipt.datanet.cid);
      const root = versionRoot(version.records);
      return {
        detail: `${short(root)} · ${version.records.length} records`,
        difference: differs('root of the Datanet version', receipt.datanet.root, root) ?? differs('records that the adapter was trained on', adapter.run.datanet.recordsRoot, recordsRoot(version.records)),
      };
    })) &&
    (await step('ledger', async () => {
      ledger = await source.ledger(engine, adapter, receipt.adapter.cid, version);
      const root = await engine.ledgerRoot(ledger);
      const { clusters, records, copies: rule } = adapter.run.datanet;
      const copies = await engine.copies(version.records, rule, { signal: options.signal });
      const other = copies.findIndex((k, at) => k !== (clusters?.[at] ?? at));
      const standsFor = (k: number) => (k === other ? 'no copy' : `a copy of record ${k + 1}`);
      return {
        detail: short(root),
        difference:
          differs('number of records in run.json', String(records), String(version.records.length)) ??
          (other < 0 ? undefined : differs(`what record ${other + 1} is`, standsFor(clusters?.[other] ?? other), standsFor(copies[other]!))) ??
          differs('root of the checkpoints', receipt.ledger.checkpointsRoot, adapter.run.ledger.checkpointsRoot) ??
          differs('root of the ledger in run.json', adapter.run.ledger.root, root) ??
          differs('root of the ledger', receipt.ledger.root, root),
      };
    })) &&
    (await step('answer', async () => {
      const { retrieval } = receipt;
      const otherFind = retrieval && checkRetrieval(version.records, receipt.prompt.text, retrieval, { clusterOf: adapter.run.datanet.clusters });
      if (otherFind) return { detail: '', difference: otherFind };
      const read = retrieval?.retrieved.map(({ record }) => version.records[record]!) ?? [];
      const { ids: prompt, used } = read.length ? engine.promptWithRecords(receipt.prompt.text, read) : { ids: engine.prompt(receipt.prompt.text), used: 0 };
      if (used < read.length) return { detail: '', difference: differs('records that fit before the question', String(read.length), String(used)) };
      const { tokens } = receipt.answer;
      if (!tokens.length) return { detail: '', difference: differs('answer', 'no tokens', 'at least one token') };
      const again = await engine.generate(adapter, prompt, { maxTokens: tokens.length, sampling: receipt.sampling && samplingOf(receipt.sampling), signal: options.signal });
      const at = tokens.findIndex((id, i) => id !== again[i]);
      const show = (id: number | undefined) => (id === undefined ? 'nothing' : `token ${id} “${engine.tokenizer.decode([id])}”`);
      return {
        detail: `${tokens.length} tokens`,
        difference:
          differs('tokens of the question', receipt.prompt.tokens.join(' '), prompt.join(' ')) ??
          (at >= 0 ? differs(`token ${at + 1} of the answer`, show(tokens[at]), show(again[at])) : undefined) ??
          differs('text of the answer', receipt.answer.text, engine.tokenizer.decode(tokens).trim()),
      };
    })) &&
    (await step('influence', async () => {
      const { loss, scores, noise } = await engine.influence(adapter, ledger, receipt.prompt.tokens, receipt.answer.tokens);
      const computed = scoreBits(scores);
      const chance = scoreBits(noise);
      const n = Math.max(computed.length, receipt.scores.length);
      let difference = differs('loss of the answer', receipt.loss, floatToHex(loss));
      for (let k = 0; k < n && !difference; k++) {
        const claimed = receipt.scores[k];
        if (claimed !== computed[k]) {
          difference = { where: `influence of record ${k + 1}`, claimed: describe(claimed), computed: describe(computed[k]) };
        } else if (receipt.noise[k] !== chance[k]) {
          difference = { where: `influence by chance of record ${k + 1}`, claimed: describe(receipt.noise[k]), computed: describe(chance[k]) };
        }
      }
      return { detail: short(scoresRoot(computed, chance)), difference: difference ?? differs('root of the scores', receipt.scoresRoot, scoresRoot(computed, chance)) };
    })) &&
    (await step('trace', async () => {
      const tracer = await engine.tracer(ledger, { signal: options.signal });
      const { root } = await tracer.toPublish({ tokens: [...receipt.prompt.tokens, ...receipt.answer.tokens], answer: receipt.answer.tokens.length }, { signal: options.signal });
      return {
        detail: `${short(root)} · ${tracer.program.instructions.length} steps`,
        difference:
          differs('hash of the program in run.json', adapter.run.ledger.program, tracer.programHash) ??
          differs('hash of the program', receipt.trace.program, tracer.programHash) ??
          differs('root of the trace', receipt.trace.root, root),
      };
    })) &&
    (await step('shares', async () => {
      const { split } = receipt.prices;
      if (split.platform + split.owner + split.stakers + split.contributors !== 10_000) {
        return { detail: '', difference: differs('sum of the split', String(split.platform + split.owner + split.stakers + split.contributors), '10000') };
      }
      const { fee, payouts } = divisionOf(receipt, version.records);
      const expected = feeText(fee);
      let difference: Difference | undefined;
      for (const part of ['total', 'platform', 'owner', 'stakers', 'contributors'] as const) difference ??= differs(`fee, part "${part}" in wei`, receipt.fee[part], expected[part]);
      for (let i = 0; i < Math.max(payouts.length, receipt.payouts.length) && !difference; i++) {
        const claimed = receipt.payouts[i];
        const own = payouts[i];
        const show = (entry: { contributor: string; amount: bigint | string } | undefined) => (entry ? `${entry.contributor}: ${entry.amount} wei` : 'nothing');
        difference = differs(`payout ${i + 1}`, show(claimed), show(own));
      }
      const root = payoutRoot(payouts);
      const { clusters } = adapter.run.datanet;
      const columns = (bits: readonly Hex[]) => trainedValues(Float32Array.from(bits, hexToFloat), clusters);
      const workings = answerWorkings({
        tokensIn: receipt.prompt.tokens.length, tokensOut: receipt.answer.tokens.length, prices: receipt.prices, contributors: version.records.map(({ contributor }) => contributor),
        clusters, read: receipt.retrieval?.retrieved.map(({ record }) => record) ?? [], scores: columns(receipt.scores), noise: columns(receipt.noise),
      });
      return {
        detail: short(root),
        difference:
          difference ??
          differs('root of the payouts', receipt.payoutRoot, root) ??
          differs('root of the payouts listed', payoutRoot(payoutsOf(receipt)), root) ??
          differs('root of the payouts’ workings', receipt.workingsRoot, workings.root),
      };
    }))
  );
}

function describe(bits: Hex | undefined): string {
  return bits === undefined ? 'nothing' : `${hexToFloat(bits)} (${bits})`;
}
