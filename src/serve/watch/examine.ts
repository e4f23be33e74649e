import { parseJson } from '../../attribution/catalog.ts';
import { type InspectedAnswer, type Inspection, inspectAnswer, inputsOf } from '../../attribution/trace/inspect.ts';
import { type FiledInspection, inspectFiled } from '../../attribution/trace/filed.ts';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import { MOST_PUBLISHED_BYTES } from '../../attribution/trace/published.ts';
import type { ChainConnection } from '../../chain/client.ts';
import type { DisputeEvents } from '../../chain/game-events.ts';
import { settlementAbi } from '../../chain/generated/abis.ts';
import { listAdapters } from '../../chain/list-adapters.ts';
import { type ClaimRecord, openingOf } from '../../chain/list-claims.ts';
import { type Batch, openBatch } from '../../chain/open-batch.ts';
import { listDatanets } from '../../chain/list-datanets.ts';
import { translated } from '../../chain/translate-error.ts';
import { type FiledAnswer, shortForm } from '../../protocol/answers-file.ts';
import { BATCH_BYTES } from '../../protocol/batch.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { ReceiptPrices } from '../../protocol/divide-fee.ts';
import { type Receipt, parseReceipt } from '../../protocol/receipt.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import type { Subject, Subjects } from './subjects.ts';

/** A claim compared with what follows, and what its evidence is made from. */
export interface Examined extends Subject {
  inspection: Inspection;
  programHash: Hex;
}

const RECEIPT_BYTES = 16 * 2 ** 20;
/** Examined claims that stay in memory with their trees, 96 MB at 1,024 tokens: those in dispute are looked at again and again. */
const KEPT = 8;
const KEPT_BYTES = 256 * 2 ** 20;

/** Computes claims again, each once while it is kept. */
export class Examiner {
  private readonly connection: ChainConnection;
  private readonly store: Pick<ContentStore, 'readFile'>;
  private readonly subjects: Subjects;
  private readonly kept = new Kept<Examined>(({ inspection }) => inspection.own);
  /** Answers of shown files that are false: nothing of them is computed again. */
  private readonly filed = new Kept<FiledInspection>(({ own }) => own);

  constructor(connection: ChainConnection, store: Pick<ContentStore, 'readFile'>, subjects: Subjects) {
    this.connection = connection;
    this.store = store;
    this.subjects = subjects;
  }

  /**
   * The claim's one answer, or one of several (claimsOfBatch). `shown`: tokens that were shown on chain, where the receipt cannot be had. Throws `chain/…`, and where
   * adapter, base, records or ledger cannot be had what Subjects.open throws.
   */
  async examine(claim: ClaimRecord, shown?: TraceInputs): Promise<Examined> {
    const { index, answer } = openingOf(claim);
    const answerKey = keyOf(claim, Number(index));
    const key = `${answerKey} ${shown !== undefined}`;
    const known = this.kept.get(key);
    if (known) return known;
    const receipt = await this.receipt(claim.receiptCid);
    const { adapter, version } = await this.registered(claim.adapterId);
    const subject = await this.subjects.open(adapter, version, receipt);
    const tokens = receipt && inputsOf(receipt, answer) ? receipt : shown ? split(shown) : receipt;
    const published = receipt && (await this.file(receipt.trace.cid, MOST_PUBLISHED_BYTES));
    const inspected: InspectedAnswer = {
      answer, programHash: adapter.programHash, receipt: tokens, published, clusters: subject.clusters,
      contributors: subject.records.map(({ contributor }) => contributor), prices: await this.prices(claim),
      own: this.filed.get(answerKey)?.own,
    };
    const examined = { ...subject, programHash: adapter.programHash, inspection: await inspectAnswer(subject.tracer, inspected) };
    // What could not be read or computed may be there next time.
    const { kind } = examined.inspection.verdict;
    if (kind !== 'unchecked' && kind !== 'inputs-unknown') this.kept.set(key, examined);
    return examined;
  }

  /** An answer of which the claimant was made to show what it is computed from. Throws as examine. */
  async examineFiled(claim: ClaimRecord, index: number, filed: FiledAnswer): Promise<FiledInspection> {
    const key = keyOf(claim, index);
    const known = this.filed.get(key);
    if (known) return known;
    const { adapter, version } = await this.registered(claim.adapterId);
    const { tracer, records, clusters } = await this.subjects.open(adapter, version, undefined);
    const found = await inspectFiled(tracer, filed, { programHash: adapter.programHash, contributors: records.map(({ contributor }) => contributor), clusters, prices: await this.prices(claim) });
    if (found.right === false) this.filed.set(key, found);
    return found;
  }

