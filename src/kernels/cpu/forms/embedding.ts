import type { FastForms } from '../form.ts';

export const embeddingForms: FastForms = {
  embedding({ backend, inputs: [table, ids], outputs: [y], shapes, params }) {
    const [v, d] = shapes[0] as [number, number];
    backend.kernels.embedding(table!.at, ids!.at, y!.at, ids!.length, v, d, params.from ?? 0);
  },
  embeddingGradient({ backend, inputs: [dy, rows, starts], outputs: [dTable], shapes }) {
    const [n, d] = shapes[0] as [number, number];
    const v = starts!.length - 1;
    if (!backend.kernels.rowsFit(rows!.at, starts!.at, v, rows!.length, n)) {
      throw new RangeError('embeddingGradient: a row that is not there');
    }
    backend.kernels.embeddingGradient(dy!.at, rows!.at, starts!.at, dTable!.at, v, d);
  },
  rope({ backend, inputs: [x, positions, cos, sin], outputs: [y], shapes, params }) {
    const [table, half] = shapes[2] as [number, number];
    backend.kernels.rope(
      x!.at, positions!.at, cos!.at, sin!.at, y!.at, shapes[0]![0]!, params.heads!, half, table, params.inverse ? 1 : 0,
    );
  },
};
