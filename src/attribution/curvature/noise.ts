import { HUGE, blockSum, div, mul, sqrt, store } from '../../arithmetic/rf32.ts';
import { outOfRange } from '../../kernels/range-error.ts';

/**
 * What records' scores would be by chance: the standard deviation over answers of unit gradient whose labels the model drew
 * itself, so that no record has taught them and no draw is in the curvature. Draws of the record itself do not count.
 *   noise_k² = mean over draws i, not of record k, of ⟨N_i, row_k⟩² / ‖N_i‖²
 * `products` [count,q] = rows · Nᵀ for records first, …; `squares` [q] = ‖N_i‖²; `owners` [q] the records of the draws.
 * In RF32, terms in the order of the draws. 0 where there is no draw of another record. Throws `rf32/out-of-range`.
 */
export function chanceDeviations(products: Float32Array, squares: Float32Array, owners: readonly number[], first: number, count: number): Float32Array {
  const q = owners.length;
  return Float32Array.from({ length: count }, (_, k) => {
    const counts = (i: number) => owners[i] !== first + k && squares[i]! > 0;
    let others = 0;
    for (let i = 0; i < q; i++) if (counts(i)) others++;
    if (!others) return 0;
    const sum = store(blockSum(q, (i) => (counts(i) ? div(mul(products[k * q + i]!, products[k * q + i]!), squares[i]!) : 0)));
    if (!(sum <= HUGE)) throw outOfRange('ledger.noise', 'sum of squares');
    return sqrt(div(sum, others));
  });
}

/** ‖N_i‖² of rows N of `width` numbers, in RF32. Throws `rf32/out-of-range`. */
export function squaresOf(rows: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: width ? rows.length / width : 0 }, (_, i) => {
    const sum = store(blockSum(width, (t) => mul(rows[i * width + t]!, rows[i * width + t]!)));
    if (!(sum <= HUGE)) throw outOfRange('ledger.chance', 'sum of squares');
    return sum;
  });
}
