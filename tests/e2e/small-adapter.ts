import { join } from 'node:path';
import { parseEther } from 'viem';
import { Engine } from '../../src/attribution/engine.ts';
import { makeReceipt } from '../../src/attribution/make-receipt.ts';
import { connectChain } from '../../src/chain/client.ts';
import { createDatanet } from '../../src/chain/create-datanet.ts';
import { publishVersion } from '../../src/chain/publish-version.ts';
import { readTerms } from '../../src/chain/read-terms.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { reviewContribution } from '../../src/chain/review-contribution.ts';
import { submitContribution } from '../../src/chain/submit-contribution.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { DEFAULT_RECIPE } from '../../src/model/recipe.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { type DatanetRecord, type DatanetVersionFile, type VersionRecord, recordsRoot, versionRoot } from '../../src/protocol/record.ts';
import { NO_NONCE, receiptHash } from '../../src/protocol/receipt.ts';
import { trainedRoot } from '../../src/protocol/trained-records.ts';
import type { ContentStore } from '../../src/storage/content-store.ts';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { readRecords } from '../../scripts/start/samples.ts';
import { nodeFolder } from '../../src/storage/models/node-folder.node.ts';

export const SMALL_RECORDS = 8;
const NAME = 'Small glossary';

/** An adapter made in Node before any browser starts, and the receipt that Node computed of one answer. */
export interface SmallAdapter {
  name: string;
  adapterId: string;
  adapterCid: string;
  question: string;
  /** What the record says. */
  expected: string;
  /** Place of the record that states it. */
  record: number;
  /** What Node's CPU backend answered. */
  answer: string;
  /** Of the receipt without a nonce. */
  receiptHash: Hex;
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** The first records of the legal sample as a Datanet of their own, an adapter trained on them, both on the chain. */
export async function publishSmallAdapter(deployment: Deployment, store: ContentStore, publicFolder: string): Promise<SmallAdapter> {
  const records: DatanetRecord[] = readRecords(join(publicFolder, 'datanets/legal.jsonl'))
    .slice(0, SMALL_RECORDS)
    .map(({ text, questions }) => ({ text, questions: questions.slice(0, 2) }));
  const engine = await Engine.open(await createCpuBackend(), deployment.base, nodeFolder(join(publicFolder, 'base')));
  try {
    const { files, run, adapter, ledger } = await engine.train(NAME, records, { ...DEFAULT_RECIPE, batch: 4, epochs: 40 });

    const connection = connectChain(deployment, deployment.chain.rpcUrls[0]!);
    connection.publicClient.pollingInterval = 50;
    const identities = deployment.demo!.identities;
    const contributor = demoWallet(
      connection,
      identities.find(({ role }) => role === 'contributor')!,
    );
    const curator = demoWallet(
      connection,
      identities.find(({ role }) => role === 'curator')!,
    );
    const url = deployment.chain.rpcUrls[0]!;
    // Six transactions, each waiting for the one before: a block for each of them.
    await anvilRpc(url, 'evm_setAutomine', [true]);
    try {
      const metadataCid = await store.addFile(json({ openledger: 'datanet/1', name: NAME, description: 'A few words of the law, for quick tries.' }));
      const { datanetId } = await createDatanet(connection, curator, { name: NAME, metadataCid, minStakePerRecord: parseEther('0.01') });
      const root = recordsRoot(records);
      const { contributionId } = await submitContribution(connection, contributor, {
        datanetId,
        recordsRoot: root,
        count: records.length,
        stake: parseEther('0.01') * BigInt(records.length),
        cid: await store.addFile(json({ openledger: 'contribution/1', records })),
      });
      await reviewContribution(connection, curator, contributionId, { decision: 'accept', acceptedRoot: root, acceptedCount: records.length, reason: '' });
      const own: VersionRecord[] = records.map((record) => ({
        ...record,
        contributor: contributor.address.toLowerCase() as Hex,
        contribution: String(contributionId),
      }));
      const file: DatanetVersionFile = { openledger: 'datanet-version/1', name: NAME, records: own };
      const versionCid = await store.addFile(json(file));
      const { version } = await publishVersion(connection, curator, {
        datanetId,
        root: versionRoot(own),
        recordsRoot: root,
        cid: versionCid,
        count: own.length,
      });
      const adapterCid = await store.addDirectory(files);
      const rates = { rateIn: parseEther('0.4'), rateOut: parseEther('1.5') };
      const { adapterId } = await registerAdapter(connection, curator, {
        datanetId,
        version,
        cid: adapterCid,
        name: NAME,
        ...rates,
        baseRoot: run.base.root,
        adapterRoot: run.adapter.root,
        checkpointsRoot: run.ledger.checkpointsRoot,
        ledgerRoot: run.ledger.root,
        programHash: run.ledger.program,
        trainedRoot: trainedRoot(run.datanet.clusters),
      });

      const record = 0;
      const { question, answer: expected } = records[record]!.questions[0]!;
      const prompt = engine.prompt(question);
      const tokens = await engine.generate(adapter, prompt);
      const answer = engine.tokenizer.decode(tokens).trim();
      const { loss, scores, noise } = await engine.influence(adapter, ledger, prompt, tokens);
      const { bytes, ...trace } = await engine.trace(ledger, prompt, tokens);
      const terms = await readTerms(connection);
      const { platform, owner, stakers, contributors } = terms.split;
      const { receipt } = makeReceipt({
        nonce: NO_NONCE,
        base: { cid: deployment.base.cid, root: engine.root },
        adapter: { id: String(adapterId), cid: adapterCid, root: adapter.root },
        datanet: { id: String(datanetId), version, cid: versionCid, records: own },
        ledger: run.ledger,
        trace: { ...trace, cid: await store.addFile(bytes) },
        prompt: { text: question, tokens: prompt },
        answer: { text: answer, tokens },
        loss,
        scores,
        noise,
        clusters: run.datanet.clusters,
        prices: {
          rateIn: String(rates.rateIn),
          rateOut: String(rates.rateOut),
          platformFee: String(terms.platformFee),
          split: { platform, owner, stakers, contributors },
          payout: terms.payoutRule,
        },
      });
      return { name: NAME, adapterId: String(adapterId), adapterCid, question, expected, record, answer, receiptHash: receiptHash(receipt) };
    } finally {
      await anvilRpc(url, 'evm_setAutomine', [false]);
      await anvilRpc(url, 'evm_setIntervalMining', [deployment.chain.blockSeconds]);
    }
  } finally {
    engine.close();
  }
}
