import { Catalog } from '../../src/attribution/catalog.ts';
import { writeLedgerFile } from '../../src/attribution/curvature/ledger-file.ts';
import type { Engine } from '../../src/attribution/engine.ts';
import { type OpenRun, openRun } from '../../src/attribution/runs/run-of-adapter.ts';
import { type OutputRoots, PlanTree, makeOutputRoots } from '../../src/attribution/runs/statement.ts';
import { FalseMaker, flipBit } from '../../src/attribution/runs/testing/false-maker.ts';
import { type ChainConnection, connectChain } from '../../src/chain/client.ts';
import { type Adapter, listAdapters } from '../../src/chain/list-adapters.ts';
import { listDatanets } from '../../src/chain/list-datanets.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { vouchRun } from '../../src/chain/vouch-run.ts';
import { type Wallet, demoWallet } from '../../src/chain/wallets.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { showAll } from '../../src/serve/watch/testing/show-run.ts';
import { MemoryBlocks } from '../../src/storage/block-store.ts';
import { ContentStore } from '../../src/storage/content-store.ts';

interface Made {
  adapterId: bigint;
  bond: bigint;
}

/** A statement that is false in one bit of one unit. */
export interface FalseStatement extends Made {
  maker: FalseMaker;
}

/** Someone beside the browser who registers an adapter once more under another name, and vouches falsely for how it was made. */
export class RunMaker {
  readonly wallet: Wallet;
  readonly connection: ChainConnection;
  readonly run: OpenRun;
  private readonly right: OutputRoots;
  private readonly plan: PlanTree;
  private readonly adapter: Adapter;
  private readonly catalog: Catalog;
  private readonly engine: Engine;
  private readonly versionCid: string;
  private readonly publishUrl: string;

  private constructor(parts: Pick<RunMaker, 'wallet' | 'connection' | 'run'> & { right: OutputRoots; plan: PlanTree; adapter: Adapter; catalog: Catalog; engine: Engine; versionCid: string; publishUrl: string }) {
    this.wallet = parts.wallet;
    this.connection = parts.connection;
    this.run = parts.run;
    this.right = parts.right;
    this.plan = parts.plan;
    this.adapter = parts.adapter;
    this.catalog = parts.catalog;
    this.engine = parts.engine;
    this.versionCid = parts.versionCid;
    this.publishUrl = parts.publishUrl;
  }

  static async of(deployment: Deployment, url: string, name: string, adapterId: string): Promise<RunMaker> {
    const connection = connectChain(deployment, `${url}/`);
    connection.publicClient.pollingInterval = 100;
    const wallet = demoWallet(connection, deployment.demo!.identities.find((one) => one.name === name)!);
    const [adapters, datanets] = await Promise.all([listAdapters(connection), listDatanets(connection)]);
    const adapter = adapters.find(({ id }) => String(id) === adapterId)!;
    const catalog = new Catalog(await createCpuBackend(), new ContentStore({ gateways: [`${url}/`], cache: new MemoryBlocks() }));
    const engine = await catalog.engine(deployment.base);
    const { run: file } = await catalog.adapter(engine, adapter.cid);
    const { cid: versionCid } = datanets.find(({ id }) => id === adapter.datanetId)!.versions[adapter.version - 1]!;
    const { records } = await catalog.version(versionCid);
    const run = await openRun(engine, file, records);
    const right = await makeOutputRoots(run.replay);
    const plan = new PlanTree(run.plan, (kind) => run.tracer.programHash(kind), right.of(0));
    return new RunMaker({ connection, wallet, run, right, plan, adapter, catalog, engine, versionCid, publishUrl: `${url}/api/publish` });
  }

  /** Flips one bit of one output of a unit, and vouches for what comes of it. */
  async vouch(name: string, unit: number): Promise<FalseStatement> {
    const { connection, wallet } = this;
    const maker = await FalseMaker.of(this.run, this.right, unit, { change: (index, matrix, first) => void (index === first && flipBit(matrix, 3)) });
    const { adapterId } = await registerAdapter(connection, wallet, { ...this.adapter, name });
    return { ...(await this.state(adapterId, maker.list)), maker };
  }

  /** Vouches for the run as it is, of an adapter that is registered with one bit more noise of a record than that comes to. */
  async vouchForOther(name: string): Promise<Made> {
    const { connection, wallet, adapter, engine, catalog, versionCid } = this;
    const { store } = catalog;
    const loaded = await catalog.adapter(engine, adapter.cid);
    const ledger = await catalog.ledger(engine, loaded, adapter.cid, await catalog.version(versionCid), versionCid);
    flipBit({ rows: 1, columns: ledger.noise.length, values: ledger.noise }, 2);
    const made = { root: await engine.ledgerRoot(ledger), program: (await engine.tracer(ledger)).programHash };
    const files: Record<string, Uint8Array> = {};
    for (const [path, { cid }] of await store.readDirectory(adapter.cid)) files[path] = await store.readFile(cid);
    const { run } = loaded;
    files['ledger.safetensors'] = await writeLedgerFile(engine.backend, ledger);
    files['run.json'] = new TextEncoder().encode(JSON.stringify({ ...run, ledger: { ...run.ledger, ...made } }));
    const cid = await store.addDirectory(files);
    await store.publish(cid, this.publishUrl);
    const { adapterId } = await registerAdapter(connection, wallet, { ...adapter, name, cid, ledgerRoot: made.root, programHash: made.program });
    return this.state(adapterId, this.right);
  }

  private async state(adapterId: bigint, list: OutputRoots): Promise<Made> {
    const { bond } = await vouchRun(this.connection, this.wallet, { adapterId, planRoot: this.plan.root, outputsRoot: list.root, units: list.count, roots: list.bytes });
    return { adapterId, bond };
  }

  /** Shows everything that is demanded now; says in how many transactions. */
  async show({ adapterId, maker }: FalseStatement): Promise<number> {
    return (await showAll(this.connection, this.wallet, adapterId, this.run, this.plan, maker)).length;
  }

  close(): void {
    this.catalog.close();
  }
}
