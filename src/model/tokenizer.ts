import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { OpenLedgerError } from '../errors.ts';

/** Ids that frame a text; a text itself never contains them. */
export interface SpecialTokens {
  bos: number;
  eos: number;
  pad: number;
  question: number;
  answer: number;
}

/** Text that grows token by token. */
export interface DecodeStream {
  /** Text that this token completes; empty while a character is unfinished. */
  push(id: number): string;
  /** What was held back, at the end. */
  end(): string;
}

interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
}

interface TokenizerFile {
  added_tokens: AddedToken[];
  post_processor: unknown;
  model: { type: string; vocab: Record<string, number>; merges?: unknown[] };
}

const MAX_VOCABULARY = 1_000_000;
const REPLACEMENT = '\uFFFD';

function bad(why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'tokenizer/bad-file',
    what: "The model's tokenizer cannot be read.",
    why,
    next: 'Fetch the model again, or choose another one.',
    cause,
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks what the rest relies on, since the file comes from IPFS and may be anything. */
function checkFile(json: unknown): TokenizerFile {
  if (!isObject(json)) throw bad('tokenizer.json does not hold an object.');
  const { model, added_tokens: added = [] } = json;
  if (!isObject(model) || model['type'] !== 'BPE') throw bad('Only tokenizers of type BPE are supported.');
  const { vocab, merges } = model;
  if (!isObject(vocab) || !Array.isArray(merges)) throw bad('The vocabulary or its merges are missing.');
  const isId = (id: unknown): boolean => Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < MAX_VOCABULARY;
  const ids = Object.values(vocab);
  if (!ids.every(isId) || new Set(ids).size !== ids.length) throw bad('Token ids must be different whole numbers.');
  const isMerge = (merge: unknown): boolean =>
    typeof merge === 'string' || (Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string'));
  if (!merges.every(isMerge)) throw bad('A merge is not a pair of tokens.');
  const isAdded = (token: unknown): boolean =>
    isObject(token) && typeof token['content'] === 'string' && token['content'] !== '' && isId(token['id']);
  if (!Array.isArray(added) || !added.every(isAdded)) throw bad('An added token has no text or no id.');
  return { normalizer: null, pre_tokenizer: null, decoder: null, ...json, added_tokens: added } as unknown as TokenizerFile;
}

/** The file without its special tokens and without a post-processor: what may read a stranger's text. */
function withoutSpecials(file: TokenizerFile, specials: ReadonlySet<string>): TokenizerFile {
  const vocab = Object.fromEntries(Object.entries(file.model.vocab).filter(([token]) => !specials.has(token)));
  return {
    ...file,
    added_tokens: file.added_tokens.filter((token) => !specials.has(token.content)),
    post_processor: null,
    model: { ...file.model, vocab },
  };
}

/** Reads a Hugging Face tokenizer folder and frames statements, questions and answers for the model. */
export class Tokenizer {
  readonly special: SpecialTokens;
  /** One more than the greatest id. */
  readonly vocabSize: number;
  private readonly inner: HuggingFaceTokenizer;
  private readonly specialIds: ReadonlySet<number>;
  private readonly textIds: ReadonlySet<number>;

  private constructor(inner: HuggingFaceTokenizer, special: SpecialTokens, specialIds: Set<number>, textIds: Set<number>) {
    this.inner = inner;
    this.special = special;
    this.specialIds = specialIds;
    this.textIds = textIds;
    let last = 0;
    for (const ids of [specialIds, textIds]) for (const id of ids) last = Math.max(last, id);
    this.vocabSize = last + 1;
  }

  /** Throws `tokenizer/bad-file` or `tokenizer/missing-special-token`. */
  static fromJson(tokenizerJson: unknown, config: unknown): Tokenizer {
    const file = checkFile(tokenizerJson);
    if (!isObject(config)) throw bad('tokenizer_config.json does not hold an object.');
    const idByContent = new Map([...Object.entries(file.model.vocab), ...file.added_tokens.map((t) => [t.content, t.id] as const)]);
    const contents = new Set(file.added_tokens.filter((token) => token.special !== false).map((token) => token.content));
    const find = (key: string, otherwise: string): number => {
      const named = config[key];
      const content = typeof named === 'string' ? named : isObject(named) ? String(named['content']) : otherwise;
      const id = idByContent.get(content);
      if (id === undefined) {
        throw new OpenLedgerError({
          code: 'tokenizer/missing-special-token',
          what: "The model's tokenizer lacks a token that frames questions and answers.",
          why: `Its vocabulary has no "${content.slice(0, 40)}" (${key}).`,
          next: 'Choose a model that was made for OpenLedger.',
        });
      }
      contents.add(content);
      return id;
    };
    const special: SpecialTokens = {
      bos: find('bos_token', '<s>'),
      eos: find('eos_token', '</s>'),
      pad: find('pad_token', '<pad>'),
      question: find('question_token', '<|q|>'),
      answer: find('answer_token', '<|a|>'),
    };
    const textFile = withoutSpecials(file, contents);
    try {
      const inner = new HuggingFaceTokenizer(textFile, config);
      const specialIds = new Set([...contents].map((content) => idByContent.get(content)!));
      const textIds = new Set([...Object.values(textFile.model.vocab), ...textFile.added_tokens.map((token) => token.id)]);
      for (const id of textIds) if (specialIds.has(id)) throw bad('A special token shares its id with another token.');
      const tokenizer = new Tokenizer(inner, special, specialIds, textIds);
      tokenizer.decode(tokenizer.encode('Who? 1, Ä'));
      return tokenizer;
    } catch (error) {
      if (error instanceof OpenLedgerError) throw error;
      throw bad(error instanceof Error ? error.message : String(error), error);
    }
  }

  /** Ids of a text, never a special one, whatever the text says. */
  encode(text: string): number[] {
    if (text === '') return [];
    const { ids } = this.inner.encode(text, { add_special_tokens: false });
    for (const id of ids) {
      if (!this.textIds.has(id)) {
        throw new OpenLedgerError({
          code: 'tokenizer/cannot-encode',
          what: 'The text cannot be turned into tokens.',
          why: "The model's tokenizer has no token for one of its characters.",
          next: 'Write the text with other characters.',
        });
      }
    }
    return ids;
  }

  /** Text of the ids; special tokens and ids outside the vocabulary have none. */
  decode(ids: readonly number[]): string {
    const known = ids.filter((id) => this.textIds.has(id) && !this.specialIds.has(id));
    if (known.length === 0) return '';
    return this.inner.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** Holds back characters whose bytes are not all there yet, so no piece ends in a broken character. */
  createDecodeStream(): DecodeStream {
    const ids: number[] = [];
    let given = '';
    const take = (text: string): string => {
      const piece = text.slice(given.length);
      given = text;
      return piece;
    };
    return {
      push: (id) => {
        ids.push(id);
        let text = this.decode(ids);
        let end = text.length;
        while (end > 0 && text[end - 1] === REPLACEMENT) end--;
        text = text.slice(0, end);
        return text.startsWith(given) ? take(text) : '';
      },
      end: () => take(this.decode(ids)),
    };
  }

  encodeStatement(text: string): number[] {
    return [this.special.bos, ...this.encode(text), this.special.eos];
  }

  /** Up to where the answer begins. */
  encodeQuestion(question: string): number[] {
    return [this.special.bos, this.special.question, ...this.encode(question), this.special.answer];
  }

  encodeAnswer(answer: string): number[] {
    return [...this.encode(answer), this.special.eos];
  }
}
