const fround = Math.fround;

/**
 * The matrix product of RF32 in plain TypeScript, written for speed rather than to be read: y[N,M] = x[N,K] · w[M,K]ᵀ
 * without function calls in the loop. The fair opponent of the WebAssembly form; bit-equal to both.
 */
export function plainMatmulNT(x: Float32Array, w: Float32Array, n: number, m: number, k: number): Float32Array {
  const y = new Float32Array(n * m);
  const flush = (values: Float32Array) => values.map((v) => (v > -(2 ** -50) && v < 2 ** -50 ? 0 : v));
  const a = flush(x);
  const b = flush(w);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let total = 0;
      for (let start = 0; start < k; start += 256) {
        const end = Math.min(start + 256, k);
        let sum = 0;
        for (let t = start; t < end; t++) sum = fround(sum + fround(a[i * k + t]! * b[j * k + t]!));
        total = fround(total + sum);
      }
      y[i * m + j] = total > -(2 ** -100) && total < 2 ** -100 ? 0 : total;
    }
  }
  return y;
}
