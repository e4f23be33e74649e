import { f32, type Operation, size } from '../operation.ts';

/** Writes rows[N,…] of D values each into cache[T,D] from row `at` on, in place: key/value caches, gradient ledgers. */
export const placeRows: Operation = {
  name: 'placeRows',
  copies: true,
  inputs: ['f32', 'f32'],
  outputs: ([cache, rows], { at }) => {
    if (size(rows!) !== rows![0]! * cache![1]!) throw new RangeError(`placeRows: rows [${rows}] into [${cache}]`);
    if (at! + rows![0]! > cache![0]!) throw new RangeError(`placeRows: ${at! + rows![0]!} rows in a cache of ${cache![0]}`);
    return [{ ...f32(...cache!), inPlace: 0 }];
  },
  reference({ inputs: [, rows], outputs: [cache], shapes, params }) {
    (cache as Float32Array).set(rows as Float32Array, params.at! * shapes[0]![1]!);
  },
};
