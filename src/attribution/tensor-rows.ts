import type { Tensors } from '../model/safetensors.ts';
import type { NamedRows } from '../protocol/tensors.ts';

/** Rows of tensors in the order of their names. */
export function rowsOf(tensors: Tensors): NamedRows[] {
  return [...tensors.keys()].sort().map((name) => {
    const { shape, values } = tensors.get(name)!;
    const columns = shape.length ? shape[shape.length - 1]! : 1;
    return { name, rows: columns ? values.length / columns : 0, columns, values };
  });
}
