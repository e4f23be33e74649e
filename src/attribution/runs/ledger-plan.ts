import { fromBits } from '../../arithmetic/rf32.ts';
import { chanceOwners } from '../curvature/curvature-ledger.ts';
import { drawPlan } from '../curvature/settings.ts';
import type { LedgerKind } from '../trace/ledger-programs.ts';
import { type LedgerSizes, type LedgerSubject, ROWS, SPAN, SQUARES, TILE, ledgerSizes } from '../trace/ledger-sizes.ts';
import { type OutcomeConstant, outcomeConstants } from '../trace/outcome-program.ts';
import type { UnitInputs } from '../trace/unit.ts';

/** A unit between the gradients and the ledger's rows. Everything counts from 0; `at` is which of the checkpoints. */
export type LedgerPlace =
  | { kind: 'squares'; block: number }
  | { kind: 'scale' }
  /** Rows of draws, own labels or chance, ROWS at a time. */
  | { kind: 'rows'; at: number; of: RowsOf; block: number }
  /** SPAN draws with rows and columns exchanged. */
  | { kind: 'turned'; at: number; block: number }
  /** Tiles of the Gram matrix of the draws, damped, and of its factor: i ≥ j. */
  | { kind: 'gram' | 'factor'; at: number; i: number; j: number }
  /** Of TILE records: products with draws, the system solved forward and backward, by panel of draws. */
  | { kind: 'products' | 'forward' | 'backward'; at: number; group: number; panel: number }
  | { kind: 'rest'; at: number; group: number }
  | { kind: 'chance'; block: number }
  | { kind: 'chance products'; group: number; block: number }
  | { kind: 'noise'; group: number }
  | { kind: 'ledger'; block: number }
  | { kind: 'outcome' };

export type RowsOf = 'draws' | 'own' | 'chance';

/** Where a run's earlier units are. */
export interface EarlierUnits {
  /** The `row`th record of a plan of labels at a checkpoint; plan 0 is own labels, 1 + d draw d, the last chance. */
  gradient(at: number, labels: number, row: number): number;
  /** What makes the state of a checkpoint. */
  state(at: number): number;
}

interface Section {
  start: number;
  count: number;
  place(k: number): LedgerPlace;
}

/** What every unit without texts is fed: a program has to have one. */
const NO_TEXT = { tokens: [0, 0], answer: 1, weight: 0 };

const upTo = (count: number) => Array.from({ length: count }, (_, k) => k);

/** Units from the gradients of a run to its ledger's rows, in order: docs/runs.md. `k` counts from the first of them, `first`. */
export class LedgerPlan {
  readonly first: number;
  readonly sizes: LedgerSizes;
  /** Units in all. */
  readonly count: number;
  private readonly subject: LedgerSubject;
  private readonly earlier: EarlierUnits;
  private readonly sections: Section[] = [];
  private readonly starts = new Map<string, number>();
  /** Records of the draws of chance. */
  private readonly owners: readonly number[];
  /** Records of the draws of the curvature, and their numbers. */
  private readonly draws: ReturnType<typeof drawPlan>;
  /** Of draw d's first among all. */
  private readonly drawStarts: number[];
  private constants: OutcomeConstant[] | undefined;

