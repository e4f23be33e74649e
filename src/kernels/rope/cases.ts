import { hostPow, hostSinCos } from '../../arithmetic/host.ts';
import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, input, tensor, words } from '../case.ts';
import { rope } from './operation.ts';

function tables(positions: number, half: number): { cos: Float32Array; sin: Float32Array } {
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++) {
    for (let j = 0; j < half; j++) [sin[p * half + j], cos[p * half + j]] = hostSinCos(p * hostPow(10000, -j / half));
  }
  return { cos, sin };
}

/** Positions up to the table's length + 1: some are outside. */
function turn(n: number, heads: number, half: number, inverse: number, seed: number, kind: Kind): Case {
  const length = 40;
  const { cos, sin } = tables(length, half);
  return {
    name: `rope ${n} rows ${heads} heads of ${2 * half}${inverse ? ' back' : ''} ${kind}`,
    operation: rope,
    inputs: [tensor(kind, [n, heads * 2 * half], seed), input([n], words(n, length + 2, seed)), input([length, half], cos), input([length, half], sin)],
    params: { heads, inverse },
    work: n * heads * half,
  };
}

const check: GradientCheck = {
  name: 'rope: dx by turning back',
  at: [tensor('normal', [3, 12], 21)],
  loss: ([x]) => {
    const cotangent = floats('normal', 36, 22);
    let sum = 0;
    for (let i = 0; i < 3; i++) {
      for (let head = 0; head < 2; head++) {
        for (let j = 0; j < 3; j++) {
          const angle = (4 + i) * 10000 ** (-j / 3);
          const at = i * 12 + head * 6 + j;
          sum += (x![at]! * Math.cos(angle) - x![at + 3]! * Math.sin(angle)) * cotangent[at]!;
          sum += (x![at + 3]! * Math.cos(angle) + x![at]! * Math.sin(angle)) * cotangent[at + 3]!;
        }
      }
    }
    return sum;
  },
  gradients(run) {
    const { cos, sin } = tables(10, 3);
    const inputs = [
      run.upload([3, 12], floats('normal', 36, 22)),
      run.upload([3], Uint32Array.from([4, 5, 6])),
      run.upload([10, 3], cos),
      run.upload([10, 3], sin),
    ];
    return [run(rope, inputs, { heads: 2, inverse: 1 })[0]];
  },
  tolerance: 1e-6,
};

export const ropeCases: CaseList[] = [
  {
    operation: rope,
    cases: [
      turn(1, 1, 1, 0, 1, 'normal'),
      turn(33, 4, 16, 0, 2, 'normal'),
      turn(33, 4, 16, 1, 3, 'normal'),
      turn(7, 3, 5, 0, 4, 'edge'),
      turn(7, 3, 5, 1, 5, 'edge'),
    ],
    random: (seed) => turn(awkwardSize(seed, 1, 70), 1 + (seed % 5), awkwardSize(seed, 2, 40), seed & 1, seed, anyKind(seed)),
    gradient: [check],
  },
];
