import { BaseError, type Hex } from 'viem';
import { OpenLedgerError } from '../errors.ts';

/** All causes of an error, outermost first; cycles and depth are bounded because wallets throw anything. */
function causes(error: unknown): Record<string, unknown>[] {
  const out: Record<string, unknown>[] = [];
  for (
    let at: unknown = error;
    at && typeof at === 'object' && out.length < 12;
    at = (at as { cause?: unknown }).cause
  ) {
    if (out.includes(at as Record<string, unknown>)) break;
    out.push(at as Record<string, unknown>);
  }
  return out;
}

/** Revert data, wherever the node or viem has put it. */
function revertData(chain: Record<string, unknown>[]): Hex | undefined {
  for (const error of chain) {
    for (const candidate of [error.raw, error.data, (error.data as { data?: unknown } | undefined)?.data]) {
      if (typeof candidate === 'string' && /^0x[0-9a-fA-F]{8,}$/.test(candidate)) return candidate as Hex;
    }
  }
  return undefined;
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined);

/**
 * Turns whatever viem, a node or a wallet threw into words. Never throws itself.
 * @param doing what was being done, starting a sentence: "Paying for the answer"
 */
export async function translateChainError(error: unknown, doing: string): Promise<OpenLedgerError> {
  if (error instanceof OpenLedgerError) return error;
  const all = causes(error);
  const names = all.map((e) => String(e.name ?? ''));
  const codes = all.map((e) => numberOf(e.code));
  const text = all.map((e) => `${String(e.details ?? '')} ${String(e.message ?? '')}`).join(' ');
  const has = (...wanted: string[]) => wanted.some((name) => names.includes(name));
  const make = (code: string, what: string, why?: string, next?: string) =>
    new OpenLedgerError({ code, what, why, next, cause: error });

  if (has('UserRejectedRequestError') || codes.includes(4001) || /user (rejected|denied|cancel)/i.test(text)) {
    return make(
      'wallet/rejected',
      `${doing} was cancelled.`,
      'The wallet reports that it was not approved.',
      'Nothing was sent; try again when you are ready.',
    );
  }
  if (has('ChainMismatchError', 'SwitchChainError') || codes.includes(4902)) {
    return make(
      'wallet/wrong-chain',
      `${doing} is not possible on the wallet’s network.`,
      'The wallet is on another network.',
      'Switch the network in the wallet and try again.',
    );
  }
  if (has('UnauthorizedProviderError') || codes.includes(4100)) {
    return make(
      'wallet/account-changed',
      `${doing} was stopped.`,
      'The wallet no longer offers the account that was connected.',
      'Connect the wallet again.',
    );
  }
  if (codes.includes(-32002)) {
    return make(
      'wallet/busy',
      `${doing} is waiting in the wallet.`,
      'The wallet has a request open already.',
      'Open the wallet and answer it.',
    );
  }
  if (has('InsufficientFundsError') || /insufficient (funds|balance)|outoffund|out of fund/i.test(text)) {
    return make(
      'wallet/insufficient-funds',
      `${doing} needs more OPEN than the account holds.`,
      'The amount and the network fee together are above the balance.',
      'Add OPEN to the account or choose another.',
    );
  }
  const data = revertData(all);
  // The contracts' words are fetched when one of them has refused.
  const reverted = data && (await import('./revert-error.ts')).fromRevert(data, doing, error);
  if (reverted) return reverted;
  if (
    has('NonceTooLowError', 'NonceTooHighError', 'NonceMaxValueError') ||
    /nonce too (low|high)|replacement transaction underpriced/i.test(text)
  ) {
    return make(
      'wallet/nonce',
      `${doing} was not taken by the chain.`,
      'The wallet counts its transactions differently from the chain (two tabs, or a restarted chain).',
      'Try again; if it stays so, clear the account’s activity in the wallet’s settings.',
    );
  }
  if (has('WaitForTransactionReceiptTimeoutError')) {
    return make(
      'chain/not-mined',
      `${doing} was sent but is not on the chain yet.`,
      'No block has taken it in time.',
      'Look at your balance and history in a minute before trying again.',
    );
  }
  if (
    has('HttpRequestError', 'TimeoutError', 'WebSocketRequestError', 'SocketClosedError', 'RpcRequestError') &&
    !has('ContractFunctionRevertedError', 'ExecutionRevertedError')
  ) {
    if (has('HttpRequestError', 'TimeoutError', 'WebSocketRequestError', 'SocketClosedError')) {
      return make(
        'chain/unreachable',
        'The chain does not answer.',
        shortOf(error),
        'Check the connection, and that the local chain is running; nothing is lost.',
      );
    }
  }
  if (has('ContractFunctionZeroDataError')) {
    return make(
      'chain/restarted',
      'The contracts are not on this chain.',
      'The chain was restarted, or the page is meant for another one.',
      'Reload the page.',
    );
  }
  if (has('ContractFunctionRevertedError', 'ExecutionRevertedError')) {
    return make('contract/reverted', `${doing} was refused by the contract.`, shortOf(error), 'Reload and try again.');
  }
  return make('chain/failed', `${doing} failed.`, shortOf(error), 'Try again; if it stays so, reload the page.');
}

/** A line that is safe to show: viem's messages carry whole requests. */
function shortOf(error: unknown): string {
  const text =
    error instanceof BaseError
      ? error.shortMessage
      : error instanceof Error
        ? error.message
        : String((error as { message?: unknown })?.message ?? error);
  return text.split('\n')[0]!.slice(0, 300);
}

/** Runs `work`; whatever it throws comes out translated. */
export async function translated<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await translateChainError(error, doing);
  }
}
