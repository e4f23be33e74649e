import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, input, tensor } from '../case.ts';
import { swiglu, swigluGradient } from './operation.ts';

function forward(n: number, m: number, seed: number, kind: Kind): Case {
  return {
    name: `swiglu ${n}x${m} ${kind}`,
    operation: swiglu,
    inputs: [tensor(kind, [n, m], seed, 0, 20), tensor(kind, [n, m], seed, 1)],
    params: {},
    work: n * m,
  };
}

function backward(n: number, m: number, seed: number, kind: Kind): Case {
  return {
    name: `swigluGradient ${n}x${m} ${kind}`,
    operation: swigluGradient,
    inputs: [tensor(kind, [n, m], seed), tensor(kind, [n, m], seed, 1), tensor(kind, [n, m], seed, 2)],
    params: {},
    work: n * m,
  };
}

/** Every branch of the sigmoid and the exponential. */
function sweep(): Case {
  const gate = Float32Array.from({ length: 1601 }, (_, i) => (i - 800) / 10);
  return {
    name: 'swiglu gates -80 to 80',
    operation: swiglu,
    inputs: [input([1601], gate), input([1601], new Float32Array(1601).fill(1))],
    params: {},
  };
}

const check: GradientCheck = {
  name: 'swiglu: both gradients',
  at: [tensor('normal', [4, 9], 21), tensor('normal', [4, 9], 22)],
  loss: ([gate, up]) => {
    const cotangent = floats('normal', 36, 23);
    return gate!.reduce((sum, g, i) => sum + (g / (1 + Math.exp(-g))) * up![i]! * cotangent[i]!, 0);
  },
  gradients: (run, [gate, up]) => run(swigluGradient, [run.upload([4, 9], floats('normal', 36, 23)), gate!, up!]),
  tolerance: 1e-6,
};

const small = (seed: number, stream: number) => awkwardSize(seed, stream, 90);

export const swigluCases: CaseList[] = [
  {
    operation: swiglu,
    cases: [forward(1, 1, 1, 'normal'), forward(33, 352, 2, 'normal'), forward(31, 65, 3, 'edge'), sweep()],
    random: (seed) => forward(small(seed, 1), small(seed, 2), seed, anyKind(seed)),
    gradient: [check],
  },
  {
    operation: swigluGradient,
    cases: [backward(1, 1, 4, 'normal'), backward(33, 352, 5, 'normal'), backward(31, 65, 6, 'edge')],
    random: (seed) => backward(small(seed, 1), small(seed, 2), seed, anyKind(seed)),
    gradient: { none: 'it is the gradient of swiglu, checked there' },
  },
];
