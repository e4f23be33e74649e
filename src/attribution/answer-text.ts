import { greedyChoices } from '../model/greedy-choices.ts';
import type { Lora } from '../model/lora.ts';
import type { Sampling } from '../model/sampling.ts';
import { createStopStream } from '../model/stop.ts';
import type { Engine } from './engine.ts';

export interface AnswerOptions {
  maxTokens?: number | undefined;
  /** What is not said changes nothing; greedy where it is missing. */
  sampling?: Partial<Sampling> | undefined;
  signal?: AbortSignal | undefined;
  onToken?: ((id: number) => void) | undefined;
}

export interface AnswerTextOptions extends AnswerOptions {
  stopTexts?: readonly string[] | undefined;
  onText?: ((piece: string) => void) | undefined;
}

export interface AnswerText {
  tokens: number[];
  /** The text of each token; what is held back for a character or a stop text goes to a later one. */
  pieces: string[];
  text: string;
  /** Ended by `signal`. */
  stopped: boolean;
}

/**
 * Answers as text while it is written: `onText` gets pieces of whole characters, `onToken` each id with the text that
 * belongs to it. Ends at the model's end token, at a stop text (which is not part of the text), or at `maxTokens`.
 * `tokens` hold everything that was generated. Aborting keeps what is there and says so; before the first token it
 * throws `cancelled`.
 */
export async function answerText(
  engine: Engine,
  adapter: { lora: Lora } | undefined,
  prompt: readonly number[],
  options: AnswerTextOptions,
): Promise<AnswerText> {
  const stream = engine.tokenizer.createDecodeStream();
  const stops = createStopStream([...engine.prompts.stopTexts, ...(options.stopTexts ?? [])]);
  const ended = new AbortController();
  const stop = () => ended.abort();
  options.signal?.addEventListener('abort', stop);
  if (options.signal?.aborted) stop();
  const tokens: number[] = [];
  const pieces: string[] = [];
  let byText = false;
  const give = (piece: string) => {
    if (piece) options.onText?.(piece);
    return piece;
  };
  try {
    await engine.generate(adapter, prompt, {
      ...options, signal: ended.signal,
      onToken: (id) => {
        // Tokens that the device had under way when the text ended are not part of the answer.
        if (byText) return;
        tokens.push(id);
        pieces.push(give(stops.push(stream.push(id))));
        options.onToken?.(id);
        if (stops.stopped) {
          byText = true;
          stop();
        }
      },
    });
  } catch (error) {
    if (!byText && (!options.signal?.aborted || !tokens.length)) throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
  if (!byText) {
    const rest = give(stops.push(stream.end()) + stops.end());
    if (pieces.length) pieces[pieces.length - 1] += rest;
  }
  return { tokens, pieces, text: pieces.join('').trim(), stopped: options.signal?.aborted === true && !byText };
}

/**
 * Reads an answer that the fast lane wrote, and gives the exact lane's own greedy answer: the same tokens as far as
 * they agree, its own from the first that it would have chosen otherwise. `agreed` says how many were the same.
 */
export async function confirmedAnswer(
  engine: Engine,
  adapter: { lora: Lora } | undefined,
  prompt: readonly number[],
  written: readonly number[],
  options: Pick<AnswerTextOptions, 'maxTokens' | 'signal' | 'stopTexts'>,
): Promise<AnswerText & { agreed: number }> {
  const choices = await greedyChoices(engine.model, adapter?.lora, prompt, written);
  const other = written.findIndex((id, i) => id !== choices[i]);
  const agreed = other < 0 ? written.length : other;
  if (agreed === written.length) return { ...textOf(engine, written, options.stopTexts), agreed, stopped: false };
  const before = written.slice(0, agreed);
  const rest = await answerText(engine, adapter, [...prompt, ...before], { signal: options.signal, maxTokens: (options.maxTokens ?? 96) - agreed });
  const { tokens, ...text } = textOf(engine, [...before, ...rest.tokens], options.stopTexts);
  return { tokens, ...text, agreed, stopped: rest.stopped };
}

/** The text of an answer's tokens, up to a stop text. */
function textOf(engine: Engine, ids: readonly number[], stopTexts: readonly string[] = []): Omit<AnswerText, 'stopped'> {
  const stream = engine.tokenizer.createDecodeStream();
  const stops = createStopStream([...stopTexts, ...engine.prompts.stopTexts]);
  const tokens: number[] = [];
  const pieces: string[] = [];
  for (const id of ids) {
    tokens.push(id);
    pieces.push(stops.push(stream.push(id)));
    if (stops.stopped) break;
  }
  if (!stops.stopped && pieces.length) pieces[pieces.length - 1] += stops.push(stream.end()) + stops.end();
  return { tokens, pieces, text: pieces.join('').trim() };
}
