/** For tests: a StoredDirectory in memory, which can be full, and can lose what a crash would lose. */
import { memorySource } from '../../protocol/model-folder.ts';
import { type StoredDirectory, diskFull, inUse } from './stored-directory.ts';

export class TestDirectory implements StoredDirectory {
  readonly files = new Map<string, Uint8Array>();
  readonly inside = new Map<string, TestDirectory>();
  readonly #open = new Set<string>();
  /** Bytes that may still be written. */
  readonly space: { left: number };

  constructor(space: { left: number } = { left: Infinity }) {
    this.space = space;
  }

  async folders(): Promise<string[]> {
    return [...this.inside.keys()];
  }

  async folder(name: string): Promise<TestDirectory> {
    let found = this.inside.get(name);
    if (!found) this.inside.set(name, (found = new TestDirectory(this.space)));
    return found;
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
    this.inside.delete(name);
  }

  async source(name: string) {
    const bytes = this.files.get(name);
    return bytes && memorySource(name, bytes);
  }

  async append(name: string, at: number) {
    if (this.#open.has(name)) throw inUse(name);
    this.#open.add(name);
    this.files.set(name, (this.files.get(name) ?? new Uint8Array(0)).slice(0, at));
    return {
      write: async (bytes: Uint8Array) => {
        const fitting = Math.min(bytes.length, this.space.left);
        this.space.left -= fitting;
        const before = this.files.get(name)!;
        const grown = new Uint8Array(before.length + fitting);
        grown.set(before);
        grown.set(bytes.subarray(0, fitting), before.length);
        this.files.set(name, grown);
        if (fitting < bytes.length) throw diskFull('no space left');
      },
      close: async () => {
        this.#open.delete(name);
      },
    };
  }
}
