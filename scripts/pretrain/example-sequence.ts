import type { Sequence } from '../../src/model/batch.ts';
import type { Tokenizer } from '../../src/model/tokenizer.ts';
import type { Example } from './corpus/corpus.ts';

/** A statement is learnt whole; of a question and answer, the answer. */
export function exampleSequence(tokenizer: Tokenizer, example: Example): Sequence {
  if (example.kind === 'statement') return { ids: tokenizer.encodeStatement(example.text), start: 1 };
  const question = tokenizer.encodeQuestion(example.question);
  return { ids: [...question, ...tokenizer.encodeAnswer(example.answer)], start: question.length };
}
