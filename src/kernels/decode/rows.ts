import type { Params } from '../operation.ts';

/**
 * What the operations of one decoding step know of a row (one sequence's newest token): which slot of the adapter pool
 * it uses, its position, and where its sequence's keys and values begin in the caches. Rows are few, so all of it
 * travels in the uniforms: nothing is uploaded between steps.
 */
export interface DecodeRow {
  /** A slot of the pool, or NO_SLOT: the base alone. */
  slot: number;
  position: number;
  /** The cache row of its sequence's position 0. */
  base: number;
}

/** Rows of one step at most; larger batches take several steps. */
export const MAX_ROWS = 8;
export const NO_SLOT = 0xffffffff;
/** Parameter that says "there is none" where an offset is expected. */
export const NONE = 0xffffffff;

type Field = keyof DecodeRow;

/** `rows`, and `slot0`, `position0`, `base0` and so on, written into `params`. */
export function rowParams(rows: readonly DecodeRow[], params: Record<string, number> = {}): Record<string, number> {
  if (rows.length < 1 || rows.length > MAX_ROWS) throw new RangeError(`a step of ${rows.length} rows`);
  params.rows = rows.length;
  rows.forEach(({ slot, position, base }, i) => {
    params[`slot${i}`] = slot;
    params[`position${i}`] = position;
    params[`base${i}`] = base;
  });
  return params;
}

export const rowOf = (params: Params, field: Field, row: number): number => params[`${field}${row}`]!;

export function rowsFit(operation: string, params: Params): number {
  const { rows } = params;
  if (!(Number.isInteger(rows) && rows! >= 1 && rows! <= MAX_ROWS)) throw new RangeError(`${operation}: ${rows} rows`);
  return rows!;
}

const each = <T>(make: (row: number) => T): T[] => Array.from({ length: MAX_ROWS }, (_, row) => make(row));

export function rowUniforms(...fields: Field[]): Record<string, 'u32'> {
  return Object.fromEntries([['rows', 'u32'], ...fields.flatMap((field) => each((row) => [`${field}${row}`, 'u32']))]) as Record<string, 'u32'>;
}

/** Values in the order of `rowUniforms`; rows that are not there repeat the first. */
export function rowUniformValues(params: Params, ...fields: Field[]): number[] {
  return [params.rows!, ...fields.flatMap((field) => each((row) => rowOf(params, field, row < params.rows! ? row : 0)))];
}

/** `slot_of(row)`, `position_of(row)`, `base_of(row)`. */
export function rowFunctions(...fields: Field[]): string {
  return fields
    .map((field) => `fn ${field}_of(row: u32) -> u32 {\n  switch (row) {\n${each((row) => (row ? `    case ${row}u: { return u.${field}${row}; }` : '')).filter(Boolean).join('\n')}\n    default: { return u.${field}0; }\n  }\n}`)
    .join('\n');
}
