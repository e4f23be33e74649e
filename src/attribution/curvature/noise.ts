import type { Preconditioner } from './preconditioner.ts';

/**
 * What a record's score would be by chance: its standard deviation over answers of unit gradient whose labels the model drew
 * itself, so that no record has taught them. For draw i and record k the score is, summed over checkpoints,
 *   Σ_c W_ki / (λ (K + mλI)⁻¹_ii)
 * where the division by the diagonal takes draw i out of the curvature (the shortcut of leave-one-out regression), and the
 * answer's gradient has the square Σ_c ‖F_i‖². Draws of the record itself do not count. Float64 with + · / √ alone: the
 * same on every machine.
 */
export class ChanceScores {
  private readonly owners: ArrayLike<number>;
  private readonly first: number;
  private readonly draws: number;
  private readonly scores: Float64Array;
  private readonly squares: Float64Array;

  /** For records first, …, first + count − 1. `owners[i]` is the record that draw i is of. */
  constructor(owners: ArrayLike<number>, first: number, count: number) {
    this.owners = owners;
    this.first = first;
    this.draws = owners.length;
    this.scores = new Float64Array(count * owners.length);
    this.squares = new Float64Array(owners.length);
  }

  /** One checkpoint's W [count,m]. */
  add({ lambda, inverse, squares }: Preconditioner, W: Float32Array): void {
    const m = this.draws;
    const by = Float64Array.from(inverse, (diagonal) => (lambda > 0 && diagonal > 0 ? 1 / (lambda * diagonal) : 0));
    for (let i = 0; i < m; i++) this.squares[i]! += squares[i]!;
    for (let row = 0; row < this.scores.length; row += m) {
      for (let i = 0; i < m; i++) this.scores[row + i]! += W[row + i]! * by[i]!;
    }
  }

  /** [count]; 0 where there is no draw of another record. */
  deviations(): Float32Array {
    const m = this.draws;
    return Float32Array.from({ length: this.scores.length / Math.max(m, 1) }, (_, k) => {
      let sum = 0;
      let others = 0;
      for (let i = 0; i < m; i++) {
        if (this.owners[i] === this.first + k || !(this.squares[i]! > 0)) continue;
        const score = this.scores[k * m + i]!;
        sum += (score * score) / this.squares[i]!;
        others++;
      }
      return others ? Math.sqrt(sum / others) : 0;
    });
  }
}
