/**
 * Small things kept between visits: read events, conversations, choices. IndexedDB where there is one; where it is
 * refused (private windows, blocked storage) memory serves until the tab closes, and `persistent` says so.
 */
const NAME = 'openledger-app';
const STORE = 'kept';

const memory = new Map<string, unknown>();
let opening: Promise<IDBDatabase | undefined> | undefined;

function open(): Promise<IDBDatabase | undefined> {
  opening ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        // Another tab with a newer version may upgrade: give way, and open again when next asked.
        request.result.onversionchange = () => {
          request.result.close();
          opening = undefined;
        };
        resolve(request.result);
      };
      request.onerror = () => resolve(undefined);
      request.onblocked = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
  return opening;
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<{ value: T } | undefined> {
  const database = await open();
  if (!database) return undefined;
  return new Promise((resolve) => {
    try {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve({ value: request.result });
      transaction.onerror = () => resolve(undefined);
      transaction.onabort = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
}

export async function keptPersistently(): Promise<boolean> {
  return (await open()) !== undefined;
}

export async function readKept(key: string): Promise<unknown> {
  const found = await run('readonly', (store) => store.get(key));
  return found?.value ?? memory.get(key);
}

/** Whether it will outlast the tab. */
export async function keep(key: string, value: unknown): Promise<boolean> {
  const done = await run('readwrite', (store) => store.put(value, key));
  if (done) memory.delete(key);
  else memory.set(key, value);
  return done !== undefined;
}

export async function dropKept(key: string): Promise<void> {
  memory.delete(key);
  await run('readwrite', (store) => store.delete(key));
}

export async function keptKeys(prefix: string): Promise<string[]> {
  const found = await run('readonly', (store) => store.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
  const keys = new Set([...memory.keys()].filter((key) => key.startsWith(prefix)));
  for (const key of found?.value ?? []) if (typeof key === 'string') keys.add(key);
  return [...keys];
}
