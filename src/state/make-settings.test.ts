import { describe, expect, it } from 'vitest';
import { DEFAULT_RECIPE } from '../workers/engine.api.ts';
import { DEFAULT_SETTINGS, type RunNote, areValid, changedSettings, copySettings, parseRunNote, problemOf, recipeOf, stepsOf, trainedCount } from './make-settings.ts';

const set = (change: object) => ({ ...copySettings(DEFAULT_SETTINGS), ...change });

describe('settings of a run', () => {
  it('are those of the default recipe until something is changed', () => {
    expect(recipeOf(DEFAULT_SETTINGS)).toEqual({ ...DEFAULT_RECIPE, alpha: 2 * DEFAULT_RECIPE.rank });
    expect(changedSettings(copySettings(DEFAULT_SETTINGS))).toEqual([]);
    expect(changedSettings(set({ rank: 4, targets: ['q_proj'] }))).toEqual(['rank', 'targets']);
  });

  it('make a recipe whose text does not depend on the order of ticking, and that knows nothing of what is held out', () => {
    expect(recipeOf(set({ targets: ['up_proj', 'q_proj'], schedule: 'constant', rank: 4, heldOut: 10 }))).toEqual({
      ...DEFAULT_RECIPE, rank: 4, alpha: 8, schedule: 'constant', targets: ['q_proj', 'up_proj'],
    });
  });

  it.each([['rank', 0], ['rank', 2.5], ['rate', NaN], ['rate', 1], ['epochs', ''], ['heldOut', 51], ['heldOut', -1], ['targets', []]] as const)('refuse %s = %j', (name, value) => {
    expect(problemOf(set({ [name]: value }), name)).toBeTruthy();
    expect(areValid(set({ [name]: value }))).toBe(false);
  });

  it('count steps over what is trained on', () => {
    expect(stepsOf(set({ epochs: 3, batch: 4 }), 10)).toBe(9);
    expect(trainedCount(set({ heldOut: 20 }), 10)).toBe(8);
    expect(stepsOf(set({ epochs: 3, batch: 4, heldOut: 20 }), 10)).toBe(6);
    expect(trainedCount(set({ heldOut: 1 }), 10)).toBe(9);
  });
});

describe('the note beside a kept run', () => {
  const note: RunNote = { network: '31337:0xabc', datanetId: '3', version: 2, name: 'Legal', settings: set({ epochs: 7, heldOut: 10 }) };
  it('comes back as it was', () => expect(parseRunNote(structuredClone(note))).toEqual(note));
  it.each([
    undefined, null, 'note', {}, { ...note, datanetId: '0x1' }, { ...note, version: 1.5 }, { ...note, settings: undefined },
    { ...note, settings: { ...note.settings, rank: 1e9 } }, { ...note, settings: { ...note.settings, targets: ['head'] } },
  ])('is not taken from %j', (kept) => expect(parseRunNote(kept)).toBeUndefined());
});