  constructor(subject: LedgerSubject, earlier: EarlierUnits, first: number) {
    this.subject = subject;
    this.earlier = earlier;
    this.first = first;
    this.sizes = ledgerSizes(subject);
    const { settings, records: n, checkpoints } = subject;
    this.draws = drawPlan(n, settings.draws);
    this.drawStarts = upTo(settings.draws).map((draw) => this.draws.numbers.findIndex((number) => number === draw));
    this.owners = chanceOwners(n);
    this.section('squares', Math.ceil((checkpoints * n) / SQUARES), (block) => ({ kind: 'squares', block }));
    this.section('scale', 1, () => ({ kind: 'scale' }));
    const { panels, groups } = this;
    for (const at of upTo(checkpoints)) {
      for (const of of ['draws', 'own', 'chance'] as const) this.section(`${of} ${at}`, Math.ceil(this.rowsOf(of) / ROWS), (block) => ({ kind: 'rows', at, of, block }));
    }
    for (const at of upTo(checkpoints)) {
      this.section(`turned ${at}`, Math.ceil((panels * TILE) / SPAN), (block) => ({ kind: 'turned', at, block }));
      for (const kind of ['gram', 'factor'] as const) this.section(`${kind} ${at}`, (panels * (panels + 1)) / 2, (k) => ({ kind, at, ...this.tile(k) }));
      this.section(`groups ${at}`, groups * (3 * panels + 1), (k) => this.groupPlace(at, Math.floor(k / (3 * panels + 1)), k % (3 * panels + 1)));
    }
    const blocks = this.chanceBlocks;
    this.section('chance', blocks, (block) => ({ kind: 'chance', block }));
    this.section('chance products', groups * blocks, (k) => ({ kind: 'chance products', group: Math.floor(k / blocks), block: k % blocks }));
    this.section('noise', groups, (group) => ({ kind: 'noise', group }));
    this.section('ledger', Math.ceil(n / SPAN), (block) => ({ kind: 'ledger', block }));
    this.section('outcome', 1, () => ({ kind: 'outcome' }));
    const last = this.sections.at(-1)!;
    this.count = last.start + last.count - first;
  }

  /** Panels of TILE draws. */
  get panels(): number {
    return Math.ceil(this.draws.owners.length / TILE);
  }

  /** Groups of TILE records. */
  get groups(): number {
    return Math.ceil(this.subject.records / TILE);
  }

  get chanceBlocks(): number {
    return Math.ceil(this.owners.length / TILE);
  }

  place(unit: number): LedgerPlace {
    const { sections } = this;
    if (!(unit >= this.first && unit < this.first + this.count)) throw new RangeError(`no unit ${unit} of the ledger`);
    let [low, high] = [0, sections.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (sections[middle]!.start <= unit) low = middle;
      else high = middle;
    }
    return sections[low]!.place(unit - sections[low]!.start);
  }

  program(unit: number): LedgerKind {
    const place = this.place(unit);
    switch (place.kind) {
      case 'squares': return `squares ${place.block ? 1 : 0} ${this.squared(place.block).length}`;
      case 'scale': return 'scale';
      case 'rows': return `${place.of === 'chance' ? 'reading' : 'rows'} ${place.at} ${Math.min(ROWS, this.rowsOf(place.of) - place.block * ROWS)}`;
      case 'turned': return `turned ${this.units('draws', place.block * SPAN, SPAN)}`;
      case 'gram': {
        const [rows, columns] = [place.i, place.j].map((tile) => this.units('draws', tile * TILE, TILE));
        return place.i === place.j ? `damped ${rows!}` : `gram ${rows!} ${columns!}`;
      }
      case 'factor': return place.i === place.j ? `pivot ${place.j}` : `tile ${place.j}`;
      case 'products': return `gram ${this.units('own', place.group * TILE, TILE)} ${this.units('draws', place.panel * TILE, TILE)}`;
      case 'forward': return `tile ${place.panel}`;
      case 'backward': return `back ${this.panels - 1 - place.panel}`;
      case 'rest': return `rest ${this.units('own', place.group * TILE, TILE)} ${this.panels}`;
      case 'chance': return `chance ${this.units('chance', place.block * TILE, TILE)}`;
      case 'chance products': return 'products';
      case 'noise': return `noise ${this.chanceBlocks}`;
      case 'ledger': return `ledger ${this.groupsOf(place.block).length}`;
      case 'outcome': return 'outcome';
    }
  }

