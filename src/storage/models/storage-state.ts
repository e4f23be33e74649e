import { OpenLedgerError } from '../../errors.ts';

/** What the browser lets this site store, in bytes. */
export interface StorageState {
  usage: number;
  quota: number;
  /** Whether the browser promised not to delete it by itself. */
  persisted: boolean;
}

/** What is used of the browser's StorageManager, any part of which may be missing (workers lack `persist`). */
export interface StorageLimits {
  estimate?(): Promise<{ usage?: number; quota?: number }>;
  persisted?(): Promise<boolean>;
  persist?(): Promise<boolean>;
}

/** Kept free beside what is stored: browsers need a little for each file, and estimates are rounded. */
const SLACK = 16 * 2 ** 20;

/** Undefined where the browser does not say. */
export async function storageState(limits: StorageLimits | undefined = globalThis.navigator?.storage): Promise<StorageState | undefined> {
  const { usage, quota } = (await limits?.estimate?.().catch(() => undefined)) ?? {};
  if (usage === undefined || quota === undefined) return undefined;
  return { usage, quota, persisted: (await limits?.persisted?.().catch(() => false)) ?? false };
}

/**
 * Asks the browser to keep what is stored, which may ask the person. Browsers offer this to pages only: in a worker
 * nothing is asked and the answer is the state as it is.
 */
export async function askToKeep(limits: StorageLimits | undefined = globalThis.navigator?.storage): Promise<boolean> {
  if (await limits?.persisted?.().catch(() => false)) return true;
  return (await limits?.persist?.().catch(() => false)) ?? false;
}

/** Throws `storage/quota` where the browser says that so many more bytes do not fit. */
export async function requireSpace(needed: number, limits: StorageLimits | undefined): Promise<void> {
  const state = await storageState(limits);
  if (!state) return;
  const free = Math.max(0, state.quota - state.usage);
  if (needed + SLACK <= free) return;
  const text = (bytes: number) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
  throw new OpenLedgerError({
    code: 'storage/quota',
    what: 'There is not enough space for this model.',
    why: `It needs ${text(needed)} more; this site may store ${text(free)} more on this device: ${text(needed + SLACK - free)} are missing.`,
    next: 'Delete a model here, free space on this device, or choose a smaller model.',
  });
}
