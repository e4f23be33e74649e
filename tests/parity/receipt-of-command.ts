import { openBackendByName } from '../../src/serve/cli/backend-option.ts';
import { toWire } from '../../src/errors.ts';
import { receiptOf } from './receipt-of.ts';

try {
  const { backend, close } = await openBackendByName(process.argv[2]!);
  console.log(JSON.stringify(await receiptOf(backend)));
  close();
  process.exit(0);
} catch (error) {
  const wire = toWire(error);
  console.log(JSON.stringify({ absent: wire.code === 'webgpu/unavailable' ? [wire.what, wire.why].filter(Boolean).join(' ') : undefined, error: wire }));
  process.exit(1);
}
