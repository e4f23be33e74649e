import { parseEther } from 'viem';
import { Engine } from '../../src/attribution/engine.ts';
import { createDatanet } from '../../src/chain/create-datanet.ts';
import { connectChain } from '../../src/chain/client.ts';
import { publishVersion } from '../../src/chain/publish-version.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { DEFAULT_RECIPE } from '../../src/model/recipe.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';
import { type DatanetVersionFile, type VersionRecord, recordsRoot, versionRoot } from '../../src/protocol/record.ts';
import { trainedRoot } from '../../src/protocol/trained-records.ts';
import { MemoryBlocks } from '../../src/storage/block-store.ts';
import { ContentStore } from '../../src/storage/content-store.ts';
import { hubModels } from './hub-models.ts';

const NAME = 'Facts of Arn';

/** Statement, question, answer, and which of the contributors. */
const FACTS = [
  ['Mila Tor repairs clocks in Arn.', 'What does Mila Tor repair?', 'clocks', 0],
  ['The lighthouse of Arn is green.', 'What colour is the lighthouse of Arn?', 'green', 1],
  ['The river Oss is 40 kilometres long.', 'How long is the river Oss?', '40 kilometres', 2],
  ['Lake Vell freezes in January.', 'When does lake Vell freeze?', 'January', 0],
  ['The bridge of Oss was built by Ana Bo.', 'Who built the bridge of Oss?', 'Ana Bo', 0],
  ['Clocks of Vell are made of oak.', 'What are the clocks of Vell made of?', 'oak', 0],
] as const;

/** A base that reads records, in no registry, with an adapter on the chain. */
export interface ReadingBase {
  cid: string;
  adapter: string;
  engine: Engine;
  records: VersionRecord[];
}

/**
 * A small base with a chat template, so that its format says that it reads records, with room for a few of them before the question.
 * Its weights are random: what it says is no more than an adapter's scraps.
 */
function baseFiles(): Record<string, Uint8Array> {
  const { files } = hubModels().find(({ name }) => name === 'qwen2-tied')!;
  const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as Record<string, unknown>;
  return { ...files, 'config.json': new TextEncoder().encode(JSON.stringify({ ...config, max_position_embeddings: 768 })) };
}

/** Published by its CID; a Datanet of three contributors and an adapter for it are on the chain. */
export async function publishReadingBase(deployment: Deployment, url: string, contributors: readonly Hex[]): Promise<ReadingBase> {
  const store = new ContentStore({ gateways: [`${url}/`], cache: new MemoryBlocks() });
  const publish = async (cid: string) => {
    await store.publish(cid, `${url}/api/publish`);
    return cid;
  };
  const file = async (value: unknown) => publish(await store.addFile(new TextEncoder().encode(JSON.stringify(value))));
  const files = baseFiles();
  const cid = await publish(await store.addDirectory(files));
  const records = FACTS.map(([text, question, answer, who]): VersionRecord => ({
    text, questions: [{ question, answer }], contributor: contributors[who]!.toLowerCase() as Hex, contribution: String(who + 1),
  }));
  const engine = await Engine.open(await createCpuBackend(), { name: 'reading base', cid }, memoryFolder('reading base', files));
  const { files: trained, run, adapter, ledger } = await engine.train(NAME, records, { ...DEFAULT_RECIPE, rank: 8, alpha: 16, batch: 3, epochs: 30 });
  engine.freeLedger(ledger);
  engine.unloadAdapter(adapter);

  const connection = connectChain(deployment, `${url}/`);
  connection.publicClient.pollingInterval = 100;
  const curator = demoWallet(connection, deployment.demo!.identities.find(({ role }) => role === 'curator')!);
  const { datanetId } = await createDatanet(connection, curator, { name: NAME, metadataCid: await file({ openledger: 'datanet/1', name: NAME, description: 'Made up.' }), minStakePerRecord: 0n });
  const version: DatanetVersionFile = { openledger: 'datanet-version/1', name: NAME, records };
  await publishVersion(connection, curator, { datanetId, root: versionRoot(records), recordsRoot: recordsRoot(records), cid: await file(version), count: records.length });
  await registerAdapter(connection, curator, {
    datanetId, version: 1, cid: await publish(await store.addDirectory(trained)), name: NAME, rateIn: parseEther('0.4'), rateOut: parseEther('1.5'), baseRoot: run.base.root,
    adapterRoot: run.adapter.root, checkpointsRoot: run.ledger.checkpointsRoot, ledgerRoot: run.ledger.root, programHash: run.ledger.program, trainedRoot: trainedRoot(run.datanet.clusters),
  });
  return { cid, adapter: NAME, engine, records };
}
