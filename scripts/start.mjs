// `npm start`, in plain JavaScript because nothing may be installed yet.
import { prepare, run } from './prepare.mjs';

if (process.argv.includes('--help')) {
  console.log(`npm start -- [--fresh] [--port N] [--chain-port N] [--state DIR]
Installs what is missing, builds, starts chain, content store, companion and app on this machine, prints the URL.
  --fresh       forget the local chain, its content and its keys first
  --port        port of the app (default 4173; the next free one where it is taken)
  --chain-port  port of the chain (default 8545)
  --state       where all of it is kept (default .openledger)`);
  process.exit(0);
}
await prepare({ app: true });
await run('node', ['--import', 'tsx', 'scripts/start/start.ts', ...process.argv.slice(2)], { forwardSignals: true });
