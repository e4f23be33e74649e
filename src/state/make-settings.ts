import { DEFAULT_RECIPE, type Target, type TrainRecipe, heldOutCount, stepCount } from '../workers/engine.api.ts';

/** What a person may change of a run; the rest follows. */
export interface Settings {
  rank: number;
  rate: number;
  epochs: number;
  batch: number;
  seed: number;
  schedule: 'cosine' | 'constant';
  targets: Target[];
  /** Per cent of the records that are held out; above 0 the run is a trial. */
  heldOut: number;
}

export type NumberSetting = 'rank' | 'rate' | 'epochs' | 'batch' | 'seed' | 'heldOut';

export const DEFAULT_SETTINGS: Readonly<Settings> = {
  rank: DEFAULT_RECIPE.rank,
  rate: DEFAULT_RECIPE.rate,
  epochs: DEFAULT_RECIPE.epochs,
  batch: DEFAULT_RECIPE.batch,
  seed: DEFAULT_RECIPE.seed,
  schedule: 'cosine',
  targets: DEFAULT_RECIPE.targets,
  heldOut: 0,
};

export const SETTING_BOUNDS: Record<NumberSetting, { least: number; most: number; whole: boolean }> = {
  rank: { least: 1, most: 64, whole: true },
  rate: { least: 1e-6, most: 0.1, whole: false },
  epochs: { least: 1, most: 500, whole: true },
  batch: { least: 1, most: 256, whole: true },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
  heldOut: { least: 0, most: 50, whole: true },
};

/** Settings of their own, to be changed. */
export function copySettings(settings: Readonly<Settings>): Settings {
  return { ...settings, targets: [...settings.targets] };
}

/** What is wrong with a setting; undefined where nothing is. */
export function problemOf(settings: Readonly<Settings>, name: NumberSetting | 'targets'): string | undefined {
  if (name === 'targets') return settings.targets.length ? undefined : 'At least one kind of layer has to be adapted.';
  const { least, most, whole } = SETTING_BOUNDS[name];
  const value: unknown = settings[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'A number is needed.';
  if (whole && !Number.isInteger(value)) return 'A whole number is needed.';
  return value < least || value > most ? `It has to be from ${least} to ${most}.` : undefined;
}

export function areValid(settings: Readonly<Settings>): boolean {
  return ([...Object.keys(SETTING_BOUNDS), 'targets'] as (NumberSetting | 'targets')[]).every((name) => !problemOf(settings, name));
}

/** Which settings are not the default. */
export function changedSettings(settings: Readonly<Settings>): (keyof Settings)[] {
  return (Object.keys(DEFAULT_SETTINGS) as (keyof Settings)[]).filter((name) => String(settings[name]) !== String(DEFAULT_SETTINGS[name]));
}

/** Alpha follows the rank, so that a change of rank does not change the size of the steps. */
export function recipeOf({ rank, rate, epochs, batch, seed, schedule, targets }: Readonly<Settings>): TrainRecipe {
  return {
    ...DEFAULT_RECIPE, rank, rate, epochs, batch, seed, alpha: 2 * rank,
    // In the order of the default, whatever was ticked first: the recipe's text belongs to the run.
    targets: DEFAULT_RECIPE.targets.filter((target) => targets.includes(target)),
    ...(schedule === 'constant' && { schedule }),
  };
}

/** Records that are trained on, of n. */
export function trainedCount(settings: Readonly<Settings>, n: number): number {
  return n - heldOutCount(n, settings.heldOut / 100);
}

/** Steps of a run over n records, those held out among them. */
export function stepsOf(settings: Readonly<Settings>, n: number): number {
  return stepCount(recipeOf(settings), trainedCount(settings, n));
}

/** What this page notes of a run that the worker keeps. */
export interface RunNote {
  /** Chain and registry, since ids of Datanets mean nothing elsewhere. */
  network: string;
  datanetId: string;
  version: number;
  name: string;
  settings: Settings;
}

/** A note read back; undefined for what another version of this page, or something else, has written. */
export function parseRunNote(kept: unknown): RunNote | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const { network, datanetId, version, name, settings } = kept as Partial<Record<keyof RunNote, unknown>>;
  if (typeof network !== 'string' || typeof name !== 'string' || typeof datanetId !== 'string' || !/^[0-9]{1,20}$/.test(datanetId) || !Number.isSafeInteger(version)) return undefined;
  if (typeof settings !== 'object' || settings === null || !Array.isArray((settings as Partial<Settings>).targets)) return undefined;
  const read = copySettings({ ...DEFAULT_SETTINGS, ...(settings as Settings) });
  return areValid(read) && recipeOf(read).targets.length ? { network, datanetId, version: version as number, name, settings: read } : undefined;
}
