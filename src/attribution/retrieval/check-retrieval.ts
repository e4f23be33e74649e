import type { DatanetRecord } from '../../protocol/record.ts';
import type { RetrievalLog } from '../../protocol/retrieval-share.ts';
import type { Difference } from '../check.ts';
import { MOST_RETRIEVED, RETRIEVAL_METHOD, buildRetrieval, retrieve } from './retrieval.ts';

/**
 * Retrieves again what a receipt says was retrieved for a question; the first difference, or undefined where none is.
 * The receipt names those that stood in the prompt: the first ones found, and how many of them is checked with the
 * prompt's tokens, which hold them. `clusterOf` as it was given to buildRetrieval.
 */
export function checkRetrieval(
  records: readonly DatanetRecord[],
  question: string,
  { method, most, retrieved }: RetrievalLog,
  options: { clusterOf?: ArrayLike<number> | undefined } = {},
): Difference | undefined {
  if (method !== RETRIEVAL_METHOD) return { where: 'method of retrieval', claimed: method, computed: RETRIEVAL_METHOD };
  if (!Number.isInteger(most) || most < 1 || most > MOST_RETRIEVED) return { where: 'number of records to retrieve', claimed: String(most), computed: `1 to ${MOST_RETRIEVED}` };
  const found = retrieve(buildRetrieval(records, options), question, { most });
  const show = (one: { record: number; score: number } | undefined) => (one ? `record ${one.record + 1} with ${one.score} millionths` : 'nothing');
  const at = retrieved.findIndex(({ record, score }, i) => found[i]?.record !== record || found[i].score !== score);
  return at < 0 ? undefined : { where: `record retrieved at place ${at + 1}`, claimed: show(retrieved[at]), computed: show(found[at]) };
}
