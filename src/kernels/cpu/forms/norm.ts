import type { FastForms } from '../form.ts';

export const normForms: FastForms = {
  rmsNorm({ backend, inputs: [x, w], outputs: [y, r], shapes, params }) {
    const [n, d] = shapes[0] as [number, number];
    backend.kernels.rmsNorm(x!.at, w!.at, y!.at, r!.at, n, d, params.eps!);
  },
  rmsNormGradient({ backend, inputs: [dy, x, w, r], outputs: [dx], shapes }) {
    const [n, d] = shapes[0] as [number, number];
    backend.kernels.rmsNormGradient(dy!.at, x!.at, w!.at, r!.at, dx!.at, n, d);
  },
  rmsNormWeightGradient({ backend, inputs: [dy, x, r], outputs: [dw], shapes }) {
    const [n, d] = shapes[0] as [number, number];
    backend.kernels.rmsNormWeightGradient(dy!.at, x!.at, r!.at, dw!.at, n, d);
  },
};
