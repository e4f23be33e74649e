import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFolder, readRecords } from '../../scripts/start/samples.ts';
import { randomBelow } from '../../src/arithmetic/random.ts';
import { Engine } from '../../src/attribution/engine.ts';
import { makeReceipt } from '../../src/attribution/make-receipt.ts';
import type { TraceInputs } from '../../src/attribution/trace/instruction.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { inputsHash } from '../../src/attribution/trace/step.ts';
import type { Tracer } from '../../src/attribution/trace/tracer.ts';
import { TraceTree } from '../../src/attribution/trace/tree.ts';
import { createDatanet } from '../../src/chain/create-datanet.ts';
import { payAnswer } from '../../src/chain/pay-answer.ts';
import { publishVersion } from '../../src/chain/publish-version.ts';
import { quoteFee } from '../../src/chain/quote-fee.ts';
import { readTerms } from '../../src/chain/read-terms.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { OPEN, type ScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import type { Wallet } from '../../src/chain/wallets.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { keccak256, toHex } from '../../src/protocol/bytes.ts';
import { canonicalJson } from '../../src/protocol/canonical.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { payoutsOf, receiptHash } from '../../src/protocol/receipt.ts';
import { type DatanetVersionFile, type VersionRecord, recordsRoot, versionRoot } from '../../src/protocol/record.ts';
import { trainedRoot } from '../../src/protocol/trained-records.ts';
import { openFileStore } from '../../src/storage/file-cache.node.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';

const publicFolder = join(import.meta.dirname, '../../public');

/** The sample adapter of the legal Datanet on a scratch chain, its content in a folder that the command line reads. */
export interface WatchedClaims {
  deployment: Deployment;
  tracer: Tracer;
  inputs: TraceInputs;
  right: Matrix[];
  /** Claims an answer whose trace is `trace`, with the payouts that are right. */
  claim(claimant: Wallet, trace: Matrix[], options?: { withhold?: boolean }): Promise<bigint>;
  close(): void;
}

/** @param answer tokens of the answer, after a prompt of ten */
export async function publishWatched(chain: ScratchChain, owner: Wallet, state: string, answer: number): Promise<WatchedClaims> {
  const { connection } = chain;
  mkdirSync(state, { recursive: true });
  const store = await openFileStore(join(state, 'store'));
  const baseCid = await store.addDirectory(readFolder(join(publicFolder, 'base')));
  const files = readFolder(join(publicFolder, 'adapters/legal'));
  const records = readRecords(join(publicFolder, 'datanets/legal.jsonl')).map(({ text, questions, contributor }): VersionRecord => ({
    text, questions, contribution: '1', contributor: toHex(keccak256(new TextEncoder().encode(contributor)).subarray(12)),
  }));
  const version: DatanetVersionFile = { openledger: 'datanet-version/1', name: 'Legal', records };
  const versionCid = await store.addFile(new TextEncoder().encode(JSON.stringify(version)));
  const adapterCid = await store.addDirectory(files);

  const base = { name: 'base', cid: baseCid };
  const engine = await Engine.open(await createCpuBackend(), base, nodeFolder(join(publicFolder, 'base')));
  const adapter = engine.loadAdapter(files);
  await engine.loadCheckpoints(adapter, files['checkpoints.safetensors']);
  const ledger = await engine.loadLedger(adapter, files['ledger.safetensors']!);
  const tracer = await engine.tracer(ledger);
  const { run } = adapter;
  await createDatanet(connection, owner, { name: 'Legal', metadataCid: versionCid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: versionRoot(records), recordsRoot: recordsRoot(records), cid: versionCid, count: records.length });
  const rates = { rateIn: OPEN, rateOut: OPEN };
  const { adapterId } = await registerAdapter(connection, owner, {
    datanetId: 1n, version: 1, baseRoot: engine.root, adapterRoot: adapter.root, checkpointsRoot: run.ledger.checkpointsRoot, ledgerRoot: run.ledger.root,
    programHash: tracer.programHash, trainedRoot: trainedRoot(run.datanet.clusters), cid: adapterCid, name: 'Legal', ...rates,
  });

  const tokens = Array.from({ length: 10 + answer }, (_, i) => randomBelow(engine.model.config.vocab, 1, 1, i));
  const inputs = { tokens, answer };
  const all = tracer.program.instructions.map((_, k) => k);
  const found = await tracer.matrices(inputs, all);
  const right = all.map((k) => found.get(k)!);
  const [prompt, written] = [tokens.slice(0, 10), tokens.slice(10)];
  const { loss, scores, noise } = await engine.influence(adapter, ledger, prompt, written);
  const terms = await readTerms(connection);

  const deployment: Deployment = { ...chain.deployment, base };
  writeFileSync(join(state, 'deployment.json'), JSON.stringify(deployment));
  let nonce = 0;
  return {
    deployment, tracer, inputs, right,
    async claim(claimant, trace, { withhold = false } = {}) {
      const tree = TraceTree.of(trace);
      // What is withheld has an address that nobody has anything at.
      const keep = (bytes: Uint8Array) => (withhold ? 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' : store.addFile(bytes));
      const { receipt } = makeReceipt({
        nonce: `0x${(++nonce).toString(16).padStart(32, '0')}`, base: { cid: baseCid, root: engine.root }, adapter: { id: String(adapterId), cid: adapterCid, root: adapter.root },
        datanet: { id: '1', version: 1, cid: versionCid, records }, ledger: run.ledger, trace: { program: tracer.programHash, root: tree.root, cid: await keep(tree.bytes()) },
        prompt: { text: 'Which?', tokens: prompt }, answer: { text: 'That.', tokens: written }, loss, scores, noise, clusters: run.datanet.clusters,
        prices: { rateIn: String(rates.rateIn), rateOut: String(rates.rateOut), platformFee: String(terms.platformFee), split: terms.split, payout: terms.payoutRule },
      });
      const fee = await quoteFee(connection, { adapterId, tokensIn: prompt.length, tokensOut: written.length });
      const { claimId } = await payAnswer(connection, claimant, {
        adapterId, tokensIn: prompt.length, tokensOut: written.length, receiptHash: receiptHash(receipt), receiptCid: await store.addFile(new TextEncoder().encode(canonicalJson(receipt as never))),
        inputsHash: inputsHash(inputs), traceRoot: tree.root, workingsRoot: receipt.workingsRoot, payouts: payoutsOf(receipt), contributorsPart: fee.contributors,
      });
      return claimId;
    },
    close() {
      engine.freeLedger(ledger);
      engine.close();
    },
  };
}
