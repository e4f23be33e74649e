/** Writes the evaluation into docs: tables between two marks of attribution-eval.md, so that the words around them stay, and plots beside it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FamilyReport } from '../attribution.ts';
import type { SampleFigures } from '../sample-questions.ts';
import { barChart, scatter } from './svg.ts';
import { familyTables, sampleTable } from './tables.ts';

export const MARKS = ['<!-- figures: written by npm run eval -- --write -->', '<!-- end of figures -->'] as const;

const barsOf = (report: FamilyReport, which: 'half' | 'within' | 'leaveOneOut') =>
  report.methods.flatMap(({ title, kind, [which]: one }) => (one ? [{ label: title, ...one, muted: kind !== 'method' }] : []));

/** Plots by file name. */
export function plotsOf(report: FamilyReport): Map<string, string> {
  const { family, ceiling, example } = report;
  const plots = new Map<string, string>();
  const add = (name: string, title: string, which: 'half' | 'within' | 'leaveOneOut', mark?: number) => {
    const bars = barsOf(report, which);
    if (bars.length) plots.set(`${name}-${family}.svg`, barChart(title, bars, mark === undefined ? undefined : { value: mark, label: 'retraining in another order' }));
  };
  add('lds', `${family}: predicted against retrained on half of the records (LDS)`, 'half', ceiling?.half?.value);
  add('within', `${family}: the same within classes`, 'within', ceiling?.within?.value);
  add('leave-one-out', `${family}: leave-one-out`, 'leaveOneOut');
  if (example) plots.set(`one-query-${family}.svg`, scatter(`${family}: “${example.question}”, one point per half`, example.panels, { x: 'predicted', y: 'minus the loss after retraining' }));
  return plots;
}

/** The text between the marks replaced; a text without marks gets them at its end. */
export function withFigures(text: string, figures: string): string {
  const [from, to] = MARKS.map((mark) => text.indexOf(mark)) as [number, number];
  const block = `${MARKS[0]}\n\n${figures.trim()}\n\n${MARKS[1]}`;
  return from >= 0 && to > from ? text.slice(0, from) + block + text.slice(to + MARKS[1].length) : `${text.trimEnd()}\n\n${block}\n`;
}

export function writeReport(docs: string, families: readonly FamilyReport[], samples: readonly SampleFigures[] | undefined): void {
  mkdirSync(join(docs, 'plots'), { recursive: true });
  const parts: string[] = [];
  for (const report of families) {
    const plots = plotsOf(report);
    for (const [name, svg] of plots) writeFileSync(join(docs, 'plots', name), svg);
    parts.push(familyTables(report), ...[...plots.keys()].map((name) => `![${name.replace('.svg', '').replaceAll('-', ' ')}](plots/${name})`), '');
  }
  if (samples) parts.push('### Sample Datanets', '', sampleTable(samples), '');
  const file = join(docs, 'attribution-eval.md');
  writeFileSync(file, withFigures(existsSync(file) ? readFileSync(file, 'utf8') : '# Is attribution true?\n', parts.join('\n')));
}
