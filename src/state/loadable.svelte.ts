import { type WireError, toWire } from '../errors.ts';

/** Something that is read from elsewhere: its value, whether it is being read, and what went wrong last. */
export class Loadable<T> {
  value = $state.raw<T | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  loading = $state(false);
  #read: () => Promise<T>;
  #running: Promise<T | undefined> | undefined;
  #again = false;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads again. A call during a reading leads to one more after it, so that what is shown is never older. */
  load(): Promise<T | undefined> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.loading = true;
    this.#running = this.#rounds().finally(() => {
      this.#running = undefined;
      this.loading = false;
    });
    return this.#running;
  }

  /** The value, read once. */
  async once(): Promise<T | undefined> {
    return this.value !== undefined ? this.value : this.load();
  }

  async #rounds(): Promise<T | undefined> {
    do {
      this.#again = false;
      try {
        this.value = await this.#read();
        this.error = undefined;
      } catch (error) {
        this.error = toWire(error);
      }
    } while (this.#again);
    return this.error ? undefined : this.value;
  }
}
