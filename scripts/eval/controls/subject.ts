/** One trained adapter with all that methods and controls read of it; what is costly is made once, when first asked for. */
import { throwIfAborted } from '../../../src/errors.ts';
import type { Engine } from '../../../src/attribution/engine.ts';
import { checkpointSteps } from '../../../src/attribution/curvature/settings.ts';
import { ADAMW, scheduledRate } from '../../../src/model/optimizer.ts';
import { type TrainRecipe, stepCount } from '../../../src/model/recipe.ts';
import { freeLora, type Lora, uploadLora } from '../../../src/model/lora.ts';
import { type Example, type TrainCheckpoint, train } from '../../../src/model/train.ts';
import type { DatanetRecord } from '../../../src/protocol/record.ts';
import { type TracInCheckpoint, adamScaling } from './controls.ts';
import type { RunPoint } from './reference.ts';
import { type Rows, type Span, adapterSpans, drawLabels, gradientRows, loraAt, tokenOutputs } from './gradients.ts';

export interface Question {
  question: string;
  answer: string;
}

export interface SubjectInput {
  records: readonly DatanetRecord[];
  queries: readonly Question[];
  recipe: TrainRecipe;
  signal?: AbortSignal | undefined;
}

/** Parts of the run after which TracIn looks. */
const TRACIN_AT = [0.2, 0.4, 0.6, 0.8, 1];

/** Seed of the labels drawn for the reference form of the curvature method. */
const LABEL_SEED = 1;

export class Subject {
  readonly engine: Engine;
  readonly records: readonly DatanetRecord[];
  readonly queries: readonly Question[];
  readonly recipe: TrainRecipe;
  readonly signal: AbortSignal | undefined;
  /** What training reads of each record; what is asked of each query. */
  readonly examples: Example[];
  readonly asked: Example[];
  readonly lora: Lora;
  readonly spans: Span[];
  private readonly checkpoints: readonly TrainCheckpoint[];
  private readonly held: Lora[] = [];
  private readonly made = new Map<string, Promise<unknown>>();

  private constructor(engine: Engine, { records, queries, recipe, signal }: SubjectInput, examples: Example[], lora: Lora, checkpoints: readonly TrainCheckpoint[]) {
    this.engine = engine;
    this.records = records;
    this.queries = queries;
    this.recipe = recipe;
    this.signal = signal;
    this.examples = examples;
    this.asked = engine.sequences(queries.map(({ question, answer }) => ({ text: '', questions: [{ question, answer }] })));
    this.lora = lora;
    this.spans = adapterSpans(lora);
    this.checkpoints = checkpoints;
  }

  /** Trains the adapter. Throws what training throws. */
  static async train(engine: Engine, input: SubjectInput): Promise<Subject> {
    const examples = engine.sequences(input.records);
    const steps = stepCount(input.recipe, examples.length);
    const at = new Set(TRACIN_AT.map((part) => Math.max(1, Math.round(part * steps))));
    const checkpoints: TrainCheckpoint[] = [];
    const lora = await train(engine.model, examples, input.recipe, {
      signal: input.signal, checkpointEvery: ({ step }) => at.has(step), onCheckpoint: (one) => void checkpoints.push(one),
    });
    return new Subject(engine, input, examples, lora, checkpoints);
  }

  free(): void {
    for (const lora of [this.lora, ...this.held]) freeLora(this.engine.backend, lora);
    this.made.clear();
  }

  private once<T>(name: string, make: () => Promise<T>): Promise<T> {
    throwIfAborted(this.signal);
    if (!this.made.has(name)) this.made.set(name, make());
    return this.made.get(name) as Promise<T>;
  }

  /** The adapter along its run, where the curvature ledger looks. Made by training once more. */
  loras(checkpoints: number): Promise<Lora[]> {
    return this.once(`loras ${checkpoints}`, async () => {
      const { model, backend } = this.engine;
      const made: Lora[] = [];
      const last = await train(model, this.examples, this.recipe, {
        signal: this.signal,
        snapshotSteps: checkpointSteps(stepCount(this.recipe, this.examples.length), checkpoints),
        onSnapshot: ({ tensors }) => void made.push(uploadLora(backend, model.config, this.recipe, tensors)),
      });
      freeLora(backend, last);
      this.held.push(...made);
      return made;
    });
  }

  recordGradients(): Promise<Rows> {
    return this.once('records', () => gradientRows(this.engine.model, this.lora, this.examples));
  }

  queryGradients(): Promise<Rows> {
    return this.once('queries', () => gradientRows(this.engine.model, this.lora, this.asked));
  }

  /** Gradients of labels drawn from the model at the adapter. */
  labelGradients(draws: number): Promise<Rows> {
    return this.once(`labels ${draws}`, () => this.labelsAt(this.lora, draws));
  }

  /** Gradients of records and of drawn labels where the curvature ledger looks. */
  pointsOfRun(checkpoints: number, draws: number): Promise<RunPoint[]> {
    return this.once(`points ${checkpoints} ${draws}`, async () => {
      const points: RunPoint[] = [];
      for (const lora of await this.loras(checkpoints)) {
        points.push({
          records: await gradientRows(this.engine.model, lora, this.examples),
          queries: await gradientRows(this.engine.model, lora, this.asked),
          labels: await this.labelsAt(lora, draws),
        });
        throwIfAborted(this.signal);
      }
      return points;
    });
  }

  /** `draws` rows for each record: each token's gradient by the root of its weight in the record's loss. */
  private async labelsAt(lora: Lora, draws: number): Promise<Rows> {
    const { model } = this.engine;
    const outputs = await tokenOutputs(model, lora, this.examples);
    const parts: Rows[] = [];
    for (let draw = 0; draw < draws; draw++) {
      const labels = outputs.map(({ logits }, k) => drawLabels(logits, model.config.vocab, LABEL_SEED, draw, k));
      parts.push(await gradientRows(model, lora, this.examples, { weight: (_k, _t, usual) => Math.sqrt(usual), target: (k, t) => labels[k]![t]! }));
      throwIfAborted(this.signal);
    }
    const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
    parts.forEach((part, draw) => values.set(part.values, draw * part.values.length));
    return { count: draws * this.examples.length, width: parts[0]!.width, values };
  }

  /** Gradients at the run's checkpoints, with Adam's scaling there. */
  tracInCheckpoints(): Promise<TracInCheckpoint[]> {
    return this.once('checkpoints', async () => {
      const { model } = this.engine;
      const steps = stepCount(this.recipe, this.examples.length);
      const warmup = Math.max(1, Math.floor(steps / 10));
      const out: TracInCheckpoint[] = [];
      for (const checkpoint of this.checkpoints) {
        const lora = loraAt(model, this.recipe, checkpoint);
        try {
          const moments = new Float32Array(this.spans.at(-1)!.to);
          for (const { name, from } of this.spans) moments.set(checkpoint.parameters.find((one) => one.name === name)!.v, from);
          out.push({
            records: await gradientRows(model, lora, this.examples),
            queries: await gradientRows(model, lora, this.asked),
            rate: scheduledRate(this.recipe.rate, checkpoint.step - 1, steps, warmup, this.recipe.schedule),
            scaling: adamScaling(moments, checkpoint.step, ADAMW.beta2, ADAMW.eps),
          });
        } finally {
          freeLora(model.backend, lora);
        }
        throwIfAborted(this.signal);
      }
      return out;
    });
  }
}