  /** What shows on chain what all answers of a claim are computed from; undefined where a receipt cannot be had, or is another. `claims`: every answer, in order. */
  async shortForm(claims: readonly ClaimRecord[]): Promise<Uint8Array | undefined> {
    const inputs: TraceInputs[] = [];
    for (const claim of claims) {
      const receipt = await this.receipt(claim.receiptCid);
      const one = receipt && inputsOf(receipt, openingOf(claim).answer);
      if (!one) return undefined;
      inputs.push(one);
    }
    return shortForm(claims.map((claim) => openingOf(claim).answer), inputs);
  }

  /** The answers of a claim about several; `events` are what claimants were made to show on chain. */
  async batch(claim: ClaimRecord, events: DisputeEvents): Promise<Batch> {
    const bytes = await this.file(claim.receiptCid, BATCH_BYTES);
    return openBatch(claim, bytes && parsed(bytes), events);
  }

  private async receipt(cid: string): Promise<Receipt | undefined> {
    const bytes = await this.file(cid, RECEIPT_BYTES);
    try {
      return bytes && parseReceipt(parseJson(bytes, 'The receipt'));
    } catch {
      return undefined;
    }
  }

  /** Claimants write these addresses: what cannot be read is not there. */
  private async file(cid: string, maxBytes: number): Promise<Uint8Array | undefined> {
    try {
      return await this.store.readFile(cid, undefined, { maxBytes });
    } catch {
      return undefined;
    }
  }

  private async registered(adapterId: bigint) {
    const [adapters, datanets] = await Promise.all([listAdapters(this.connection), listDatanets(this.connection)]);
    const adapter = adapters.find(({ id }) => id === adapterId);
    const version = datanets.find(({ id }) => id === adapter?.datanetId)?.versions[(adapter?.version ?? 0) - 1];
    if (!adapter || !version) throw new RangeError(`adapter ${adapterId} is not registered`);
    return { adapter, version };
  }

  /** As the chain booked the claim. */
  private prices({ claimId, ruleVersion }: ClaimRecord): Promise<ReceiptPrices> {
    const settlement = { address: this.connection.contracts.settlement, abi: settlementAbi } as const;
    const { publicClient } = this.connection;
    return translated('Reading the claim’s prices', async () => {
      const [{ rateIn, rateOut }, [parts, payout]] = await Promise.all([
        publicClient.readContract({ ...settlement, functionName: 'claim', args: [claimId] }),
        publicClient.readContract({ ...settlement, functionName: 'termsOf', args: [ruleVersion] }),
      ]);
      return { rateIn: String(rateIn), rateOut: String(rateOut), platformFee: '0', split: parts, payout };
    });
  }
}

const keyOf = ({ claimId, answersRoot }: ClaimRecord, index: number) => `${claimId} ${answersRoot} ${index}`;

/** What was used last, a few and within so many bytes. */
class Kept<T> {
  private readonly ownOf: (one: T) => Inspection['own'];
  private readonly all = new Map<string, T>();

  constructor(ownOf: (one: T) => Inspection['own']) {
    this.ownOf = ownOf;
  }

  get(key: string): T | undefined {
    const known = this.all.get(key);
    if (known !== undefined) {
      this.all.delete(key);
      this.all.set(key, known);
    }
    return known;
  }

  set(key: string, one: T): void {
    this.all.set(key, one);
    let bytes = 0;
    // The newest first, which stays however large it is.
    for (const [place, [old, kept]] of [...this.all].reverse().entries()) {
      bytes += this.ownOf(kept)?.tree.byteLength ?? 0;
      if (place > 0 && (place >= KEPT || bytes > KEPT_BYTES)) this.all.delete(old);
    }
  }
}

const split = ({ tokens, answer }: TraceInputs) => ({ prompt: { tokens: tokens.slice(0, -answer) }, answer: { tokens: tokens.slice(-answer) } });

/** What is no JSON is a file all the same, that holds no answers. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes, 'The batch');
  } catch {
    return null;
  }
}
