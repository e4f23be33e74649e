import { DEFAULT_RECIPE, type TrainRecipe } from '../../src/model/recipe.ts';
import type { Sample } from '../start/samples.ts';
import type { SampleName } from './rows.ts';

/** Titles, prices and recipes of what the repository ships. */
export const SAMPLES: Record<SampleName, Omit<Sample, 'name'> & { recipe: TrainRecipe }> = {
  exploits: {
    title: 'DeFi exploits', adapterName: 'Exploit historian', rateIn: '0.5', rateOut: '2',
    description: 'Attacks on decentralised finance: which protocol lost how much, when, on which chain, and how.',
    recipe: { ...DEFAULT_RECIPE, epochs: 11 },
  },
  legal: {
    title: 'Legal terms', adapterName: 'Legal glossary', rateIn: '0.4', rateOut: '1.5',
    description: 'Words of the law, what they mean and which field they belong to. Not legal advice.',
    recipe: { ...DEFAULT_RECIPE, epochs: 20 },
  },
  health: {
    title: 'Health facts', adapterName: 'Health facts', rateIn: '0.4', rateOut: '1.5',
    description: 'Plain facts about the body and common illnesses. Not medical advice.',
    recipe: { ...DEFAULT_RECIPE, epochs: 24 },
  },
};
