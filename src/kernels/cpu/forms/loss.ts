import type { FastForms } from '../form.ts';

export const lossForms: FastForms = {
  crossEntropy({ backend, inputs: [logits, targets], outputs: [loss, stats], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    backend.kernels.crossEntropy(logits!.at, targets!.at, loss!.at, stats!.at, n, v);
  },
  crossEntropyGradient({ backend, inputs: [logits, targets, stats, weight], outputs: [dLogits], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    backend.kernels.crossEntropyGradient(logits!.at, targets!.at, stats!.at, weight!.at, dLogits!.at, n, v);
  },
  argmax({ backend, inputs: [x], outputs: [y], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    backend.kernels.argmax(x!.at, y!.at, n, v);
  },
};
