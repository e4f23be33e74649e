/** Writes contracts/test/support/LedgerVectors.sol: npx tsx tests/referee/ledger-vectors.ts. ledger-steps.test.ts holds the file to it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bitsOf } from '../../src/arithmetic/rf32.ts';
import { OPS } from '../../src/attribution/trace/instruction.ts';
import type { LedgerOp } from '../../src/attribution/trace/element-ledger.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { LEDGER_OPS, type LedgerCase, ledgerCase } from '../../src/attribution/trace/testing/ledger-cases.ts';
import { floatBytes } from '../../src/attribution/trace/tree.ts';
import { LedgerClaim } from './ledger-claims.ts';

export const VECTORS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../contracts/test/support/LedgerVectors.sol');
/** Of each operation, the first cases whose elements differ and that have neither few nor many numbers; sums of several. */
const CASES = 2;
const [LEAST_NUMBERS, MOST_NUMBERS] = [16, 270];
const SUMS: readonly LedgerOp[] = ['squareSum', 'foldMatrices'];

/** Big-endian words. */
const params = (values: readonly number[]) => values.map((value) => value.toString(16).padStart(8, '0')).join('');
/** Lines of at most 13 words. */
const hex = (digits: string) => (digits.match(/.{1,104}/g) ?? ['']).map((line) => `      hex"${line}"`).join('\n');
const matrix = ({ rows, columns, values }: Matrix) => `Values(\n      ${rows},\n      ${columns},\n${hex(Buffer.from(floatBytes(values)).toString('hex'))}\n    )`;

function unit({ program: { instructions: [instruction] }, inputs, given, name }: LedgerCase, made: Matrix): string {
  const { op, params: numbers, inputs: sources } = instruction!;
  return [
    `  /// @dev ${name.split(':')[0]}.`,
    `    u.op = 0x${OPS[op].toString(16)};`,
    `    u.params = hex"${params(numbers)}";`,
    `    u.scalars =\n${hex(params(inputs.scalars.map(bitsOf)))};`,
    `    u.readsItself = ${sources.length > given.length};`,
    `    u.given = new Values[](${given.length});`,
    ...given.map((one, k) => `    u.given[${k}] = ${matrix(one)};`),
    `    u.made = ${matrix(made)};`,
  ].join('\n');
}

/** The file's text. */
export async function ledgerVectors(): Promise<string> {
  const functions: string[] = [];
  for (const op of LEDGER_OPS) {
    let found = 0;
    for (let seed = 0; found < CASES && seed < 500; seed++) {
      const one = ledgerCase(op, seed);
      const { made } = await LedgerClaim.of(one);
      const numbers = made.values.length + one.given.reduce((sum, { values }) => sum + values.length, 0);
      if (numbers < LEAST_NUMBERS || numbers > MOST_NUMBERS || (SUMS.includes(op) && one.given.length < 2) || new Set(made.values).size < Math.min(3, made.values.length) || !made.values.some((value) => value !== 0)) continue;
      const [note, ...lines] = unit(one, made).split('\n');
      functions.push(`${note}\n  function _of${functions.length}() private pure returns (LedgerUnit memory u) {\n${lines.join('\n')}\n  }`);
      found++;
    }
  }
  const branches = functions.map((_, k) => `    if (k == ${k}) return _of${k}();`).join('\n');
  return `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { LedgerUnit, Values } from "./LedgerTrace.sol";

// Made by tests/referee/ledger-vectors.ts from src/attribution/trace. Not to be edited.

/// @notice What operations of the ledger make, computed in TypeScript. Values are as leaves pack them.
library LedgerVectors {
  uint256 internal constant COUNT = ${functions.length};

  function unit(uint256 k) internal pure returns (LedgerUnit memory) {
${branches}
    revert("no such vector");
  }

${functions.join('\n\n')}
}
`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(VECTORS, await ledgerVectors());