  /** In the order in which the programs (trace/ledger-programs.ts) read them. */
  sources(unit: number): number[] {
    const place = this.place(unit);
    const { earlier, panels, subject: { checkpoints } } = this;
    switch (place.kind) {
      case 'squares': {
        const { records } = this.subject;
        return [...(place.block ? [unit - 1] : []), ...this.squared(place.block).map((k) => earlier.gradient(Math.floor(k / records), 0, k % records))];
      }
      case 'scale': return [unit - 1];
      case 'rows': return [...this.gradients(place.at, place.of, place.block), ...(place.of === 'chance' && place.at < checkpoints - 1 ? this.gradients(checkpoints - 1, place.of, place.block) : []), this.start('scale')];
      case 'turned': return this.rowUnits(place.at, 'draws', place.block * SPAN, SPAN);
      case 'gram': {
        const rows = this.rowUnits(place.at, 'draws', place.i * TILE, TILE);
        return place.i === place.j ? rows : [...rows, ...this.rowUnits(place.at, 'draws', place.j * TILE, TILE)];
      }
      case 'factor': {
        const { at, i, j } = place;
        const before = (row: number) => upTo(j).map((q) => this.tileUnit('factor', at, row, q));
        return [this.tileUnit('gram', at, i, j), ...before(i), ...(i === j ? [] : [...before(j), this.tileUnit('factor', at, j, j)])];
      }
      case 'products': return [...this.rowUnits(place.at, 'own', place.group * TILE, TILE), ...this.rowUnits(place.at, 'draws', place.panel * TILE, TILE)];
      case 'forward': {
        const { at, group, panel } = place;
        return [
          this.groupUnit(at, group, 'products', panel), ...upTo(panel).map((q) => this.groupUnit(at, group, 'forward', q)),
          ...upTo(panel + 1).map((q) => this.tileUnit('factor', at, panel, q)),
        ];
      }
      case 'backward': {
        const { at, group, panel } = place;
        const later = upTo(panels - 1 - panel).map((k) => panels - 1 - k);
        return [
          this.groupUnit(at, group, 'forward', panel), ...later.map((q) => this.groupUnit(at, group, 'backward', q)),
          ...[...later, panel].map((q) => this.tileUnit('factor', at, q, panel)),
        ];
      }
      case 'rest': {
        const { at, group } = place;
        return [
          ...this.rowUnits(at, 'own', group * TILE, TILE), ...upTo(panels).map((panel) => this.groupUnit(at, group, 'backward', panel)),
          ...upTo(Math.ceil((panels * TILE) / SPAN)).map((block) => this.start(`turned ${at}`) + block),
        ];
      }
      case 'chance': return upTo(checkpoints).flatMap((at) => this.rowUnits(at, 'chance', place.block * TILE, TILE));
      case 'chance products': return [...upTo(checkpoints).map((at) => this.restUnit(at, place.group)), this.start('chance') + place.block];
      case 'noise': {
        const blocks = upTo(this.chanceBlocks);
        return [...blocks.map((block) => this.start('chance products') + place.group * blocks.length + block), ...blocks.map((block) => this.start('chance') + block)];
      }
      case 'ledger': {
        const groups = this.groupsOf(place.block);
        return [...upTo(checkpoints).flatMap((at) => groups.map((group) => this.restUnit(at, group))), ...groups.map((group) => this.start('noise') + group)];
      }
      case 'outcome': return [...upTo(checkpoints).map((at) => earlier.state(at)), this.start('scale'), ...upTo(Math.ceil(this.subject.records / SPAN)).map((block) => this.start('ledger') + block)];
    }
  }

  outputs(unit: number): { rows: number; columns: number }[] {
    const place = this.place(unit);
    const { shapes, width, columns } = this.sizes;
    switch (place.kind) {
      case 'squares': case 'scale': return shapes.map((shape) => ({ rows: shape.rows, columns: shape.columns }));
      case 'rows': return [{ rows: ROWS, columns: width }];
      case 'turned': return [{ rows: width, columns: SPAN }];
      case 'rest': return [{ rows: TILE, columns: width }];
      case 'chance': return [{ rows: TILE, columns }, { rows: 1, columns: TILE }];
      case 'noise': return [{ rows: TILE, columns: 1 }];
      case 'ledger': return [{ rows: SPAN, columns }, { rows: SPAN, columns: 1 }];
      case 'outcome': return this.outcome.map((made) => ({ rows: made.rows, columns: made.columns }));
      default: return [{ rows: TILE, columns: TILE }];
    }
  }

