import { type Case, floats, input, tensor } from '../case.ts';
import { encodeRows } from './encode.ts';
import { type Format, PACKED_FORMATS, codeWords, hasScales, scaleWords } from './format.ts';
import { finishTotals, matrixOperations, placeColumns } from './operation.ts';

/** Small known cases of this folder's operations, for self-test-cases.ts. */
export function matrixSelfTestCases(): Case[] {
  const weights = (format: Format, rows: number, columns: number) => {
    const { codes, scales } = encodeRows('self-test', format, floats('edge', rows * columns, 2026, 2), columns);
    const held = input([rows, codeWords(format, columns)], codes);
    return hasScales(format) ? [held, input([rows, scaleWords(format, columns)], scales!)] : [held];
  };
  const totals = input([6, 9], new Uint32Array(floats('edge', 54, 2026, 3).buffer));
  const part = (format: Format): Case => {
    const { nnPart } = matrixOperations[format];
    return { name: nnPart.name, operation: nnPart, inputs: [tensor('edge', [6, 300], 2026, 1, 8), ...weights(format, 44, 9), totals], params: { columns: 9, from: 256 } };
  };
  return [
    { name: 'finishTotals', operation: finishTotals, inputs: [totals], params: {} },
    { name: 'placeColumns', operation: placeColumns, inputs: [tensor('edge', [6, 9], 2026, 1, 8), tensor('edge', [6, 4], 2026, 2, 8)], params: { at: 3 } },
    part('f32'),
    ...PACKED_FORMATS.flatMap((format) => {
      const { nt, nn, gather } = matrixOperations[format];
      return [
        { name: nt.name, operation: nt, inputs: [tensor('edge', [6, 300], 2026, 1, 8), ...weights(format, 9, 300)], params: {} },
        { name: nn.name, operation: nn, inputs: [tensor('edge', [6, 300], 2026, 1, 8), ...weights(format, 300, 9)], params: { columns: 9 } },
        part(format),
        { name: gather.name, operation: gather, inputs: [...weights(format, 7, 33), input([4], Uint32Array.of(260, 256, 255, 263))], params: { columns: 33, from: 256 } },
      ];
    }),
  ];
}
