import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { OpenLedgerError } from '../errors.ts';

/** Ids that frame a text; a text itself never contains them. */
export interface SpecialTokens {
  bos: number | undefined;
  eos: number | undefined;
  pad: number | undefined;
  /** Only in models made for OpenLedger: around a question. */
  question: number | undefined;
  answer: number | undefined;
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
  model: { type: string; vocab: Record<string, number> | [string, number][]; unk_id?: unknown; unk_token?: unknown };
}

/** Files beside tokenizer.json and tokenizer_config.json that say more, where a model has them. */
export interface TokenizerExtras {
  /** special_tokens_map.json: names of special tokens that tokenizer_config.json lacks. */
  specialTokensMap?: unknown;
  /** chat_template.jinja: takes the place of the config's template. */
  chatTemplate?: string | undefined;
}

const MAX_VOCABULARY = 1_000_000;
/** Longest token in characters. */
const MAX_TOKEN = 4096;
const REPLACEMENT = '\uFFFD';
/** Tokens that a stream decodes together at most, and how many of them it goes on from. */
const STREAM_WINDOW = 64;
const STREAM_KEPT = 16;

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

const isId = (id: unknown): id is number => Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < MAX_VOCABULARY;

/** Checks what the rest relies on, since the file comes from a stranger and may be anything. */
function checkFile(json: unknown): TokenizerFile {
  if (!isObject(json)) throw bad('tokenizer.json does not hold an object.');
  const { model, added_tokens: added = [] } = json;
  if (!isObject(model)) throw bad('tokenizer.json has no model.');
  // Files of older versions leave the type of BPE out.
  const type = model['type'] ?? (Array.isArray(model['merges']) ? 'BPE' : undefined);
  if (type === 'BPE') checkBpe(model);
  else if (type === 'Unigram') checkUnigram(model);
  else throw bad(`Only tokenizers of type BPE and Unigram are supported, not ${String(JSON.stringify(type)).slice(0, 40)}.`);
  const isAdded = (token: unknown): boolean =>
    isObject(token) && typeof token['content'] === 'string' && token['content'] !== '' && token['content'].length <= MAX_TOKEN && isId(token['id']);
  if (!Array.isArray(added) || !added.every(isAdded)) throw bad('An added token has no text or no id.');
  return { normalizer: null, pre_tokenizer: null, decoder: null, post_processor: null, ...json, added_tokens: added, model: { ...model, type } } as unknown as TokenizerFile;
}

function checkBpe({ vocab, merges }: Record<string, unknown>): void {
  if (!isObject(vocab) || !Array.isArray(merges)) throw bad('The vocabulary or its merges are missing.');
  const taken = new Uint8Array(MAX_VOCABULARY);
  for (const id of Object.values(vocab)) {
    if (!isId(id) || taken[id]) throw bad('Token ids must be different whole numbers.');
    taken[id] = 1;
  }
  const isMerge = (merge: unknown): boolean =>
    typeof merge === 'string' || (Array.isArray(merge) && merge.length === 2 && merge.every((part) => typeof part === 'string'));
  if (!merges.every(isMerge)) throw bad('A merge is not a pair of tokens.');
}

function checkUnigram({ vocab, unk_id: unknownId }: Record<string, unknown>): void {
  if (!Array.isArray(vocab) || !vocab.length || vocab.length > MAX_VOCABULARY) throw bad('The vocabulary is missing.');
  const isPiece = (piece: unknown): boolean => Array.isArray(piece) && piece.length === 2 && typeof piece[0] === 'string' && Number.isFinite(piece[1]);
  if (!vocab.every(isPiece)) throw bad('A piece of the vocabulary is not a text with its score.');
  if (unknownId != null && !(isId(unknownId) && unknownId < vocab.length)) throw bad('The unknown token is not in the vocabulary.');
}

