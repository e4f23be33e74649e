import { expect, it } from 'vitest';
import { writeGguf } from './gguf.ts';
import { Report } from './report.ts';
import { multiplyAdds } from './measure/scaling.ts';
import { inTurns } from './timing.ts';

it('lays a GGUF file out as its specification says: aligned data, sizes with the fastest first', () => {
  const values = Float32Array.from({ length: 6 }, (_, i) => i + 0.5);
  const file = writeGguf(new Map([['general.architecture', 'llama']]), [
    { name: 'first', shape: [3], values: values.subarray(0, 3) },
    { name: 'second', shape: [2, 3], values },
  ]);
  const view = new DataView(file.buffer);
  let at = 0;
  const u32 = () => view.getUint32((at += 4) - 4, true);
  const u64 = () => Number(view.getBigUint64((at += 8) - 8, true));
  const string = () => {
    const length = u64();
    return new TextDecoder().decode(file.subarray(at, (at += length)));
  };
  expect(new TextDecoder().decode(file.subarray(0, 4))).toBe('GGUF');
  at = 4;
  expect([u32(), u64(), u64()]).toEqual([3, 2, 1]);
  expect([string(), u32(), string()]).toEqual(['general.architecture', 8, 'llama']);
  const tensor = () => ({ name: string(), shape: Array.from({ length: u32() }, u64), type: u32(), offset: u64() });
  const [first, second] = [tensor(), tensor()];
  expect(first).toEqual({ name: 'first', shape: [3], type: 0, offset: 0 });
  expect(second).toEqual({ name: 'second', shape: [3, 2], type: 0, offset: 32 });
  const data = Math.ceil(at / 32) * 32;
  expect([...new Float32Array(file.buffer, data + second.offset, 6)]).toEqual([...values]);
  expect(file.length % 32).toBe(0);
});

it('expects of growing models what their products grow by', () => {
  const shape = { layers: 2, width: 64, context: 32, batch: 1 };
  expect(multiplyAdds({ ...shape, batch: 4 })).toBe(4 * multiplyAdds(shape));
  expect(multiplyAdds({ ...shape, context: 64 })).toBeGreaterThan(2 * multiplyAdds(shape));
});

it('takes contenders in turns, the first turn apart, and ends with the round in which time is up', async () => {
  const order: string[] = [];
  const times = await inTurns({ a: () => order.push('a'), b: () => order.push('b') }, { rounds: 3 });
  expect(order.join('')).toBe('ababbaab');
  expect(times.a).toHaveLength(3);
  const slow = () => new Promise((resolve) => setTimeout(resolve, 5));
  expect((await inTurns({ slow }, { rounds: 9, budgetMs: 1 })).slow).toHaveLength(1);
});

it('says what was reached, what was not, and what was not measured and why', () => {
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line));
  report.add('fast', 1.2, '×', 'here', { atLeast: 1 });
  report.add('slow', 60, 'ms', 'here', { atMost: 50 });
  report.missing('peer', 'there', new Error('it did not start'));
  expect(lines.map((line) => (JSON.parse(line) as { met?: boolean }).met)).toEqual([true, false, undefined]);
  expect(report.table()).toMatch(/slow .* NO .*here/);
  expect(report.table()).toMatch(/peer .* – .*not measured.*it did not start/);
});
