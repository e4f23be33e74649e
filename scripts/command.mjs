// Runs one of the TypeScript commands after preparing what it needs: node scripts/command.mjs FILE [arguments]
import { prepare, run } from './prepare.mjs';

const [file, ...rest] = process.argv.slice(2);
await prepare();
await run('node', ['--import', 'tsx', file, ...rest], { forwardSignals: true });