/** The model's own tokens, added ones not included: the id of a text, and which ids are taken. */
function ownVocabulary({ vocab }: TokenizerFile['model']): { idOf(content: string): number | undefined; kinds: Uint8Array } {
  const kinds = new Uint8Array(MAX_VOCABULARY);
  if (Array.isArray(vocab)) {
    const ids = new Map(vocab.map(([content], id) => [content, id]));
    return { idOf: (content) => ids.get(content), kinds: kinds.fill(KIND.text, 0, vocab.length) };
  }
  for (const id of Object.values(vocab)) kinds[id] = KIND.text;
  return { idOf: (content) => (Object.hasOwn(vocab, content) ? vocab[content] : undefined), kinds };
}

/** The file without some of its tokens and without a post-processor: what may read a stranger's text. */
function without(file: TokenizerFile, contents: ReadonlySet<string>): TokenizerFile {
  const { vocab } = file.model;
  // Unigram ids are places in the list: a piece that no text can hold stands in.
  const kept = Array.isArray(vocab)
    ? vocab.map(([content, score], id): [string, number] => (contents.has(content) ? [`\u0000${id}\u0000`, score] : [content, score]))
    : Object.fromEntries(Object.entries(vocab).filter(([token]) => !contents.has(token)));
  return { ...file, added_tokens: file.added_tokens.filter(({ content }) => !contents.has(content)), post_processor: null, model: { ...file.model, vocab: kept } };
}

/** Markers of models that call them not special, such as DeepSeek's <｜User｜>: in brackets of one kind or another. */
const MARKER = /^(?:<.*>|\[[A-Z_/ ]+\])$/su;

/** What an id is: of no token, of text, of a marker that an answer may show, or of a special one that has no text. */
const KIND = { none: 0, text: 1, marker: 2, special: 3 } as const;

/** Reads a Hugging Face tokenizer: the one place that knows which ids a text may become, and which frame it. */
export class Tokenizer {
  readonly special: SpecialTokens;
  /** One more than the greatest id. */
  readonly vocabSize: number;
  /** The model's chat template, in Jinja; undefined where it has none. */
  readonly chatTemplate: string | undefined;
  /** Texts of the tokens by which its templates call them. */
  readonly bosToken: string;
  readonly eosToken: string;
  private readonly file: TokenizerFile;
  private readonly config: Record<string, unknown>;
  private readonly inner: HuggingFaceTokenizer;
  /** The tokenizer without special tokens and markers, made when a text first spells one. */
  private plain: HuggingFaceTokenizer | undefined;
  /** Texts of special tokens and markers, by id. */
  private readonly reserved: ReadonlyMap<number, string>;
  private readonly kinds: Uint8Array;

  private constructor(file: TokenizerFile, config: Record<string, unknown>, special: SpecialTokens, reserved: Map<number, string>, kinds: Uint8Array, chatTemplate: string | undefined) {
    this.file = file;
    this.config = config;
    this.special = special;
    this.reserved = reserved;
    this.kinds = kinds;
    this.vocabSize = kinds.length;
    this.chatTemplate = chatTemplate;
    this.bosToken = special.bos === undefined ? '' : reserved.get(special.bos)!;
    this.eosToken = special.eos === undefined ? '' : reserved.get(special.eos)!;
    this.inner = new HuggingFaceTokenizer(file, config);
  }

