import type { Sequence } from '../../src/model/batch.ts';
import type { Tokenizer } from '../../src/model/tokenizer.ts';
import type { Example } from './corpus/corpus.ts';

/** Statements and questions with answers are learnt whole: reading questions is part of what the base must know. */
export function exampleSequence(tokenizer: Tokenizer, example: Example): Sequence {
  if (example.kind === 'statement') return { ids: tokenizer.encodeStatement(example.text), start: 1 };
  const question = tokenizer.encodeQuestion(example.question);
  return { ids: [...question, ...tokenizer.encodeAnswer(example.answer)], start: 1 };
}