  inputs(unit: number): UnitInputs {
    const place = this.place(unit);
    const scalars = place.kind === 'noise' ? this.records(place.group) : place.kind === 'outcome' ? this.outcome.map(({ index }) => index) : [];
    return { texts: [NO_TEXT], scalars: scalars.map(fromBits) };
  }

  describe(unit: number): string {
    const place = this.place(unit);
    const from = (first: number, most: number, all: number) => `${first + 1} to ${Math.min(first + most, all)}`;
    const { records } = this.subject;
    const { length: draws } = this.draws.owners;
    const after = 'at' in place ? `at checkpoint ${place.at + 1}` : '';
    switch (place.kind) {
      case 'squares': return `squares of gradients ${from(place.block * SQUARES, SQUARES, this.subject.checkpoints * records)}`;
      case 'scale': return 'the scale of the adapter’s numbers';
      case 'rows': return `rows of ${{ own: 'trained records', draws: 'draws', chance: 'draws of chance' }[place.of]} ${from(place.block * ROWS, ROWS, this.rowsOf(place.of))} ${after}`;
      case 'turned': return `draws ${from(place.block * SPAN, SPAN, draws)} turned ${after}`;
      case 'gram': case 'factor': return `${place.kind === 'gram' ? 'Gram matrix' : 'factor'} of the draws ${after}, tile ${place.i + 1}, ${place.j + 1}`;
      case 'products': case 'forward': case 'backward': {
        const what = { products: 'products with draws', forward: 'forward solution at draws', backward: 'solution at draws' }[place.kind];
        return `${what} ${from(place.panel * TILE, TILE, draws)} of trained records ${from(place.group * TILE, TILE, records)} ${after}`;
      }
      case 'rest': return `trained records ${from(place.group * TILE, TILE, records)} with the curvature taken out ${after}`;
      case 'chance': return `draws of chance ${from(place.block * TILE, TILE, this.owners.length)}`;
      case 'chance products': return `products of trained records ${from(place.group * TILE, TILE, records)} with draws of chance ${from(place.block * TILE, TILE, this.owners.length)}`;
      case 'noise': return `noise of trained records ${from(place.group * TILE, TILE, records)}`;
      case 'ledger': return `rows of the ledger ${from(place.block * SPAN, SPAN, records)}`;
      case 'outcome': return 'the outcome';
    }
  }

  /** Constants of the answers' program that the last unit makes, in its order. */
  get outcome(): readonly OutcomeConstant[] {
    this.constants ??= outcomeConstants(this.subject, this.sizes.width);
    return this.constants;
  }

  /** Row units that hold rows first, …, of at most `count`. */
  rowUnits(at: number, of: RowsOf, first: number, count: number): number[] {
    return upTo(this.units(of, first, count)).map((k) => this.start(`${of} ${at}`) + first / ROWS + k);
  }

  /** The row unit that reads the `row`th gradient of a plan of labels at a checkpoint. */
  rowUnitOf(at: number, labels: number, row: number): number {
    const { draws } = this.subject.settings;
    const [of, place] = labels === 0 ? (['own', row] as const) : labels <= draws ? (['draws', this.drawStarts[labels - 1]! + row] as const) : (['chance', row] as const);
    return this.start(`${of} ${at}`) + Math.floor(place / ROWS);
  }

  /** Units of a checkpoint between its rows and what all checkpoints share: first, and after the last. */
  curvatureUnits(at: number): [number, number] {
    return [this.start(`turned ${at}`), at + 1 < this.subject.checkpoints ? this.start(`turned ${at + 1}`) : this.start('chance')];
  }

