/**
 * What records' scores would be by chance: the standard deviation over answers of unit gradient whose labels the model drew
 * itself, so that no record has taught them and no draw is in the curvature. Draws of the record itself do not count.
 *   noise_k² = mean over draws i, not of record k, of ⟨N_i, row_k⟩² / ‖N_i‖²
 * `products` [q,count] = N · rowsᵀ for records first, …; `squares` [q] = ‖N_i‖²; `owners` [q] the records of the draws.
 * Float64 with + · / √ alone: the same on every machine. 0 where there is no draw of another record.
 */
export function chanceDeviations(products: Float32Array, squares: ArrayLike<number>, owners: readonly number[], first: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, k) => {
    let sum = 0;
    let others = 0;
    owners.forEach((owner, i) => {
      if (owner === first + k || !(squares[i]! > 0)) return;
      const score = products[i * count + k]!;
      sum += (score * score) / squares[i]!;
      others++;
    });
    return others ? Math.sqrt(sum / others) : 0;
  });
}
