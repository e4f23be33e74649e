import type { LoadedAdapter, PlainAdapter } from '../../attribution/engine.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { Sampling } from '../../model/sampling.ts';
import { adapterFiles, asCid } from './content.ts';
import { SHARED_HELP, type Session, parseCommand, required, withSession } from './session.ts';

export const HELP = `npm run serve -- ask --adapter DIR|CID "question"
Answers a question with an adapter (or with the base alone), on this machine.
  --adapter DIR|CID[=WEIGHT]   PEFT folder; the base alone where it is missing. Given several times, the adapters
                               are used together, each with its weight (1 where none is given)
  --max-tokens N               longest answer (default 96)
  --temperature X              sample instead of taking the likeliest token each time; with
  --top-k N --top-p X --repetition-penalty X --seed N (default 0): the same seed gives the same answer everywhere
  --stop TEXT                  a text that ends the answer; may be repeated
${SHARED_HELP}`;

const NUMBERS = ['temperature', 'top-k', 'top-p', 'repetition-penalty', 'seed'] as const;

/** Sampling settings from flags; undefined (greedy) where none is given. Their bounds are checked where they are used. */
export function samplingFrom(values: Partial<Record<(typeof NUMBERS)[number], string | undefined>>): Sampling | undefined {
  if (NUMBERS.every((name) => values[name] === undefined)) return undefined;
  const number = (name: (typeof NUMBERS)[number], otherwise: number) => (values[name] === undefined ? otherwise : Number(values[name]));
  return {
    temperature: number('temperature', 1), topK: number('top-k', 0), topP: number('top-p', 1),
    repetitionPenalty: number('repetition-penalty', 1), seed: number('seed', 0),
  };
}

/** One adapter with its run.json, or folders without one, or several together. */
async function openAdapter(given: readonly string[], { store, catalog, engine, say }: Session): Promise<LoadedAdapter | PlainAdapter | undefined> {
  if (!given.length) return undefined;
  const parts = given.map((text) => {
    const [, where = text, weight] = /^(.*)=([^=]*)$/.exec(text) ?? [];
    const value = weight === undefined ? 1 : Number(weight);
    if (!Number.isFinite(value) || weight === '') throw new OpenLedgerError({ code: 'cli/usage', what: `"${weight}" is no weight of an adapter.`, next: 'Write --adapter FOLDER=0.5' });
    return { where, weight: value };
  });
  const files = await Promise.all(parts.map(async ({ where, weight }) => ({ files: await adapterFiles(store, where), weight })));
  if (parts.length === 1 && parts[0]!.weight === 1 && engine.isOwn(files[0]!.files)) return catalog.adapter(engine, await asCid(store, parts[0]!.where));
  const adapter = engine.loadPlainAdapters(files);
  if (adapter.warning) say(`Mind: ${adapter.warning}`);
  return adapter;
}

export async function ask(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, {
    adapter: { type: 'string', multiple: true }, 'max-tokens': { type: 'string' }, stop: { type: 'string', multiple: true },
    temperature: { type: 'string' }, 'top-k': { type: 'string' }, 'top-p': { type: 'string' }, 'repetition-penalty': { type: 'string' }, seed: { type: 'string' },
  });
  if (values.help) return HELP;
  const maxTokens = Number(values['max-tokens'] ?? 96);
  if (!Number.isInteger(maxTokens) || maxTokens < 1) throw new OpenLedgerError({ code: 'cli/usage', what: `--max-tokens cannot be ${values['max-tokens']}.`, next: 'Give a whole number of tokens.' });
  return withSession(values, async (session) => {
    const { engine } = session;
    const prompt = engine.prompt(required(positionals.join(' '), 'The question'));
    const adapter = await openAdapter(values.adapter ?? [], session);
    const began = performance.now();
    let first = 0;
    const { tokens, text } = await engine.answer(adapter, prompt, {
      maxTokens, sampling: samplingFrom(values), stopTexts: values.stop,
      onText: (piece) => {
        first ||= performance.now() - began;
        if (!values.json) process.stdout.write(piece);
      },
    });
    const seconds = (performance.now() - began) / 1000;
    if (!values.json) process.stdout.write('\n');
    return {
      answer: text, promptTokens: prompt, answerTokens: tokens, backend: engine.backend.kind, device: engine.backend.device,
      base: { name: engine.identity.name, root: engine.root, ...(engine.format === undefined ? {} : { format: engine.format }) },
      ...(adapter && 'warning' in adapter && adapter.warning ? { warning: adapter.warning } : {}),
      firstTokenSeconds: first / 1000, seconds, tokensPerSecond: tokens.length / seconds,
    };
  });
}