  get scaleUnit(): number {
    return this.start('scale');
  }

  /** Bytes of outputs that a replay has to hold at once. */
  get heldBytes(): number {
    const { sizes: { width, checkpoints }, panels, groups, chanceBlocks } = this;
    const rows = width * ((2 * panels + groups) * TILE + checkpoints * (chanceBlocks + groups) * TILE);
    return 4 * (rows + TILE * TILE * (panels * (panels + 1) + 3 * panels));
  }

  private section(name: string, count: number, place: (k: number) => LedgerPlace): void {
    const last = this.sections.at(-1);
    const start = last ? last.start + last.count : this.first;
    this.starts.set(name, start);
    this.sections.push({ start, count, place });
  }

  private start(section: string): number {
    return this.starts.get(section)!;
  }

  private rowsOf(of: RowsOf): number {
    return of === 'draws' ? this.draws.owners.length : of === 'own' ? this.subject.records : this.owners.length;
  }

  private units(of: RowsOf, first: number, count: number): number {
    return Math.ceil(Math.min(count, this.rowsOf(of) - first) / ROWS);
  }

  /** Numbers of the own gradients that a unit squares, counted over checkpoints. */
  private squared(block: number): number[] {
    return upTo(Math.min(SQUARES, this.subject.checkpoints * this.subject.records - block * SQUARES)).map((k) => block * SQUARES + k);
  }

  private gradients(at: number, of: RowsOf, block: number): number[] {
    return upTo(Math.min(ROWS, this.rowsOf(of) - block * ROWS)).map((k) => {
      const row = block * ROWS + k;
      if (of === 'own') return this.earlier.gradient(at, 0, row);
      if (of === 'chance') return this.earlier.gradient(at, 1 + this.subject.settings.draws, row);
      const draw = this.draws.numbers[row]!;
      return this.earlier.gradient(at, 1 + draw, row - this.drawStarts[draw]!);
    });
  }

  /** Tiles i ≥ j column by column. */
  private tile(k: number): { i: number; j: number } {
    let [j, rest] = [0, k];
    while (rest >= this.panels - j) rest -= this.panels - j++;
    return { i: j + rest, j };
  }

  private tileUnit(kind: 'gram' | 'factor', at: number, i: number, j: number): number {
    return this.start(`${kind} ${at}`) + j * this.panels - (j * (j - 1)) / 2 + i - j;
  }

  /** Of a group of records: products, forward from the first panel, backward from the last, then what is left. */
  private groupPlace(at: number, group: number, k: number): LedgerPlace {
    const { panels } = this;
    const panel = k % panels;
    switch (Math.floor(k / panels)) {
      case 0: return { kind: 'products', at, group, panel };
      case 1: return { kind: 'forward', at, group, panel };
      case 2: return { kind: 'backward', at, group, panel: panels - 1 - panel };
      default: return { kind: 'rest', at, group };
    }
  }

  private groupUnit(at: number, group: number, kind: 'products' | 'forward' | 'backward', panel: number): number {
    const { panels } = this;
    const within = { products: panel, forward: panels + panel, backward: 3 * panels - 1 - panel }[kind];
    return this.start(`groups ${at}`) + group * (3 * panels + 1) + within;
  }

  private restUnit(at: number, group: number): number {
    return this.start(`groups ${at}`) + (group + 1) * (3 * this.panels + 1) - 1;
  }

  private groupsOf(block: number): number[] {
    const each = SPAN / TILE;
    return upTo(Math.min(each, this.groups - block * each)).map((k) => block * each + k);
  }

  /** Number of a group's first record, then the record of each draw of chance, to whole blocks. */
  private records(group: number): number[] {
    return [group * TILE, ...this.owners, ...new Array<number>(this.chanceBlocks * TILE - this.owners.length).fill(0)];
  }
}