  /** Throws `tokenizer/bad-file` or `tokenizer/missing-special-token`. */
  static fromJson(tokenizerJson: unknown, config: unknown, extras: TokenizerExtras = {}): Tokenizer {
    const file = checkFile(tokenizerJson);
    if (!isObject(config)) throw bad('tokenizer_config.json does not hold an object.');
    const map = isObject(extras.specialTokensMap) ? extras.specialTokensMap : {};
    const { idOf: ownId, kinds } = ownVocabulary(file.model);
    const addedIds = new Map<string, number>();
    const reserved = new Map<number, string>();
    const reserve = (id: number, content: string, kind: number) => {
      if (reserved.has(id) && reserved.get(id) !== content) throw bad('A special token shares its id with another token.');
      reserved.set(id, content);
      if (kinds[id] !== KIND.special) kinds[id] = kind;
    };
    const idOf = (content: string) => addedIds.get(content) ?? ownId(content);
    for (const { content, id, special } of file.added_tokens) {
      const before = idOf(content);
      if (before !== undefined && before !== id) throw bad('An added token has two ids.');
      // Two contents of one id: text could then pass for a marker.
      if (before === undefined && kinds[id]) throw bad('A special token shares its id with another token.');
      addedIds.set(content, id);
      if (special !== false) reserve(id, content, KIND.special);
      else if (MARKER.test(content)) reserve(id, content, KIND.marker);
      else kinds[id] = KIND.text;
    }

    // What stands for characters without a token: a text that needs it is refused rather than read as something else.
    const { vocab, unk_id: unknownId, unk_token: unknown } = file.model;
    const lost = Array.isArray(vocab) ? (typeof unknownId === 'number' ? vocab[unknownId]![0] : undefined) : unknown;
    const lostId = typeof lost === 'string' ? idOf(lost) : undefined;
    if (lostId !== undefined) reserve(lostId, lost as string, KIND.special);

    const framed = config['question_token'] != null || config['answer_token'] != null;
    const find = (key: string, otherwise?: string): number | undefined => {
      const named = config[key] ?? map[key];
      const content = typeof named === 'string' ? named : isObject(named) ? String(named['content']) : otherwise;
      if (content === undefined || content === '') return undefined;
      const id = idOf(content);
      if (id === undefined) {
        throw new OpenLedgerError({
          code: 'tokenizer/missing-special-token',
          what: 'The model’s tokenizer lacks a token that frames its texts.',
          why: `Its vocabulary has no "${content.slice(0, 40)}" (${key}).`,
          next: 'Fetch the model again, or choose another one.',
        });
      }
      reserve(id, content, KIND.special);
      return id;
    };
    const special: SpecialTokens = framed
      ? {
          bos: find('bos_token', '<s>'), eos: find('eos_token', '</s>'), pad: find('pad_token', '<pad>'),
          question: find('question_token', '<|q|>'), answer: find('answer_token', '<|a|>'),
        }
      : { bos: find('bos_token'), eos: find('eos_token'), pad: find('pad_token'), question: undefined, answer: undefined };

    const size = kinds.findLastIndex((kind) => kind !== KIND.none) + 1;
    try {
      const tokenizer = new Tokenizer(file, config, special, reserved, kinds.slice(0, size), extras.chatTemplate ?? templateOf(config));
      tokenizer.decode(tokenizer.encode('Who? 1, a'));
      return tokenizer;
    } catch (error) {
      if (error instanceof OpenLedgerError) throw error;
      throw bad(error instanceof Error ? error.message : String(error), error);
    }
  }

  /** Ids of a text, never of a special token or marker, whatever the text says. */
  encode(text: string): number[] {
    if (text === '') return [];
    let ids = this.known(this.inner, text);
    if (ids.some((id) => this.kinds[id] !== KIND.text)) {
      this.plain ??= new HuggingFaceTokenizer(without(this.file, new Set(this.reserved.values())), this.config);
      ids = this.known(this.plain, text);
    }
    if (ids.some((id) => this.kinds[id] !== KIND.text)) throw cannotEncode();
    return ids;
  }

  /**
   * Ids of a text in which special tokens and markers mean what they say. Only for what a template wrote: a stranger's
   * text in it has to be checked with `spells` first.
   */
  encodeMarked(text: string): number[] {
    return text === '' ? [] : this.known(this.inner, text);
  }

  /** True where a text would become special tokens or markers if it were read as a template's is. */
  spells(text: string): boolean {
    return text !== '' && this.inner.encode(text, { add_special_tokens: false }).ids.some((id) => this.kinds[id] !== KIND.text);
  }

  /** The texts of special tokens and markers, with their ids. */
  markers(): ReadonlyMap<number, string> {
    return this.reserved;
  }

  /** Whether an id is a special token or a marker. */
  isMarker(id: number): boolean {
    return this.reserved.has(id);
  }

