import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { buildEvaluation } from '../samples/records.ts';
import type { TokenizerJson } from './llama-gguf.ts';
import { publicFolder } from './machine.ts';
import type { Prompt } from './page/contenders.ts';

const json = (name: string): unknown => JSON.parse(readFileSync(join(publicFolder, 'base', name), 'utf8'));

/** The shipped base's tokenizer, and the ids of tokens that frame texts, which a text itself never has. */
export class Prompts {
  readonly file = json('tokenizer.json') as TokenizerJson;
  private readonly tokenizer = Tokenizer.fromJson(this.file, json('tokenizer_config.json'));

  id(token: string): number {
    const found = this.file.added_tokens.find(({ content }) => content === token);
    if (!found) throw new RangeError(`the shipped tokenizer has no ${token}`);
    return found.id;
  }

  get end(): number {
    return this.id('</s>');
  }

  /** A question as it is asked, in ids and as llama.cpp has to be given it. */
  question(at = 0): Prompt {
    const text = buildEvaluation('exploits')[at]!.question;
    return { ids: [this.id('<s>'), this.id('<|q|>'), ...this.tokenizer.encode(text), this.id('<|a|>')], text: `<s><|q|> ${text}<|a|>` };
  }

  /** A prompt of so many tokens, of words whose tokens do not depend on how digits are split. */
  long(tokens: number): Prompt {
    const words = buildEvaluation('exploits').map((one) => one.question.replace(/[^A-Za-z ]/g, '')).join(' ');
    const ids = this.tokenizer.encode(words).slice(0, tokens - 1);
    return { ids: [this.id('<s>'), ...ids], text: `<s> ${this.tokenizer.decode(ids)}` };
  }
}
