import { BLOCK, bitsOf } from '../../arithmetic/rf32.ts';
import { divisorOf, floorPart, inverseOf } from '../curvature/ledger-constants.ts';
import { piecesOf } from './element.ts';
import type { ConstantShape } from './instruction.ts';
import { type LedgerSizes, type LedgerSubject, ROWS, SPAN, TILE, ledgerSizes } from './ledger-sizes.ts';
import { outcomeProgram } from './outcome-program.ts';
import { ProgramBuilder, type Ref } from './program-builder.ts';
import { tableIndex } from './sketch-tables.ts';
import type { UnitProgram } from './unit-program.ts';

/**
 * What a unit between gradients and ledger computes, with what it varies in:
 * squares (has a unit before it 0/1, gradients), scale, rows and reading (checkpoint, records), turned (row units),
 * damped (row units) and gram (row units, row units): tiles of Gram matrices, pivot and tile (panels before), back (panels after),
 * rest (row units, panels), chance (row units a checkpoint), products, noise (chance units), ledger (groups of records), outcome.
 */
export type LedgerKind =
  | `squares ${0 | 1} ${number}` | 'scale' | `rows ${number} ${number}` | `reading ${number} ${number}` | `turned ${number}`
  | `damped ${number}` | `gram ${number} ${number}` | `pivot ${number}` | `tile ${number}` | `back ${number}`
  | `rest ${number} ${number}` | `chance ${number}` | 'products' | `noise ${number}` | `ledger ${number}` | 'outcome';

/** Its constants are SketchTables. Throws RangeError for a kind that there is not. */
export function ledgerProgram(subject: LedgerSubject, kind: LedgerKind, constants: readonly ConstantShape[]): UnitProgram {
  const [name, ...numbers] = kind.split(' ');
  const write = WRITERS[name!];
  if (!write) throw new RangeError(`no program ${kind}`);
  const builder = new ProgramBuilder();
  const outputs = write(new LedgerWriter(builder, subject), ...numbers.map(Number));
  return { kind, instructions: builder.instructions, constants: [...constants], window: 0, shape: builder.shape(outputs) };
}

/** Pieces that several programs have. */
class LedgerWriter {
  readonly builder: ProgramBuilder;
  readonly subject: LedgerSubject;
  readonly sizes: LedgerSizes;

  constructor(builder: ProgramBuilder, subject: LedgerSubject) {
    this.builder = builder;
    this.subject = subject;
    this.sizes = ledgerSizes(subject);
  }

  /** The gradients, squares or scale of the adapter that a source makes. */
  adapter(): Ref[] {
    const matrix = this.builder.source(this.sizes.shapes.length);
    return this.sizes.shapes.map(({ rows, columns }, k) => matrix(k, rows, columns));
  }

  /** Row units of one tile under each other, [TILE, width]. */
  rows(name: string, units: number): Ref {
    const { width } = this.sizes;
    return this.builder.emit('stack', name, TILE, width, this.builder.singles(units, ROWS, width), [ROWS]);
  }

  /** a · bᵀ, each sum in all its blocks. */
  product(name: string, a: Ref, b: Ref): Ref {
    const blocks = piecesOf(a.columns);
    const parts = this.builder.emit('dotBlocks', `${name} blocks`, a.rows, b.rows * blocks, [a, b], [blocks]);
    return this.builder.emit('foldGroups', name, a.rows, b.rows, [parts], [blocks]);
  }

  /** Matrices of all checkpoints beside each other. */
  acrossCheckpoints(name: string, parts: readonly Ref[]): Ref {
    return this.builder.emit('joinColumns', name, parts[0]!.rows, this.sizes.columns, parts, [this.sizes.width]);
  }

  /** The row at a checkpoint of one gradient after the other; as Sketcher.add does. */
  row(name: string, checkpoint: number, gradients: readonly Ref[][], scale: readonly Ref[]): Ref {
    const { width, tensors } = this.sizes;
    let row: Ref | undefined;
    for (const gradient of gradients) {
      for (const [t, { name: tensor, values }] of tensors.entries()) {
        const scaled = this.builder.emit('scaleBy', `${name} ${tensor}.scaled`, gradient[t]!.rows, gradient[t]!.columns, [gradient[t]!, scale[t]!]);
        const { pairs, members } = tableIndex(tensors.length, checkpoint, t);
        const tables: Ref[] = [{ space: 'constant', index: pairs, rows: 1, columns: 2 * width }, { space: 'constant', index: members, rows: 1, columns: values }];
        row = this.builder.emit('sketch', `${name} ${tensor}.sketch`, 1, width, [scaled, ...tables, ...(row ? [row] : [])]);
      }
    }
    return row!;
  }

