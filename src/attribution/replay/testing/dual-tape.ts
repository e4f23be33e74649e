/**
 * Reverse-mode differentiation over dual numbers in float64: every value and every gradient carries its derivative by
 * one outer variable, so the derivative of a gradient is exact. The yardstick of replay's tests; shares nothing with the engine.
 */
export class DualTape {
  readonly value: number[] = [];
  readonly tangent: number[] = [];
  gradient: Float64Array = new Float64Array(0);
  gradientTangent: Float64Array = new Float64Array(0);
  /** Edges of node i: from starts[i] to starts[i + 1]; its derivative by a parent, and that derivative's tangent. */
  private readonly starts: number[] = [0];
  private readonly parents: number[] = [];
  private readonly partial: number[] = [];
  private readonly partialTangent: number[] = [];

  leaf(value: number, tangent = 0): number {
    this.starts.push(this.parents.length);
    this.tangent.push(tangent);
    return this.value.push(value) - 1;
  }

  private edge(parent: number, partial: number, partialTangent: number): void {
    this.parents.push(parent);
    this.partial.push(partial);
    this.partialTangent.push(partialTangent);
  }

  /** f(x) by its value and first two derivatives. */
  private unary(x: number, f: number, f1: number, f2: number): number {
    const d = this.tangent[x]!;
    this.edge(x, f1, f2 * d);
    return this.leaf(f, f1 * d);
  }

  /** Σ xs[i] · ys[i], both nodes. */
  dot(xs: readonly number[], ys: readonly number[]): number {
    let sum = 0;
    let tangent = 0;
    xs.forEach((x, i) => {
      const y = ys[i]!;
      const [xv, xd, yv, yd] = [this.value[x]!, this.tangent[x]!, this.value[y]!, this.tangent[y]!];
      sum += xv * yv;
      tangent += xd * yv + xv * yd;
      this.edge(x, yv, yd);
      this.edge(y, xv, xd);
    });
    return this.leaf(sum, tangent);
  }

  /** Σ xs[i] · constants[i]. */
  mix(xs: readonly number[], constants: ArrayLike<number>): number {
    let sum = 0;
    let tangent = 0;
    xs.forEach((x, i) => {
      sum += this.value[x]! * constants[i]!;
      tangent += this.tangent[x]! * constants[i]!;
      this.edge(x, constants[i]!, 0);
    });
    return this.leaf(sum, tangent);
  }

  add = (...xs: number[]) => this.mix(xs, xs.map(() => 1));
  mul = (x: number, y: number) => this.dot([x], [y]);

  exp(x: number): number {
    const e = Math.exp(this.value[x]!);
    return this.unary(x, e, e, e);
  }

  log(x: number): number {
    const v = this.value[x]!;
    return this.unary(x, Math.log(v), 1 / v, -1 / v ** 2);
  }

  /** x^p of a positive x. */
  power(x: number, p: number): number {
    const v = this.value[x]!;
    return this.unary(x, v ** p, p * v ** (p - 1), p * (p - 1) * v ** (p - 2));
  }

  /** Gradients of node `y` by every node, with their tangents. */
  backward(y: number): void {
    const n = this.value.length;
    this.gradient = new Float64Array(n);
    this.gradientTangent = new Float64Array(n);
    this.gradient[y] = 1;
    for (let i = y; i >= 0; i--) {
      const g = this.gradient[i]!;
      const d = this.gradientTangent[i]!;
      for (let e = this.starts[i]!; e < this.starts[i + 1]!; e++) {
        this.gradient[this.parents[e]!]! += g * this.partial[e]!;
        this.gradientTangent[this.parents[e]!]! += d * this.partial[e]! + g * this.partialTangent[e]!;
      }
    }
  }
}
