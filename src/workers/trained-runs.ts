import type { Engine, Files, LoadedAdapter } from '../attribution/engine.ts';
import type { CurvatureLedger } from '../attribution/curvature/curvature-ledger.ts';
import { OpenLedgerError } from '../errors.ts';
import type { RunFile } from '../protocol/run.ts';
import type { TrainInput, TrainStep, Trained } from './engine.api.ts';
import type { Opened, Report } from './opened-engine.ts';

interface HeldRun {
  files: Files;
  run: RunFile;
  adapter: LoadedAdapter;
  ledger: CurvatureLedger;
}

interface Hooks {
  signal: AbortSignal;
  onStep: (step: TrainStep) => void;
  onProgress: Report;
}

/** Training's own code is fetched when it is first asked for. */
const loadTraining = () => import('./training.ts');

/** Runs that were trained here, held until they are published or discarded. */
export class TrainedRuns {
  readonly #runs = new Map<string, HeldRun>();
  /** Trainings that are to be kept after their present step. */
  readonly #keepNow = new Set<string>();
  #number = 0;

  async train(engine: Engine, job: string, input: TrainInput, hooks: Hooks): Promise<Trained> {
    const { runTraining } = await loadTraining();
    const { result, heldOut, seconds, finalLoss } = await runTraining(engine, input, { ...hooks, wanted: () => this.#keepNow.delete(job) });
    const trained = `run-${++this.#number}`;
    this.#runs.set(trained, result);
    return { trained, run: result.run, heldOut, seconds, finalLoss, adapterBytes: result.files['adapter_model.safetensors']!.length };
  }

  keepNow(job: string): void {
    this.#keepNow.add(job);
  }

  /** Throws `engine/no-such-run`, as `publish` does. */
  async ask(engine: Engine, trained: string, question: string, signal: AbortSignal): Promise<{ before: string; after: string }> {
    const prompt = engine.prompt(question);
    const text = async (adapter: LoadedAdapter | undefined) => engine.tokenizer.decode(await engine.generate(adapter, prompt, { signal, maxTokens: 48 })).trim();
    return { before: await text(undefined), after: await text(this.#held(trained).adapter) };
  }

  async publish({ catalog, publishUrl }: Opened, trained: string): Promise<{ cid: string; run: RunFile }> {
    const { files, run } = this.#held(trained);
    const cid = await catalog.store.addDirectory(files);
    if (publishUrl) await catalog.store.publish(cid, publishUrl);
    return { cid, run };
  }

  discard(engine: Engine, trained: string): void {
    const held = this.#runs.get(trained);
    if (!held) return;
    this.#runs.delete(trained);
    engine.freeLedger(held.ledger);
    engine.unloadAdapter(held.adapter);
  }

  /** Forgets all; their memory goes with the device. */
  clear(): void {
    this.#runs.clear();
  }

  #held(trained: string): HeldRun {
    const run = this.#runs.get(trained);
    if (run) return run;
    throw new OpenLedgerError({ code: 'engine/no-such-run', what: 'This training run is gone.', why: 'The page or the engine was restarted since.', next: 'Start it again: it goes on with what was kept, and the same settings give the same adapter.' });
  }
}
