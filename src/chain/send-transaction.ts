import type { Abi, ContractFunctionArgs, ContractFunctionName, TransactionReceipt } from 'viem';
import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { translateChainError, translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

const transactionActions = () => import('./transaction-actions.ts');

type Writes = 'payable' | 'nonpayable';

/** A contract call that changes state, typed by its ABI. */
export interface ContractCall<abi extends Abi, name extends ContractFunctionName<abi, Writes>> {
  address: Hex;
  abi: abi;
  functionName: name;
  args: ContractFunctionArgs<abi, Writes, name>;
  /** Wei sent along. */
  value?: bigint;
}

/** checking: asked of the chain whether it would go through; signing: the wallet's turn; sent: waiting for a block. */
export type SendStage =
  { stage: 'checking' } | { stage: 'signing' } | { stage: 'sent'; hash: Hex } | { stage: 'mined'; hash: Hex };

export interface SendOptions {
  onStage?: (stage: SendStage) => void;
}

/** One transaction after another for each account, so that their numbers (nonces) never collide in one tab. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Checks, signs, sends and waits until a block holds the transaction.
 * Errors: `wallet/rejected`, `wallet/wrong-chain`, `wallet/account-changed`, `wallet/insufficient-funds`,
 * `wallet/nonce`, `wallet/busy`, `chain/unreachable`, `chain/not-mined`, `chain/restarted`, `contract/…`.
 */
export async function sendTransaction<const abi extends Abi, name extends ContractFunctionName<abi, Writes>>(
  connection: ChainConnection,
  wallet: Wallet,
  doing: string,
  call: ContractCall<abi, name>,
  options: SendOptions = {},
): Promise<TransactionReceipt> {
  const key = `${connection.chain.id}:${wallet.address.toLowerCase()}`;
  const before = queues.get(key) ?? Promise.resolve();
  const mine = before.then(() => sendNow(connection, wallet, doing, call as unknown as LooseCall, options));
  const settled = mine.catch(() => {});
  queues.set(key, settled);
  void settled.then(() => queues.get(key) === settled && queues.delete(key));
  return mine;
}

interface LooseCall {
  address: Hex;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
  value?: bigint;
}

async function sendNow(
  connection: ChainConnection,
  wallet: Wallet,
  doing: string,
  call: LooseCall,
  options: SendOptions,
) {
  const { publicClient } = connection;
  options.onStage?.({ stage: 'checking' });
  await requireWallet(connection, wallet, doing);
  const gas = await translated(doing, async () => {
    const [balance, gasPrice] = await Promise.all([
      publicClient.getBalance({ address: wallet.address }),
      publicClient.getGasPrice(),
    ]);
    const value = call.value ?? 0n;
    // Asked before simulating: nodes word this differently, and some not at all.
    if (balance < value) throw insufficientFunds(doing);
    const request = { account: wallet.address, ...call };
    const { estimateContractGas, simulateContract } = await transactionActions();
    await simulateContract(publicClient, request);
    const estimate = await estimateContractGas(publicClient, request);
    if (balance < value + estimate * gasPrice) throw insufficientFunds(doing);
    // Room for state that others change before the block is made.
    return (estimate * 13n) / 10n;
  });

  options.onStage?.({ stage: 'signing' });
  const hash = await sign(connection, wallet, doing, call, gas);
  options.onStage?.({ stage: 'sent', hash });
  return translated(doing, async () => {
    const { waitForTransactionReceipt } = await transactionActions();
    const receipt = await waitForTransactionReceipt(publicClient, { hash, timeout: 60_000 });
    if (receipt.status !== 'success') await explainRevert(connection, wallet, doing, call, receipt);
    options.onStage?.({ stage: 'mined', hash: receipt.transactionHash });
    return receipt;
  });
}

async function sign(
  connection: ChainConnection,
  wallet: Wallet,
  doing: string,
  call: LooseCall,
  gas: bigint,
): Promise<Hex> {
  const [{ writeContract }, signer] = await translated(doing, () => Promise.all([transactionActions(), wallet.signer()]));
  const write = () => writeContract(signer, { ...call, gas, chain: connection.chain, account: signer.account });
  try {
    return await write();
  } catch (error) {
    const first = await translateChainError(error, doing);
    // Another tab of a demo wallet may have taken the number: the chain has refused, so a second try cannot pay twice.
    if (first.code !== 'wallet/nonce' || wallet.kind !== 'demo') throw await withSwitchNoticed(wallet, doing, first);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return translated(doing, write);
  }
}

/** A refusal right after the user picked another account or network is that, whatever the wallet called it. */
async function withSwitchNoticed(wallet: Wallet, doing: string, error: OpenLedgerError): Promise<OpenLedgerError> {
  if (error.code === 'wallet/rejected') return error;
  const now = await wallet.currentAddress().catch(() => wallet.address);
  return now?.toLowerCase() === wallet.address.toLowerCase() ? error : accountChanged(wallet, now, doing);
}

async function requireWallet(connection: ChainConnection, wallet: Wallet, doing: string): Promise<void> {
  const [chainId, address] = await translated(doing, () =>
    Promise.all([wallet.currentChainId(), wallet.currentAddress()]),
  );
  if (address?.toLowerCase() !== wallet.address.toLowerCase()) throw accountChanged(wallet, address, doing);
  if (chainId !== connection.chain.id) {
    throw new OpenLedgerError({
      code: 'wallet/wrong-chain',
      what: `${doing} is not possible on the wallet’s network.`,
      why: `The wallet is on network ${chainId}; this page is about ${connection.chain.name} (${connection.chain.id}).`,
      next: `Switch the wallet to ${connection.chain.name} and try again.`,
    });
  }
}

/** The block refused what the check had let through: ask again for the reason. */
async function explainRevert(
  connection: ChainConnection,
  wallet: Wallet,
  doing: string,
  call: LooseCall,
  receipt: TransactionReceipt,
): Promise<never> {
  const { simulateContract } = await transactionActions();
  await simulateContract(connection.publicClient, {
    account: wallet.address,
    ...call,
    blockNumber: receipt.blockNumber,
  });
  throw new OpenLedgerError({
    code: 'contract/reverted',
    what: `${doing} was refused by the contract.`,
    why: `Transaction ${receipt.transactionHash} was undone.`,
    next: 'Something changed in between: reload and try again.',
  });
}

function accountChanged(wallet: Wallet, now: Hex | undefined, doing: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'wallet/account-changed',
    what: `${doing} was stopped before anything was sent.`,
    why: now ? `The wallet switched from ${wallet.address} to ${now}.` : 'The wallet no longer offers an account.',
    next: 'Connect the wallet again, or switch back.',
  });
}

function insufficientFunds(doing: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'wallet/insufficient-funds',
    what: `${doing} needs more OPEN than the account holds.`,
    why: 'The amount and the network fee together are above the balance.',
    next: 'Add OPEN to the account or choose another.',
  });
}
