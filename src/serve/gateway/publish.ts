import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContentStore } from '../../storage/content-store.ts';
import { HttpError, readBody, sendJson } from './http-answers.ts';

export const MAX_PUBLISH_BYTES = 64 * 1024 * 1024;
/** Uploads are held in memory until they are checked, so few at a time. */
const MAX_PUBLISHING = 4;

export class Publisher {
  readonly #store: ContentStore;
  #running = 0;

  constructor(store: ContentStore) {
    this.#store = store;
  }

  /** POST /api/publish: a CAR in, `{"roots": [...]}` out. Nothing is stored unless all of it verifies. */
  async serve(request: IncomingMessage, response: ServerResponse, cors: Record<string, string>): Promise<void> {
    // Not a type that forms can send: a foreign page would need a preflight, which it does not get.
    if (!(request.headers['content-type'] ?? '').startsWith('application/vnd.ipld.car')) {
      throw new HttpError(415, 'companion/not-a-car', 'Publishing takes an archive (application/vnd.ipld.car).');
    }
    if (this.#running >= MAX_PUBLISHING)
      throw new HttpError(503, 'companion/busy', 'The companion is taking other uploads.', 'Try again in a moment.');
    this.#running++;
    try {
      const bytes = await readBody(request, MAX_PUBLISH_BYTES);
      const roots = await this.#store.importCar(bytes);
      sendJson(response, 200, { roots }, cors);
    } finally {
      this.#running--;
    }
  }
}
