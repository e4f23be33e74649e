import { type Format, columnsInWord } from '../matrix/format.ts';

export interface WeightWords {
  /** Weights of one step along a row; divides 256. */
  width: number;
  /**
   * Statements that declare w0 … w<width−1>: operands of the weights k … of a row whose codes begin at word `line`, its
   * scales at word `scale_line`. Columns past the last are zeros of the row's own padding, except in float32, which has none.
   */
  load(k: string): string;
}

/** How one format's weights are read along a row, whole words at a time. `codes` and `scales` are numbers of inputs. */
export function weightWords(format: Format, codes: number, scales: number | undefined): WeightWords {
  // float32 goes four at a time too: software devices pay for every turn of a loop.
  const width = format === 'f32' ? 4 : columnsInWord(format);
  const word = (k: string) => `in${codes}[line + (${k} >> ${Math.log2(width)}u)]`;
  const bits = 32 / width;
  const signed = (t: number) => `f32(bitcast<i32>(word << ${32 - bits * (t + 1)}u) >> ${32 - bits}u)`;
  const load = (k: string): string => {
    switch (format) {
      case 'f32':
        return Array.from({ length: width }, (_, t) => `let w${t} = operand(in${codes}[line + ${k} + ${t}u]);`).join(' ');
      case 'bf16':
        return `let word = ${word(k)};
        let w0 = operand(bitcast<f32>(word << 16u));
        let w1 = operand(bitcast<f32>(word & 0xffff0000u));`;
      case 'f16':
        // Every float16 is 0 or at least 2^-24: an operand as it is.
        return `let word = ${word(k)};
        let w0 = half_value(word & 0xffffu);
        let w1 = half_value(word >> 16u);`;
      case 'q8':
      case 'q4':
        // Code times scale is exact (matrix/format.ts) and 0 or at least 2^-50; kept apart from the product that follows.
        return `let word = ${word(k)};
        let pair = in${scales}[scale_line + (${k} >> 6u)];
        let scale = bitcast<f32>(select(pair << 16u, pair & 0xffff0000u, (${k} & 32u) != 0u));
        ${Array.from({ length: width }, (_, t) => `let w${t} = opaque_f32(${signed(t)} * scale);`).join('\n        ')}`;
    }
  };
  return { width, load };
}

/** Functions that `load` calls. */
export function weightFunctions(format: Format): string {
  if (format !== 'f16') return '';
  return /* wgsl */ `
fn half_value(half: u32) -> f32 {
  let magnitude = half & 0x7fffu;
  // Below 2^-14 the unit is 2^-24: an integer times a power of two, exact.
  let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
  return bitcast<f32>(((half & 0x8000u) << 16u) | select((magnitude << 13u) + 0x38000000u, small, magnitude < 0x400u));
}`;
}
