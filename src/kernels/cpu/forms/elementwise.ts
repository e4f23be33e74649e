import type { FastForms } from '../form.ts';

export const elementwiseForms: FastForms = {
  add: ({ backend, inputs: [a, b], outputs: [y] }) => backend.kernels.add(a!.at, b!.at, y!.at, y!.length),
  addScaled: ({ backend, inputs: [a, b], outputs: [y], params }) =>
    backend.kernels.addScaled(a!.at, b!.at, y!.at, y!.length, params.scale!),
  scale: ({ backend, inputs: [a], outputs: [y], params }) => backend.kernels.scale(a!.at, y!.at, y!.length, params.scale!),
  addBias({ backend, inputs: [x, b], outputs: [y], shapes }) {
    const [n, m] = shapes[0] as [number, number];
    backend.kernels.addBias(x!.at, b!.at, y!.at, n, m);
  },
  scaleColumns({ backend, inputs: [x, s], outputs: [y], shapes }) {
    const m = shapes[1]![0]!;
    backend.kernels.scaleColumns(x!.at, s!.at, y!.at, m ? y!.length / m : 0, m);
  },
  swiglu: ({ backend, inputs: [gate, up], outputs: [h] }) => backend.kernels.swiglu(gate!.at, up!.at, h!.at, h!.length),
  swigluGradient: ({ backend, inputs: [dh, gate, up], outputs: [dGate, dUp] }) =>
    backend.kernels.swigluGradient(dh!.at, gate!.at, up!.at, dGate!.at, dUp!.at, dh!.length),
  adamw({ backend, inputs: [w, g, m, v], params: p }) {
    backend.kernels.adamw(
      w!.at, g!.at, m!.at, v!.at, w!.length,
      p.rate!, p.beta1!, p.beta2!, p.eps!, p.decay!, p.correction1!, p.correction2!,
    );
  },
};
