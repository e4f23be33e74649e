import { describe, expect, it } from 'vitest';
import { adamw } from '../adamw/operation.ts';
import { floats } from '../case.ts';
import { addTensors } from '../elementwise/operation.ts';
import { decodeRows } from '../matrix/decode.ts';
import { encodeRows } from '../matrix/encode.ts';
import { PACKED_FORMATS, matrixBytes } from '../matrix/format.ts';
import { createMatrix, freeMatrix, gatherRows, matrixNN, matrixNT, writeRows } from '../matrix/matrix.ts';
import { matmulNT } from '../matmul/operation.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { Scope } from '../scope.ts';
import { createCpuBackend } from './backend.ts';

describe.each(PACKED_FORMATS)('a %s matrix on the CPU', (format) => {
  it('takes its own bytes and no float32 copy, through every use', async () => {
    const cpu = await createCpuBackend();
    const [rows, columns] = [1000, 256];
    const matrix = createMatrix(cpu, 'w', rows, columns, format);
    writeRows(cpu, matrix, 0, floats('normal', rows * columns, 1));
    const scope = new Scope(cpu);
    matrixNT(scope, 'y', scope.upload('x', [1, columns], floats('normal', columns, 2)), matrix);
    matrixNN(scope, 'dx', scope.upload('dy', [3, rows], floats('normal', 3 * rows, 3)), matrix);
    gatherRows(scope, 'rows', matrix, scope.upload('ids', [2], Uint32Array.of(0, 999)));
    scope.release();
    // The heap rounds up by an eighth at most.
    expect(cpu.memory().bytes).toBeLessThanOrEqual(matrixBytes(rows, columns, format) * 1.125);
    expect(cpu.memory().peakBytes).toBeLessThan(matrixBytes(rows, columns, format) * 1.125 + 150_000);
    freeMatrix(cpu, matrix);
    expect(cpu.memory().bytes).toBe(0);
  });

  it('reads back as it was written and takes new rows, before and after products', async () => {
    const cpu = await createCpuBackend();
    const [rows, columns] = [29, 70];
    const matrix = createMatrix(cpu, 'w', rows, columns, format);
    const values = floats('normal', rows * columns, 4);
    writeRows(cpu, matrix, 0, values);
    const scope = new Scope(cpu);
    const x = scope.upload('x', [2, columns], floats('normal', 2 * columns, 5));
    const part = matrix.parts[0]!;
    const decoded = async () => decodeRows(format, await cpu.read(part.codes), part.scales && (await cpu.read(part.scales)), columns);
    const { codes, scales } = encodeRows('w', format, values, columns);
    matrixNT(scope, 'y', x, matrix);
    expect(await decoded()).toEqual(decodeRows(format, codes, scales, columns));
    writeRows(cpu, matrix, 27, floats('normal', 2 * columns, 6));
    const y = (await cpu.read(matrixNT(scope, 'y', x, matrix))) as Float32Array;
    const plain = new ReferenceBackend();
    const w = plain.upload('w', [rows, columns], await decoded());
    const [expected] = plain.run(matmulNT, 'y', [plain.upload('x', [2, columns], floats('normal', 2 * columns, 5)), w]);
    expect(y).toEqual(await plain.read(expected!));
    scope.release();
  });

  it('skips rows of zeros and gives the bits of the reference', async () => {
    const cpu = await createCpuBackend();
    const plain = new ReferenceBackend();
    // One chunk of rows, and more than one; forward more than a block of columns.
    const [rows, columns] = [24, 264];
    const values = floats('normal', rows * columns, 4);
    for (const n of [12, 134]) {
      const x = (width: number) => floats('normal', n * width, 5).map((value, i) => (Math.floor(i / width) % 11 < 9 || i >= 130 * width ? 0 : value));
      const [ours, theirs] = await Promise.all([cpu, plain].map(async (on) => {
        const scope = new Scope(on);
        const matrix = createMatrix(on, 'w', rows, columns, format);
        writeRows(on, matrix, 0, values);
        return Promise.all([on.read(matrixNT(scope, 'y', scope.upload('x', [n, columns], x(columns)), matrix)), on.read(matrixNN(scope, 'dx', scope.upload('dy', [n, rows], x(rows)), matrix))]);
      }));
      expect(ours).toEqual(theirs);
      expect(ours![0]!.some((value) => value !== 0)).toBe(true);
    }
  });
});

describe('left operands kept between products', () => {
  it('are dropped when their tensor changes or goes', async () => {
    const cpu = await createCpuBackend();
    const upload = (name: string, shape: number[], seed: number) => cpu.upload(name, shape, floats('normal', shape[0]! * shape[1]!, seed));
    const w = upload('w', [9, 40], 1);
    for (const n of [1, 5]) {
      const x = upload('x', [n, 40], 2);
      const first = await cpu.read(cpu.run(matmulNT, 'y', [x, w])[0]!);
      expect(await cpu.read(cpu.run(matmulNT, 'y', [x, w])[0]!)).toEqual(first);
      // In place by an operation, and by a write.
      const [g, m, v] = [3, 4, 5].map((seed) => upload('g', [n, 40], seed));
      cpu.run(adamw, 'x', [x, g!, m!, cpu.run(addTensors, 'v', [v!, v!])[0]!], { rate: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-3, decay: 0.1, correction1: 1, correction2: 1 });
      const fresh = cpu.upload('x', [n, 40], await cpu.read(x));
      const changed = await cpu.read(cpu.run(matmulNT, 'y', [x, w])[0]!);
      expect(changed).not.toEqual(first);
      expect(changed).toEqual(await cpu.read(cpu.run(matmulNT, 'y', [fresh, w])[0]!));
      cpu.write(x, 0, floats('normal', n * 40, 2));
      expect(await cpu.read(cpu.run(matmulNT, 'y', [x, w])[0]!)).toEqual(first);
    }
  });
});
