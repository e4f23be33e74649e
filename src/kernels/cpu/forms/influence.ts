import type { FastForms } from '../form.ts';

export const influenceForms: FastForms = {
  dataInfWeights({ backend, inputs: [b, k], outputs: [w], shapes, params }) {
    const [q, n] = shapes[0] as [number, number];
    const bytes = (n + 4) * 4;
    const scratch = backend.heap.allocate(bytes);
    backend.kernels.dataInfWeights(b!.at, k!.at, w!.at, scratch, q, n, params.factor!);
    backend.heap.free(scratch, bytes);
  },
  dataInfScores({ backend, inputs: [b, c, k], outputs: [y], shapes, params }) {
    const [q, n] = shapes[0] as [number, number];
    backend.kernels.dataInfScores(b!.at, c!.at, k!.at, y!.at, q, n, params.factor!, 1 / n);
  },
};
