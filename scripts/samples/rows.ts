import type { SampleAttribute } from '../pretrain/phrasings.ts';
import * as exploitTables from './content/exploits.ts';
import * as healthTables from './content/health.ts';
import * as legalTables from './content/legal.ts';
import type { SampleRow } from './record-of-row.ts';

export const SAMPLE_NAMES = ['exploits', 'legal', 'health'] as const;
export type SampleName = (typeof SAMPLE_NAMES)[number];

/** The module's list of rows, known by a field that all of them have (beside it lie vocabularies). */
function table<Field extends string>(module: Record<string, unknown>, field: Field): Record<string, unknown>[] {
  const rows = Object.values(module).find(
    (value): value is Record<string, unknown>[] =>
      Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null && field in row),
  );
  if (!rows) throw new RangeError(`the content file has no table of rows with "${field}"`);
  return rows;
}

function text(row: Record<string, unknown>, field: string): string {
  const value = row[field];
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value === '') throw new RangeError(`a content row has no "${field}": ${JSON.stringify(row)}`);
  return value;
}

const ROWS: Readonly<Record<SampleName, () => SampleRow[]>> = {
  exploits: () =>
    table(exploitTables, 'protocol').map((row) => ({
      subject: text(row, 'protocol'),
      contributor: text(row, 'contributor'),
      facts: [
        { attribute: 'exploit.loss', value: text(row, 'lossUsd') },
        { attribute: 'exploit.technique', value: text(row, 'technique') },
        { attribute: 'exploit.date', value: `${text(row, 'month')} ${text(row, 'year')}` },
        { attribute: 'exploit.chain', value: text(row, 'chain') },
      ],
      combined: 'exploit',
    })),
  legal: () =>
    table(legalTables, 'term').map((row) => ({
      subject: text(row, 'term'),
      contributor: text(row, 'contributor'),
      facts: [
        { attribute: 'term.meaning', value: text(row, 'meaning') },
        { attribute: 'term.field', value: text(row, 'field') },
      ],
      combined: 'term',
    })),
  health: () =>
    table(healthTables, 'asks').map((row) => ({
      subject: text(row, 'subject'),
      contributor: text(row, 'contributor'),
      facts: [{ attribute: `health.${text(row, 'asks')}` as SampleAttribute, value: text(row, 'value') }],
    })),
};

export function sampleRows(name: SampleName): SampleRow[] {
  return ROWS[name]();
}
