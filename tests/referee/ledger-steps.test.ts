/** Operations between gradients and the ledger's rows on chain: the bits of TypeScript, right elements stand, false ones are convicted. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bitsOf } from '../../src/arithmetic/rf32.ts';
import { firstFalse } from '../../src/attribution/trace/step.ts';
import { LEDGER_OPS, changedPlace, ledgerCase } from '../../src/attribution/trace/testing/ledger-cases.ts';
import { cutOf, leafAt, leafValues } from '../../src/attribution/trace/tree.ts';
import { LedgerClaim } from './ledger-claims.ts';
import { VECTORS, ledgerVectors } from './ledger-vectors.ts';
import { type ScratchReferee, startReferee } from './scratch-referee.ts';

/** Cases of each operation, and elements of each that are asked about. */
const CASES = 12;
const ELEMENTS = 3;

let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

describe.each(LEDGER_OPS)('%s', (op) => {
  it('gives the bits of TypeScript: right elements stand, one flipped bit is convicted', async () => {
    for (let seed = 100; seed < 100 + CASES; seed++) {
      const claim = await LedgerClaim.of(ledgerCase(op, seed));
      const { columns, values } = claim.made;
      for (let k = 0; k < ELEMENTS; k++) {
        // The last element too: sums are longest there.
        const [drawn, bit] = changedPlace(values.length, 10 * seed + k);
        const place = k ? drawn : values.length - 1;
        const [row, column] = [Math.floor(place / columns), place % columns];
        const where = `${claim.about.name}, [${row},${column}], bit ${bit}, ${bitsOf(values[place]!).toString(16)}`;
        expect(await referee.isFalse(claim.question(row, column)), where).toBe(false);
        expect(await referee.isFalse(claim.question(row, column, claim.changed(place, bit))), where).toBe(true);
      }
    }
  }, 60_000);
});

describe.each(['choleskyBlock', 'solveRows', 'solveRowsBack'] as const)('%s by a maker who goes on from a false value', (op) => {
  it('is convicted where the false value was made; what follows from it stands', async () => {
    let followed = 0;
    for (let seed = 200; seed < 212; seed++) {
      const claim = await LedgerClaim.of(ledgerCase(op, seed));
      const { rows, columns, values } = claim.made;
      const [place] = changedPlace(values.length, seed);
      const lie = claim.followed(place, values[place] ? -values[place]! : 0.25);
      const [row, column] = [Math.floor(place / columns), place % columns];
      const { leaf } = leafAt(columns, cutOf(rows, columns), row, column);
      expect(firstFalse(claim.made, leaf, leafValues(lie, leaf).values, op), claim.about.name).toEqual({ row, column });
      expect(await referee.isFalse(claim.question(row, column, lie)), claim.about.name).toBe(true);
      const other = lie.values.findIndex((value, at) => at !== place && bitsOf(value) !== bitsOf(values[at]!));
      if (other < 0) continue;
      followed++;
      expect(await referee.isFalse(claim.question(Math.floor(other / columns), other % columns, lie)), claim.about.name).toBe(false);
    }
    expect(followed).toBeGreaterThan(2);
  }, 60_000);
});

it('is no operation for the other referee, whichever is asked', async () => {
  const question = (await LedgerClaim.of(ledgerCase('copy', 1))).question(0, 0);
  expect(await referee.isFalse(question, 'steps')).toBe('StepUnknown');
  const foreign = ledgerCase('copy', 1);
  foreign.program.instructions[0]!.op = 'transpose';
  const { given: [x], program: { instructions: [turned] } } = foreign;
  [turned!.rows, turned!.columns] = [turned!.columns, turned!.rows];
  expect(x).toBeDefined();
  expect(await referee.isFalse((await LedgerClaim.of(foreign)).question(0, 0), 'ledger')).toBe('StepUnknown');
});

it('has given the contracts’ tests their numbers', async () => {
  expect(readFileSync(VECTORS, 'utf8')).toBe(await ledgerVectors());
});
