import { type Catalog, parseJson } from '../../attribution/catalog.ts';
import type { BaseIdentity } from '../../attribution/engine.ts';
import { RunExaminer } from '../../attribution/runs/examine.ts';
import { publishedConstants } from '../../attribution/runs/published-constants.ts';
import type { ProgramConstants } from '../../attribution/runs/outcome-evidence.ts';
import { otherThanRegistered } from '../../attribution/runs/registered.ts';
import { openRun } from '../../attribution/runs/run-of-adapter.ts';
import type { Adapter } from '../../chain/list-adapters.ts';
import type { DatanetVersion } from '../../chain/list-datanets.ts';
import { OpenLedgerError } from '../../errors.ts';
import { parseRunFile } from '../../protocol/run.ts';

/** Opens the run that a registered adapter tells of. */
export interface RunSubjects {
  /** Throws coded errors where it cannot be had, is not what the chain names, or is larger than is allowed here. */
  open(adapter: Adapter, version: DatanetVersion): Promise<RunExaminer>;
  /** The program of its answers with the constants that were published with it. Throws coded errors where they cannot be had. */
  published(adapter: Adapter, version: DatanetVersion): Promise<ProgramConstants>;
}

const RUN_BYTES = 2 ** 20;

/** By CID, everything compared with the roots on chain. Only `bases` are opened; runs of more units than `mostUnits` are refused before anything is computed. */
export function catalogRuns(catalog: Catalog, bases: readonly BaseIdentity[], mostUnits: number): RunSubjects {
  /** Its run.json as it is registered, and the base that it names. */
  async function read(adapter: Adapter, version: DatanetVersion) {
    const file = (await catalog.store.readDirectory(adapter.cid)).get('run.json');
    if (!file) throw otherContent('Its folder has no run.json.');
    const run = parseRunFile(parseJson(await catalog.store.readFile(file.cid, undefined, { maxBytes: RUN_BYTES }), 'run.json'));
    const { records } = await catalog.version(version.cid);
    const other = otherThanRegistered(run, records, { ...adapter, versionRoot: version.root });
    if (other) throw otherContent(other);
    return { run, records, engine: await baseOf(catalog, bases, run.base) };
  }
  return {
    async open(adapter, version) {
      const { run, records, engine } = await read(adapter, version);
      const opened = await openRun(engine, run, records);
      if (opened.plan.count <= mostUnits) return new RunExaminer(opened);
      throw new OpenLedgerError({ code: 'watch/run-too-long', what: 'The run is too long to be made again here.', why: `It has ${opened.plan.count} units; ${mostUnits} are allowed.`, next: 'Allow more with --max-units.' });
    },
    async published(adapter, version) {
      const { engine } = await read(adapter, version);
      return publishedConstants(catalog, engine, adapter.cid, version.cid);
    },
  };
}

async function baseOf(catalog: Catalog, bases: readonly BaseIdentity[], { root, format }: { root: string; format?: string }) {
  for (const base of bases) {
    const engine = await catalog.engine(base, { format });
    if (engine.root === root) return engine;
  }
  throw new OpenLedgerError({ code: 'watch/other-base', what: 'The adapter’s base model is none that this watcher was given.', next: 'Name it with --base CID.' });
}

function otherContent(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'watch/other-content', what: 'The adapter’s content is not what the chain names.', why, next: 'Its run cannot be checked.' });
}
