import { readPreference, writePreference } from './preferences.ts';

export type ThemeChoice = 'system' | 'light' | 'dark';

/** Light and dark: the system's choice unless the person chose. */
export class Theme {
  choice = $state<ThemeChoice>('system');
  /** What is shown now; charts redraw on it. */
  shown = $state<'light' | 'dark'>('light');
  #system = matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    const kept = readPreference('theme');
    if (kept === 'light' || kept === 'dark') this.choice = kept;
    this.#system.addEventListener('change', () => this.#apply());
    this.#apply();
  }

  toggle(): void {
    const next = this.shown === 'dark' ? 'light' : 'dark';
    this.choice = next === (this.#system.matches ? 'dark' : 'light') ? 'system' : next;
    writePreference('theme', this.choice === 'system' ? undefined : this.choice);
    this.#apply();
  }

  #apply(): void {
    this.shown = this.choice === 'system' ? (this.#system.matches ? 'dark' : 'light') : this.choice;
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}
