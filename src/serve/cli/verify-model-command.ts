import { toWire } from '../../errors.ts';
import { type Comparison, verifyModel } from '../verify-model.ts';
import { BACKENDS, openBackendByName } from './backend-option.ts';
import { end } from './end.ts';
import { parseCommand, required } from './session.ts';

const HELP = `npm run verify:model -- DIR
Compares the engine with a folder's float64 answers (config.json, model.safetensors, adapter_config.json,
adapter_model.safetensors, expected.json) on each backend present; prints relative errors as JSON.
Exits 1 beyond the bounds: 3e-3 for logits and losses, 1e-2 for gradients, Spearman of influence 0.999.
  --backend NAME   one backend only: ${BACKENDS.join(', ')}`;

try {
  const { values, positionals } = parseCommand(process.argv.slice(2), { backend: { type: 'string', default: '' } });
  if (values.help) {
    console.log(HELP);
    await end(0);
  }
  const folder = required(positionals[0], 'The folder');
  const comparisons: Comparison[] = [];
  const absent: { backend: string; why: string }[] = [];
  for (const name of values.backend ? [values.backend] : BACKENDS) {
    let opened: Awaited<ReturnType<typeof openBackendByName>>;
    try {
      opened = await openBackendByName(name);
    } catch (error) {
      if (values.backend) throw error;
      // Said aloud, not hidden: this machine has no such device.
      absent.push({ backend: name, why: toWire(error).what });
      continue;
    }
    try {
      comparisons.push(...(await verifyModel(folder, opened.backend)));
    } finally {
      opened.close();
    }
  }
  const ok = comparisons.length > 0 && comparisons.every((comparison) => comparison.ok);
  console.log(JSON.stringify({ folder, ok, absent, comparisons }, null, 2));
  await end(ok ? 0 : 1);
} catch (error) {
  const wire = toWire(error);
  console.log(JSON.stringify({ ok: false, error: wire }));
  console.error([wire.what, wire.why, wire.next, `(${wire.code})`].filter(Boolean).join('\n'));
  await end(2);
}
