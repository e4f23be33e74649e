import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OpenLedgerError } from '../../errors.ts';
import type { Hex } from '../../protocol/bytes.ts';

/** A proof that was committed to, or is about to be. Its data hold the salt: whoever reads them before the proof is sent could copy it. */
export interface KeptProof {
  claimId: string;
  answersRoot: Hex;
  data: Hex;
  /** Block of the commitment, decimal; absent before it is mined. */
  committedIn?: string;
}

/** What a watcher has to remember: all else stands on the chain or is computed again. No key is ever in it. */
export interface WatchState {
  openledger: 'watch/1';
  chainId: number;
  disputes: Hex;
  account: Hex;
  proofs: KeptProof[];
  /** Claims found right, by id and root of their answers. */
  right: string[];
  /** Something was won or came back, and was not fetched yet. */
  owed: boolean;
}

const MOST_KEPT = 10_000;
const HEX = /^0x([0-9a-f]{2})*$/;

/** Kept in one file that only this account can read, replaced in one step so that no end of the process can halve it. */
export class StateFile {
  readonly path: string;
  state: WatchState;

  /** Begins anew where the file is missing or is another deployment's or account's. Throws `watch/bad-state` where it is damaged. */
  constructor(path: string, empty: Pick<WatchState, 'chainId' | 'disputes' | 'account'>) {
    this.path = path;
    this.state = { openledger: 'watch/1', proofs: [], right: [], owed: false, ...empty };
    const found = read(path);
    const same = found && found.chainId === empty.chainId && found.disputes.toLowerCase() === empty.disputes.toLowerCase() && found.account.toLowerCase() === empty.account.toLowerCase();
    if (same) this.state = found;
  }

  save(): void {
    if (this.state.right.length > MOST_KEPT) this.state.right = this.state.right.slice(-MOST_KEPT);
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(`${this.path}.new`, JSON.stringify(this.state), { mode: 0o600 });
    // A file that was there keeps its mode when it is written.
    chmodSync(`${this.path}.new`, 0o600);
    renameSync(`${this.path}.new`, this.path);
  }
}

function read(path: string): WatchState | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw damaged(path, String((error as NodeJS.ErrnoException).code));
  }
  try {
    const state = JSON.parse(text) as WatchState;
    const whole = state.openledger === 'watch/1' && Array.isArray(state.proofs) && Array.isArray(state.right) && typeof state.disputes === 'string' && typeof state.account === 'string'
      && state.proofs.every(({ claimId, data, answersRoot, committedIn }) => /^[0-9]+$/.test(claimId) && HEX.test(data) && HEX.test(answersRoot) && (committedIn === undefined || /^[0-9]+$/.test(committedIn)));
    if (whole) return state;
  } catch {
    // Said below.
  }
  throw damaged(path, 'it is no state of a watcher');
}

function damaged(path: string, why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'watch/bad-state', what: `The watcher’s file ${path} cannot be used.`, why: `${why}. Commitments that are not proved yet stand only there.`, next: 'Mend it, or move it away to begin anew.' });
}
