import { randomUnit } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { drawTargets } from './operation.ts';

/** Uniforms with both ends of their range; 1, which is outside, is answered too. */
function draws(m: number, v: number, s: number, seed: number, kind: Kind, spread = 8): Case {
  const { values } = tensor(kind, [m, v], seed, 0, 6);
  const logits = kind === 'normal' ? values.map((x) => Math.fround(x * spread)) : values;
  const stats = new Float32Array(2 * m);
  for (let i = 0; i < m; i++) stats[2 * i] = logits.subarray(i * v, (i + 1) * v).reduce((a, b) => Math.max(a, b));
  const ends = [0, 1 - 2 ** -24, 1, 0.5];
  const uniforms = Float32Array.from({ length: m * s }, (_, i) => (i % 5 === 4 ? ends[(i / 5) & 3]! : randomUnit(seed, 4, i)));
  return {
    name: `drawTargets ${s} of ${m}x${v} ${kind} ${spread}`,
    operation: drawTargets,
    inputs: [input([m, v], logits), input([m, 2], stats), input([m, s], uniforms)],
    params: {},
    work: m * v,
  };
}

export const drawTargetsCases: CaseList[] = [
  {
    operation: drawTargets,
    cases: [
      draws(1, 1, 5, 1, 'normal'),
      draws(5, 255, 3, 2, 'normal', 1),
      draws(5, 256, 1, 3, 'edge'),
      draws(3, 257, 70, 4, 'normal', 0.01),
      draws(9, 2048, 4, 5, 'normal', 1),
      draws(2, 9001, 5, 6, 'normal', 0.01),
      draws(2, 70_001, 5, 7, 'normal', 0.25),
    ],
    random: (seed) => draws(awkwardSize(seed, 1, 20), awkwardSize(seed, 2, 700), 1 + (seed % 6), seed, anyKind(seed), [0.01, 1, 8][seed % 3]),
    gradient: { none: 'an integer result' },
  },
];
