import { SHARED_HELP, parseCommand, required, withSession } from './session.ts';
import { asCid } from './content.ts';

export const HELP = `npm run serve -- ask --adapter DIR|CID "question"
Answers a question with an adapter (or with the base alone), on this machine.
  --adapter DIR|CID   PEFT folder with run.json; the base alone where it is missing
  --max-tokens N      longest answer (default 96)
${SHARED_HELP}`;

export async function ask(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, { adapter: { type: 'string' }, 'max-tokens': { type: 'string' } });
  if (values.help) return HELP;
  return withSession(values, async ({ store, catalog, engine }) => {
    const prompt = engine.prompt(required(positionals.join(' '), 'The question'));
    const adapter = values.adapter === undefined ? undefined : await catalog.adapter(engine, await asCid(store, values.adapter));
    const stream = engine.tokenizer.createDecodeStream();
    const began = performance.now();
    let first = 0;
    const tokens = await engine.generate(adapter, prompt, {
      maxTokens: Number(values['max-tokens'] ?? 96),
      onToken: (id) => {
        first ||= performance.now() - began;
        const piece = stream.push(id);
        if (!values.json) process.stdout.write(piece);
      },
    });
    const seconds = (performance.now() - began) / 1000;
    if (!values.json) process.stdout.write('\n');
    return {
      answer: engine.tokenizer.decode(tokens).trim(), promptTokens: prompt, answerTokens: tokens, backend: engine.backend.kind, device: engine.backend.device,
      firstTokenSeconds: first / 1000, seconds, tokensPerSecond: tokens.length / seconds,
    };
  });
}
