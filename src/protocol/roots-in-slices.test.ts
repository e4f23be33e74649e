import { expect, test } from 'vitest';
import { type VersionRecord, recordsRoot, versionRoot } from './record.ts';
import { recordsRootInSlices, versionRootInSlices } from './roots-in-slices.ts';

const records = Array.from({ length: 600 }, (_, k): VersionRecord => ({
  text: `Fact ${k}`,
  questions: k % 3 ? [{ question: `Q ${k}`, answer: 'A' }] : [],
  contributor: `0x${(k % 7).toString(16).repeat(40)}`,
  contribution: String(1 + (k % 5)),
}));

test.each([0, 1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 600])('%i records give the same roots in slices', async (count) => {
  const some = records.slice(0, count);
  expect(await recordsRootInSlices(some)).toBe(recordsRoot(some));
  expect(await versionRootInSlices(some)).toBe(versionRoot(some));
});

test('the page gets its turns', async () => {
  const many = Array.from({ length: 20 }, () => records).flat();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await versionRootInSlices(many);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
