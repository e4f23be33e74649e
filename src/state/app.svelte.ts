import { type WireError, toWire } from '../errors.ts';
import { loadDeployment } from './load-deployment.ts';
import { type Route, Router } from './router.svelte.ts';
import { Session } from './session.svelte.ts';
import { Theme } from './theme.svelte.ts';

/** The page itself: where it is, how it looks, and which deployment it serves. */
export class AppState {
  readonly router: Router;
  readonly theme = new Theme();
  phase = $state<'loading' | 'waiting' | 'ready' | 'failed'>('loading');
  error = $state.raw<WireError | undefined>(undefined);
  session = $state.raw<Session | undefined>(undefined);

  constructor(routes: Route[]) {
    this.router = new Router(routes);
  }

  start(): void {
    this.router.start();
    void this.load();
  }

  async load(): Promise<void> {
    this.error = undefined;
    const url = new URL('deployment.json', document.baseURI).href;
    try {
      const deployment = await loadDeployment(url);
      this.session = new Session(deployment, url);
      this.phase = 'ready';
    } catch (error) {
      this.error = toWire(error);
      this.phase = this.error.code === 'deployment/not-ready' ? 'waiting' : 'failed';
      if (this.phase === 'waiting') setTimeout(() => void this.load(), 2_000);
    }
  }
}
