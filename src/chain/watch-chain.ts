import type { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { chainRestarted, readChainAnchor } from './chain-anchor.ts';
import type { ChainConnection } from './client.ts';
import { translateChainError } from './translate-error.ts';

export interface ChainWatch {
  /** A block that was not seen before. */
  onBlock(blockNumber: bigint): void;
  /** `chain/unreachable` (watching goes on, `onBlock` tells when it is back) or `chain/restarted` (watching ends). */
  onError(error: OpenLedgerError): void;
  /** Milliseconds between looks; default half a block's time. */
  intervalMs?: number;
}

/** Looks at the chain until the returned function is called. */
export function watchChain(connection: ChainConnection, watch: ChainWatch): () => void {
  const interval = watch.intervalMs ?? Math.max(500, connection.deployment.chain.blockSeconds * 500);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let failures = 0;
  let newest = -1n;
  let anchor: Hex | undefined;
  let looks = 0;

  async function look(): Promise<void> {
    const blockNumber = await connection.publicClient.getBlockNumber();
    // The anchor is asked for rarely: at first, after trouble, when the number goes back, and now and then.
    if (anchor === undefined || failures > 0 || blockNumber < newest || looks++ % 16 === 0) {
      const now = await readChainAnchor(connection);
      if (anchor !== undefined && now !== anchor) throw chainRestarted('Its blocks are not those seen before.');
      anchor = now;
    }
    failures = 0;
    if (stopped || blockNumber <= newest) return;
    newest = blockNumber;
    watch.onBlock(blockNumber);
  }

  async function round(): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (stopped) return;
      const translated = await translateChainError(error, 'Watching the chain');
      failures++;
      // Once for each outage.
      if (failures === 1 || translated.code !== 'chain/unreachable') watch.onError(translated);
      if (translated.code === 'chain/restarted' || translated.code === 'chain/wrong-node') stopped = true;
    }
    if (!stopped) timer = setTimeout(() => void round(), interval * Math.min(8, 1 + failures));
  }

  void round();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
