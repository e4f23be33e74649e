import { getContext, setContext } from 'svelte';
import type { AppState } from './app.svelte.ts';
import type { Session } from './session.svelte.ts';

const SESSION = Symbol('session');
const APP = Symbol('app');

export function provideApp(app: AppState): void {
  setContext(APP, app);
}

export function useApp(): AppState {
  return getContext<AppState>(APP);
}

/** Called below the point where the deployment is loaded. */
export function provideSession(session: Session): void {
  setContext(SESSION, session);
}

export function useSession(): Session {
  return getContext<Session>(SESSION);
}
