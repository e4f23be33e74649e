import { OpenLedgerError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { weightShapes } from '../model/model.ts';
import { groupedLinears } from './groups.ts';

/** A weight of the graph: what it holds and in which shape. */
export interface GraphWeight {
  name: string;
  shape: number[];
}

/** Where one of the model's own tensors goes. */
interface Place {
  weight: string;
  shape: readonly number[];
  /** Columns of the weight from `from` on, `of` columns in all; the tensor's rows become columns. Undefined: copied as it is. */
  columns: { from: number; of: number } | undefined;
}

/** A tensor as it comes from a file: its Hugging Face name, with or without `model.`. */
export interface SourceTensor {
  name: string;
  shape: readonly number[];
  values: Float32Array;
}

/**
 * Which weights the graph of a model has, and which of the model's tensors fill them. Linear layers are stored
 * [in, out], the layout that ONNX Runtime multiplies fastest (1.2 times as fast as [out, in] for one token on WASM).
 */
export class WeightPlan {
  readonly weights = new Map<string, GraphWeight>();
  private readonly places = new Map<string, Place>();

  constructor(config: ModelConfig) {
    const shapes = weightShapes(config);
    const take = (name: string): number[] => {
      const shape = shapes.get(name)!;
      shapes.delete(name);
      return shape;
    };
    for (const { name, input, output, members } of groupedLinears(config)) {
      this.add({ name: `${name}.weight`, shape: [input, output] });
      // A group has a bias where one of its members has one; the others' part stays 0.
      if (members.some((member) => shapes.has(`${member.name}.bias`))) this.add({ name: `${name}.bias`, shape: [output] });
      for (const member of members) {
        const columns = { from: member.from, of: output };
        this.places.set(`${member.name}.weight`, { weight: `${name}.weight`, shape: take(`${member.name}.weight`), columns });
        const bias = `${member.name}.bias`;
        if (shapes.has(bias)) this.places.set(bias, { weight: `${name}.bias`, shape: take(bias), columns });
      }
    }
    for (const [name, shape] of shapes) {
      this.add({ name, shape });
      this.places.set(name, { weight: name, shape, columns: undefined });
    }
  }

  /** Bytes of all weights as float32. */
  get bytes(): number {
    return [...this.weights.values()].reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  }

  private add(weight: GraphWeight): void {
    this.weights.set(weight.name, weight);
  }

  /**
   * Takes the model's tensors in any order and yields each weight of the graph as soon as it is whole; no more than
   * the weights begun are held. Tensors that the graph does not use are passed over.
   * Throws `model/weights-do-not-fit` for a missing, repeated or misshapen tensor.
   */
  async *fill(tensors: AsyncIterable<SourceTensor> | Iterable<SourceTensor>): AsyncGenerator<GraphWeight & { values: Float32Array }> {
    const waiting = new Set(this.places.keys());
    const begun = new Map<string, Float32Array>();
    const parts = new Map<string, number>();
    for (const { weight } of this.places.values()) parts.set(weight, (parts.get(weight) ?? 0) + 1);
    for await (const { name: given, shape, values } of tensors) {
      const name = given.startsWith('model.') ? given.slice('model.'.length) : given;
      const place = this.places.get(name);
      if (!place) continue;
      if (!waiting.delete(name)) throw unfit(`"${name}" comes twice.`);
      if (shape.length !== place.shape.length || shape.some((n, i) => n !== place.shape[i])) {
        throw unfit(`"${name}" has the shape [${shape.join(', ')}], not [${place.shape.join(', ')}].`);
      }
      const weight = this.weights.get(place.weight)!;
      let whole = begun.get(weight.name);
      if (!place.columns) whole = values;
      else {
        whole ??= new Float32Array(weight.shape.reduce((a, b) => a * b, 1));
        transposeInto(whole, place.columns, values, shape[0]!, shape[1] ?? 1);
      }
      const left = parts.get(weight.name)! - 1;
      parts.set(weight.name, left);
      if (left) begun.set(weight.name, whole);
      else {
        begun.delete(weight.name);
        yield { ...weight, values: whole };
      }
    }
    const [missing] = waiting;
    if (missing !== undefined) throw unfit(`"${missing}" is missing.`);
  }
}

const TILE = 32;

/** Writes values[rows, columns] as columns of `target`: row r becomes column from + r. Works in tiles to stay in the cache. */
export function transposeInto(target: Float32Array, { from, of }: { from: number; of: number }, values: Float32Array, rows: number, columns: number, scale = 1): void {
  for (let row = 0; row < rows; row += TILE) {
    for (let column = 0; column < columns; column += TILE) {
      const lastRow = Math.min(rows, row + TILE);
      const lastColumn = Math.min(columns, column + TILE);
      for (let c = column; c < lastColumn; c++) {
        for (let r = row; r < lastRow; r++) target[c * of + from + r] = values[r * columns + c]! * scale;
      }
    }
  }
}

function unfit(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'model/weights-do-not-fit',
    what: 'The weights do not fit the model’s config.json.',
    why,
    next: 'Fetch the model again, or choose another.',
  });
}