  /** The sum of a list, as GradientScale has it. */
  listSum(name: string, list: Ref): Ref {
    let rest = list;
    while (rest.rows * rest.columns > 1) rest = this.builder.emit('listBlocks', `${name} sum`, 1, Math.ceil((rest.rows * rest.columns) / BLOCK), [rest]);
    return rest;
  }
}

/** An instruction has at most 255 inputs. */
const JOINED = 128;

/** Each writes a program and gives how many outputs it has. */
const WRITERS: Readonly<Record<string, (writer: LedgerWriter, ...numbers: number[]) => number>> = {
  squares(writer, has, gradients) {
    const { builder, sizes: { shapes } } = writer;
    const read = Array.from({ length: has! + gradients! }, () => writer.adapter());
    for (const [t, { name, rows, columns }] of shapes.entries()) builder.emit('squareSum', `${name} squares`, rows, columns, read.map((one) => one[t]!), [has!]);
    return shapes.length;
  },

  scale(writer) {
    const { builder, subject: { pace, records }, sizes: { shapes, tensors, checkpoints } } = writer;
    const squares = writer.adapter();
    const sums = squares.map((one, t) => writer.listSum(shapes[t]!.name, one));
    const joins: Ref[] = [];
    for (let first = 0; first < sums.length; first += JOINED) {
      const some = sums.slice(first, first + JOINED);
      joins.push(builder.emit('join', 'sums', 1, some.length, some, [1]));
    }
    const total = writer.listSum('total', joins.length > 1 ? builder.emit('join', 'all sums', 1, sums.length, joins, [JOINED]) : joins[0]!);
    const params = [floorPart(tensors.reduce((sum, { values }) => sum + values, 0)), divisorOf(checkpoints * records, pace.batch)].map(bitsOf);
    for (const [t, { name, rows, columns }] of shapes.entries()) builder.emit('gradientScale', `${name} scale`, rows, columns, [squares[t]!, total], params);
    return shapes.length;
  },

  rows(writer, checkpoint, records) {
    const read = Array.from({ length: records! }, () => writer.adapter());
    const scale = writer.adapter();
    writer.builder.emit('stack', 'rows', ROWS, writer.sizes.width, read.map((gradient, k) => writer.row(`row ${k}`, checkpoint!, [gradient], scale)), [1]);
    return 1;
  },

  /** As ReadingRows: its gradient at the checkpoint, then that at the last. */
  reading(writer, checkpoint, records) {
    const { checkpoints, width } = writer.sizes;
    const own = Array.from({ length: records! }, () => writer.adapter());
    const last = checkpoint === checkpoints - 1 ? own : Array.from({ length: records! }, () => writer.adapter());
    const scale = writer.adapter();
    writer.builder.emit('stack', 'rows', ROWS, width, own.map((gradient, k) => writer.row(`row ${k}`, checkpoint!, [gradient, last[k]!], scale)), [1]);
    return 1;
  },

  turned({ builder, sizes: { width } }, units) {
    builder.emit('turnStack', 'draws turned', width, SPAN, builder.singles(units!, ROWS, width), [ROWS]);
    return 1;
  },

  damped(writer, units) {
    const rows = writer.rows('draws', units!);
    writer.builder.emit('addDiagonal', 'damped', TILE, TILE, [writer.product('gram', rows, rows)], [bitsOf(writer.sizes.shift)]);
    return 1;
  },

  gram(writer, units, others) {
    const rows = writer.rows('rows', units!);
    writer.product('products', rows, writer.rows('draws', others!));
    return 1;
  },

  pivot({ builder }, panels) {
    const [damped, ...before] = builder.singles(1 + panels!, TILE, TILE);
    let rest = damped!;
    for (const [q, tile] of before.entries()) rest = builder.emit('tileUpdate', `less panel ${q}`, TILE, TILE, [rest, tile, tile]);
    builder.emitFromItself('choleskyBlock', 'factor', TILE, TILE, [rest, damped!]);
    return 1;
  },

  /** Sources: what is solved, rows of it at the panels before, rows of the factor there, the factor's own block. */
  tile({ builder }, panels) {
    const [start, ...read] = builder.singles(2 + 2 * panels!, TILE, TILE);
    let rest = start!;
    for (let q = 0; q < panels!; q++) rest = builder.emit('tileUpdate', `less panel ${q}`, TILE, TILE, [rest, read[q]!, read[panels! + q]!]);
    builder.emitFromItself('solveRows', 'solved', TILE, TILE, [rest, read.at(-1)!]);
    return 1;
  },

  /** As tile, from the last panel back; the factor's tiles are those below its own block. */
  back({ builder }, panels) {
    const [start, ...read] = builder.singles(2 + 2 * panels!, TILE, TILE);
    let rest = start!;
    for (let q = 0; q < panels!; q++) {
      const turned = builder.emit('transpose', `panel ${q} turned`, TILE, TILE, [read[panels! + q]!]);
      rest = builder.emit('tileUpdate', `less panel ${q}`, TILE, TILE, [rest, read[q]!, turned]);
    }
    builder.emitFromItself('solveRowsBack', 'solved', TILE, TILE, [rest, read.at(-1)!]);
    return 1;
  },

  rest(writer, units, panels) {
    const { builder, sizes: { width, lambda } } = writer;
    const own = writer.rows('gradients', units!);
    const solved = builder.singles(panels!, TILE, TILE);
    const turned = builder.singles(Math.ceil((panels! * TILE) / SPAN), width, SPAN);
    const each = SPAN / TILE;
    const parts = turned.map((draws, k) => {
      const weights = builder.emit('joinColumns', `weights ${k}`, TILE, SPAN, solved.slice(k * each, (k + 1) * each), [TILE]);
      return builder.emit('dotBlocks', `shared ${k}`, TILE, width, [weights, draws], [1]);
    });
    const shared = builder.emit('foldMatrices', 'shared', TILE, width, parts);
    const rest = builder.emit('addScaled', 'rest', TILE, width, [own, shared], [bitsOf(-1)]);
    builder.emit('scale', 'rows', TILE, width, [rest], [bitsOf(inverseOf(lambda))]);
    return 1;
  },

  chance(writer, units) {
    const { builder, sizes: { checkpoints } } = writer;
    const all = writer.acrossCheckpoints('rows', Array.from({ length: checkpoints }, (_, at) => writer.rows(`rows ${at}`, units!)));
    const blocks = piecesOf(all.columns);
    const squares = builder.emit('foldGroups', 'squares', TILE, 1, [builder.emit('squareBlocks', 'squares blocks', TILE, blocks, [all])], [blocks]);
    builder.emit('copy', 'chance', TILE, all.columns, [all]);
    builder.emit('transpose', 'squared lengths', 1, TILE, [squares]);
    return 2;
  },

  products(writer) {
    const { builder, sizes: { checkpoints, width, columns } } = writer;
    const rows = writer.acrossCheckpoints('rows', builder.singles(checkpoints, TILE, width));
    writer.product('products', rows, builder.source(2)(0, TILE, columns));
    return 1;
  },

  noise({ builder }, blocks) {
    const products = builder.singles(blocks!, TILE, TILE);
    const squares = Array.from({ length: blocks! }, () => builder.source(2)(1, 1, TILE));
    const terms = products.map((p, i) => builder.emit('chanceTerm', `terms ${i}`, TILE, TILE, [p, squares[i]!], [i * TILE]));
    const all = builder.emit('joinColumns', 'terms', TILE, blocks! * TILE, terms, [TILE]);
    const lengths = builder.emit('joinColumns', 'squared lengths', 1, blocks! * TILE, squares, [TILE]);
    builder.emit('chanceDeviation', 'noise', TILE, 1, [all, lengths]);
    return 1;
  },

  /** Sources: rows of each checkpoint, then noise, each group after group. */
  ledger(writer, groups) {
    const { builder, sizes: { checkpoints, width, columns } } = writer;
    const parts = Array.from({ length: checkpoints }, (_, at) => builder.emit('stack', `rows ${at}`, SPAN, width, builder.singles(groups!, TILE, width), [TILE]));
    const noise = builder.singles(groups!, TILE, 1);
    builder.emit('quantised', 'rows', SPAN, columns, [writer.acrossCheckpoints('rows unrounded', parts)]);
    builder.emit('stack', 'noise', SPAN, 1, noise, [TILE]);
    return 2;
  },

  outcome: ({ builder, subject, sizes }) => outcomeProgram(builder, subject, sizes),
};
