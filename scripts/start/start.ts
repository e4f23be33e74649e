import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toWire } from '../../src/errors.ts';
import { forget, startLocalNetwork } from './local-network.ts';

const { values: flags } = parseArgs({
  options: { fresh: { type: 'boolean' }, port: { type: 'string' }, 'chain-port': { type: 'string' }, state: { type: 'string' } },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const stateFolder = flags.state ?? join(root, '.openledger');
if (flags.fresh) {
  forget(stateFolder);
  console.log('Beginning anew: the local chain, its content and its keys are gone.');
}
try {
  let stopping = false;
  const network = await startLocalNetwork({
    stateFolder, publicFolder: join(root, 'public'), staticFolder: join(root, 'dist'),
    appPort: Number(flags.port ?? 4173), chainPort: Number(flags['chain-port'] ?? 8545), say: (line) => console.log(line),
    onChainExit: (why) => {
      if (stopping) return;
      console.error(`The local chain stopped by itself: ${why}\nStart again; its last saved state is kept.`);
      process.exit(1);
    },
  });
  console.log(`\n  OpenLedger is ready:  ${network.url}\n\n  Ctrl-C ends it; \`npm start\` goes on from there, \`npm start -- --fresh\` begins anew.`);
  const end = async () => {
    if (stopping) return;
    stopping = true;
    console.log('\nSaving and stopping …');
    await network.stop();
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
} catch (error) {
  const { code, what, why, next } = toWire(error);
  console.error([what, why, next, `(${code})`].filter(Boolean).join('\n'));
  process.exit(1);
}
