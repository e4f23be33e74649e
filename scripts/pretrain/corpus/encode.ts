import type { Tokenizer } from '../../../src/model/tokenizer.ts';
import type { Example } from './corpus.ts';

export interface EncodedExample {
  ids: number[];
  /** Index of the answer's first token; 0 for a statement. Loss can be weighed from here on. */
  answerStart: number;
}

/** The token ids that pretraining reads: [BOS] text [EOS], or [BOS, Q] question [A] answer [EOS]. */
export function encodeExample(tokenizer: Tokenizer, example: Example): EncodedExample {
  if (example.kind === 'statement') return { ids: tokenizer.encodeStatement(example.text), answerStart: 0 };
  const question = tokenizer.encodeQuestion(example.question);
  return { ids: [...question, ...tokenizer.encodeAnswer(example.answer)], answerStart: question.length };
}
