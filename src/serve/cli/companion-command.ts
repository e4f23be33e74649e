import { join } from 'node:path';
import { createCompanion } from '../gateway/companion.ts';
import { ROOT, STATE, localDeployment } from './content.ts';
import { parseCommand } from './session.ts';

export const HELP = `npm run serve
Serves the built app, this machine's content store as an IPFS trustless gateway, and the deployment file.
(\`npm start\` does this and starts a local chain as well.)
  --port N   port (default 4173; the next free one where it is taken)`;

export async function companion(args: string[]): Promise<unknown> {
  const { values } = parseCommand(args, { port: { type: 'string' } });
  if (values.help) return HELP;
  const served = await createCompanion({
    store: join(STATE, 'store'), staticDir: join(ROOT, 'dist'), port: Number(values.port ?? 4173), deployment: () => localDeployment(),
  });
  if (served.notice) console.error(served.notice);
  console.log(values.json ? JSON.stringify({ url: served.url }) : `Companion: ${served.url}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await served.close();
  return undefined;
}
