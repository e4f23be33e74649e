import type { Server } from 'node:http';
import { OpenLedgerError } from '../../errors.ts';

const TRIES = 20;

/** Listens on `port`, or on the next free one. Port 0 takes any. Returns the port it got. */
export async function listenFrom(server: Server, host: string, port: number): Promise<number> {
  for (let candidate = port; candidate < port + TRIES && candidate <= 65_535; candidate++) {
    const taken = await attempt(server, host, candidate);
    if (!taken) return (server.address() as { port: number }).port;
  }
  throw new OpenLedgerError({
    code: 'companion/no-free-port',
    what: 'The companion found no free port.',
    why: `Ports ${port} to ${Math.min(port + TRIES - 1, 65_535)} are in use.`,
    next: 'Stop what uses them, or choose another port.',
  });
}

function attempt(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(true);
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(false);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen(port, host);
  });
}