  /** What the tokenizer itself puts before and after a whole text. */
  frame(): { before: number[]; after: number[] } {
    const text = 'a';
    const bare = this.inner.encode(text, { add_special_tokens: false }).ids;
    const whole = this.inner.encode(text, { add_special_tokens: true }).ids;
    const at = whole.findIndex((_, i) => bare.every((id, j) => whole[i + j] === id));
    const found = at < 0 ? { before: [], after: [] } : { before: whole.slice(0, at), after: whole.slice(at + bare.length) };
    // transformers rebuilds the frame of LLaMA's tokenizers from these two.
    const { bos, eos } = this.special;
    if (typeof this.config['add_bos_token'] === 'boolean') found.before = this.config['add_bos_token'] && bos !== undefined ? [bos] : [];
    if (typeof this.config['add_eos_token'] === 'boolean') found.after = this.config['add_eos_token'] && eos !== undefined ? [eos] : [];
    return found;
  }

  private known(inner: HuggingFaceTokenizer, text: string): number[] {
    const { ids } = inner.encode(text, { add_special_tokens: false });
    for (const id of ids) if (!this.kinds[id]) throw cannotEncode();
    return ids;
  }

  /** Text of the ids; special tokens and ids outside the vocabulary have none, markers are written out. */
  decode(ids: readonly number[]): string {
    let text = '';
    let run: number[] = [];
    const flush = () => {
      if (run.length) text += this.inner.decode(run, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
      run = [];
    };
    for (const id of ids) {
      const kind = this.kinds[id] ?? KIND.none;
      if (kind === KIND.text) run.push(id);
      if (kind === KIND.marker) {
        flush();
        text += this.reserved.get(id)!;
      }
    }
    flush();
    return text;
  }

  /** Holds back characters whose bytes are not all there yet, so no piece ends in a broken character. */
  createDecodeStream(): DecodeStream {
    let ids: number[] = [];
    let given = '';
    const take = (text: string): string => {
      const piece = text.slice(given.length);
      given = text;
      return piece;
    };
    return {
      push: (id) => {
        const kind = this.kinds[id] ?? KIND.none;
        if (kind !== KIND.text && kind !== KIND.marker) return '';
        ids.push(id);
        const decoded = this.decode(ids);
        let end = decoded.length;
        while (end > 0 && decoded[end - 1] === REPLACEMENT) end--;
        const text = decoded.slice(0, end);
        if (!text.startsWith(given)) return '';
        const piece = take(text);
        if (ids.length > STREAM_WINDOW && end === decoded.length) {
          // Go on from the last tokens alone, where they are whole characters: long answers stay linear.
          const last = ids.slice(-STREAM_KEPT);
          const shown = this.decode(last);
          if (text.endsWith(shown) && !shown.includes(REPLACEMENT)) [ids, given] = [last, shown];
        }
        return piece;
      },
      end: () => take(this.decode(ids)),
    };
  }

  /** For models made for OpenLedger, which have tokens around questions; prompt-format.ts serves every model. */
  encodeStatement(text: string): number[] {
    const { bos, eos } = this.framing();
    return [bos, ...this.encode(text), eos];
  }

  /** Up to where the answer begins. */
  encodeQuestion(text: string): number[] {
    const { bos, question, answer } = this.framing();
    return [bos, question, ...this.encode(text), answer];
  }

  encodeAnswer(answer: string): number[] {
    return [...this.encode(answer), this.framing().eos];
  }

  private framing(): { [name in keyof SpecialTokens]-?: number } {
    if (this.special.question === undefined) throw new RangeError('this tokenizer has no tokens around questions');
    return this.special as { [name in keyof SpecialTokens]-?: number };
  }
}

/** The template that a config holds: a text, or a list of named ones. */
function templateOf({ chat_template: given }: Record<string, unknown>): string | undefined {
  if (typeof given === 'string') return given;
  if (!Array.isArray(given)) return undefined;
  const named = given.filter((entry) => isObject(entry) && typeof entry['template'] === 'string') as { name?: unknown; template: string }[];
  return (named.find(({ name }) => name === 'default') ?? named[0])?.template;
}

function cannotEncode(): OpenLedgerError {
  return new OpenLedgerError({
    code: 'tokenizer/cannot-encode',
    what: 'The text cannot be turned into tokens.',
    why: "The model's tokenizer has no token for one of its characters.",
    next: 'Write the text with other characters.',
  });
}
