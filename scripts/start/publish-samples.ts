import { parseEther } from 'viem';
import { type ChainConnection, connectChain } from '../../src/chain/client.ts';
import { createDatanet } from '../../src/chain/create-datanet.ts';
import { publishVersion } from '../../src/chain/publish-version.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { reviewContribution } from '../../src/chain/review-contribution.ts';
import { submitContribution } from '../../src/chain/submit-contribution.ts';
import { vouchRun } from '../../src/chain/vouch-run.ts';
import { type Wallet, demoWallet } from '../../src/chain/wallets.ts';
import type { Deployment, DemoIdentity } from '../../src/protocol/deployment.ts';
import { type DatanetVersionFile, type VersionRecord, recordsRoot, versionRoot } from '../../src/protocol/record.ts';
import { parseRunFile } from '../../src/protocol/run.ts';
import { trainedRoot } from '../../src/protocol/trained-records.ts';
import type { ContentStore } from '../../src/storage/content-store.ts';
import type { SampleContent } from './samples.ts';

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
/** Stake that the samples ask for each record. */
const STAKE_PER_RECORD = parseEther('0.01');

/**
 * Puts the samples where people's own Datanets go, the same way: the curator creates, contributors stake and submit,
 * the curator accepts and publishes a version, registers the adapter that the repository ships, and vouches for its run.
 */
export async function publishSamples(
  deployment: Deployment,
  identities: DemoIdentity[],
  store: ContentStore,
  samples: SampleContent[],
  say: (line: string) => void,
): Promise<Deployment['samples']> {
  const connection = connectChain(deployment, deployment.chain.rpcUrls[0]!);
  // Blocks come with each transaction while this runs.
  connection.publicClient.pollingInterval = 50;
  const ids: Deployment['samples'] = { datanets: [], adapters: [] };
  const curator = demoWallet(connection, identities.find(({ role }) => role === 'curator')!);
  for (const sample of samples) {
    say(`Publishing the sample Datanet “${sample.title}” …`);
    const { datanet, adapter } = await publishSample(connection, curator, identities, store, sample);
    ids.datanets.push(String(datanet));
    ids.adapters.push(String(adapter));
  }
  return ids;
}

async function publishSample(connection: ChainConnection, curator: Wallet, identities: DemoIdentity[], store: ContentStore, sample: SampleContent) {
  const metadataCid = await store.addFile(json({ openledger: 'datanet/1', name: sample.title, description: sample.description }));
  const { datanetId } = await createDatanet(connection, curator, { name: sample.title, metadataCid, minStakePerRecord: STAKE_PER_RECORD });
  const byContributor = new Map<string, string>();
  for (const name of new Set(sample.records.map((record) => record.contributor))) {
    const identity = identities.find((one) => one.name === name);
    if (!identity) throw new Error(`no demo identity ${name}`);
    const records = sample.records.filter((record) => record.contributor === name).map(({ text, questions }) => ({ text, questions }));
    const root = recordsRoot(records);
    const cid = await store.addFile(json({ openledger: 'contribution/1', records }));
    const stake = STAKE_PER_RECORD * BigInt(records.length);
    const { contributionId } = await submitContribution(connection, demoWallet(connection, identity), { datanetId, recordsRoot: root, cid, count: records.length, stake });
    await reviewContribution(connection, curator, contributionId, { decision: 'accept', acceptedRoot: root, acceptedCount: records.length, reason: '' });
    byContributor.set(name, String(contributionId));
  }
  const records: VersionRecord[] = sample.records.map(({ text, questions, contributor }) => ({
    text, questions,
    contributor: identities.find(({ name }) => name === contributor)!.address.toLowerCase() as VersionRecord['contributor'],
    contribution: byContributor.get(contributor)!,
  }));
  const file: DatanetVersionFile = { openledger: 'datanet-version/1', name: sample.title, records };
  const { version } = await publishVersion(connection, curator, {
    datanetId, root: versionRoot(records), recordsRoot: recordsRoot(records), cid: await store.addFile(json(file)), count: records.length,
  });
  const run = parseRunFile(JSON.parse(new TextDecoder().decode(sample.adapter['run.json'])));
  const { adapterId } = await registerAdapter(connection, curator, {
    datanetId, version, baseRoot: run.base.root, adapterRoot: run.adapter.root,
    checkpointsRoot: run.ledger.checkpointsRoot, ledgerRoot: run.ledger.root, programHash: run.ledger.program, trainedRoot: trainedRoot(run.datanet.clusters),
    cid: await store.addDirectory(sample.adapter), name: sample.adapterName, rateIn: parseEther(sample.rateIn), rateOut: parseEther(sample.rateOut),
  });
  if (sample.statement) {
    await vouchRun(connection, curator, { adapterId, ...sample.statement });
  }
  return { datanet: datanetId, adapter: adapterId };
}
