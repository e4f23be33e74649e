/** The evaluation's figures as Markdown. */
import type { FamilyReport, Figure, MethodFigures } from '../attribution.ts';
import type { SampleFigures } from '../sample-questions.ts';

const figure = (one: Figure | undefined, digits = 2) => (one ? `${one.value.toFixed(digits)} (${one.low.toFixed(digits)} to ${one.high.toFixed(digits)})` : '–');
const signed = (one: Figure | undefined) => (one && one.value >= 0 ? `+${figure(one)}` : figure(one));

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

/** A family's methods against retraining, with 95 % intervals. */
export function retrainingTable(report: FamilyReport): string {
  const { methods, ceiling } = report;
  const row = (method: MethodFigures) => [
    titleOf(method, report), figure(method.half), figure(method.within), signed(method.aboveDataInf), figure(method.five), figure(method.leaveOneOut), method.seconds < 10 ? method.seconds.toFixed(2) : method.seconds.toFixed(0),
  ];
  return table(
    ['', 'LDS, half', 'within class', 'within, above DataInf', 'LDS, 5 % removed', 'leave-one-out', 'seconds of processor'],
    [...methods.map(row), ['*Ceiling: another order*', figure(ceiling?.half), figure(ceiling?.within), '', '', '', '']],
  );
}

/** With the seeds, where a method was measured on some only. */
const titleOf = ({ title, seeds }: MethodFigures, report: FamilyReport) => (seeds.length < report.seeds.length ? `${title} (seed ${seeds.join(', ')})` : title);

/** How well each method finds the wrong answers among the records. */
export function mislabelledTable(report: FamilyReport): string {
  const { methods } = report;
  return table(
    ['', 'questions of its own kind', 'questions of all kinds', 'its influence on itself'],
    methods.map((method) => [titleOf(method, report), figure(method.ownArea), figure(method.allArea), figure(method.selfArea)]),
  );
}

/** The product's methods seed by seed: LDS at half, within class, and above DataInf there. */
export function seedTable({ seeds, methods }: FamilyReport): string {
  const text = (value: number | undefined) => value?.toFixed(3) ?? '–';
  return table(
    ['', ...seeds.flatMap(({ seed }) => [`seed ${seed}: half`, 'within', 'above DataInf'])],
    methods.filter(({ kind }) => kind === 'method').map(({ title, bySeed }) => [title, ...seeds.flatMap(({ seed }) => {
      const own = bySeed.find((one) => one.seed === seed);
      return [text(own?.half), text(own?.within), text(own?.aboveDataInf)];
    })]),
  );
}

export function familyTables(report: FamilyReport): string {
  const seeds = report.seeds.map(({ seed, halves, fives, leaveOneOut, otherOrder }) =>
    `seed ${seed} (${halves} halves, ${fives} with 5 % removed, ${leaveOneOut} without one, ${otherOrder} halves in another order)`).join('; ');
  return [
    `### ${report.family[0]!.toUpperCase()}${report.family.slice(1)}`, '',
    `${report.records} records, ${report.queries} queries; retrained: ${seeds}. Means over the seeds that have such retrainings; in brackets 95 % intervals (bootstrap over queries and subsets).`, '',
    retrainingTable(report), '',
    ...(report.seeds.length > 1 ? ['Seed by seed:', '', seedTable(report), ''] : []),
    'Wrong records found (a fifth answer by another kind’s rule), area under the curve, by their influence on 200 questions with right answers:', '',
    mislabelledTable(report), '',
  ].join('\n');
}

export function sampleTable(samples: readonly SampleFigures[]): string {
  const percent = (value: number, count: number) => `${value.toFixed(1)} % of ${count}`;
  return table(
    ['', 'right, own phrasing', 'right, unseen phrasing', 'stating record first', 'its contributor among the first three records’'],
    samples.map((one) => [one.datanet, percent(one.ownPercent, one.ownAsked), percent(one.unseenPercent, one.unseenAsked), percent(one.recordFirstPercent, one.attributed), percent(one.contributorInThreePercent, one.attributed)]),
  );
}
