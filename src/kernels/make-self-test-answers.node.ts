/** Writes self-test-answers.ts from the reference backend: `npx tsx src/kernels/make-self-test-answers.node.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCase } from './case.ts';
import { ReferenceBackend } from './reference/backend.ts';
import { answerDigest } from './self-test.ts';
import { formCases, selfTestCases } from './self-test-cases.ts';

const lines: string[] = [];
for (const one of [...selfTestCases(), ...formCases()]) {
  const { outputs } = await runCase(new ReferenceBackend(), one);
  lines.push(`  '${one.name}': '${answerDigest(outputs)}',`);
}
const text = `/** Written by make-self-test-answers.node.ts from the plain TypeScript reference; self-test.test.ts checks it. */
export const selfTestAnswers: Readonly<Record<string, string>> = {
${lines.join('\n')}
};
`;
writeFileSync(fileURLToPath(new URL('self-test-answers.ts', import.meta.url)), text);
console.log(`${lines.length} answers`);
