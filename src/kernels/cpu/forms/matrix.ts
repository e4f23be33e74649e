import { type PackedFormat, PACKED_FORMATS, codeWords, hasScales, scaleWords } from '../../matrix/format.ts';
import type { CpuBackend } from '../backend.ts';
import type { FastCall, FastForms } from '../form.ts';

/** The numbers by which packed.as.ts knows the formats. */
const NUMBER: Readonly<Record<PackedFormat, number>> = { f16: 0, bf16: 1, q8: 2, q4: 3 };
/** A decoded panel: 256 terms of eight columns, and a word's worth more. */
const PANEL_BYTES = 256 * 8 * 4 + 256;

/** Places of codes and scales (0 where there are none) among a call's inputs, and words of their rows. */
function weights({ backend, inputs, shapes }: FastCall, format: PackedFormat, at: number, columns: number) {
  const codes = backend.interleaved(inputs[at]!);
  const scales = hasScales(format) ? backend.interleaved(inputs[at + 1]!) : 0;
  return { codes, scales, rows: shapes[at]![0]!, words: codeWords(format, columns), scaleWords: scaleWords(format, columns) };
}

function withPanel(backend: CpuBackend, work: (panel: number) => void): void {
  const panel = backend.heap.allocate(PANEL_BYTES);
  work(panel);
  backend.heap.free(panel, PANEL_BYTES);
}

function formsOf(format: PackedFormat): FastForms {
  const number = NUMBER[format];
  return {
    [`matmulNT.${format}`](call) {
      const { backend, inputs, outputs: [y], shapes } = call;
      const [n, k] = shapes[0] as [number, number];
      const w = weights(call, format, 1, k);
      const left = backend.left.place(inputs[0]!, n, k);
      withPanel(backend, (panel) => backend.kernels.multiplyRowsOf(number, left, w.codes, w.scales, y!.at, n, w.rows, k, w.words, w.scaleWords, panel));
    },
    [`matmulNN.${format}`](call) {
      const { backend, inputs, outputs: [y], shapes, params } = call;
      const [n, k] = shapes[0] as [number, number];
      const w = weights(call, format, 1, params.columns!);
      const left = backend.left.place(inputs[0]!, n, k);
      withPanel(backend, (panel) => backend.kernels.multiplyColumnsOf(number, left, w.codes, w.scales, y!.at, n, params.columns!, k, w.words, w.scaleWords, panel));
    },
    [`gather.${format}`](call) {
      const { backend, inputs, outputs: [y], params } = call;
      const w = weights(call, format, 0, params.columns!);
      const ids = inputs[hasScales(format) ? 2 : 1]!;
      backend.kernels.gatherPacked(number, w.codes, w.scales, ids.at, y!.at, ids.length, w.rows, params.columns!, w.words, w.scaleWords, params.from ?? 0);
    },
  };
}

export const matrixForms: FastForms = Object.assign({}, ...PACKED_FORMATS.map(formsOf)) as FastForms;
