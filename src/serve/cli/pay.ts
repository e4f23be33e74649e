import { existsSync } from 'node:fs';
import { formatUnits } from 'viem';
import { parseJson } from '../../attribution/catalog.ts';
import { type ChainConnection, connectChain } from '../../chain/client.ts';
import { payAnswer } from '../../chain/pay-answer.ts';
import { payBatch, quoteBatch } from '../../chain/pay-batch.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Json, canonicalJson } from '../../protocol/canonical.ts';
import { answerOfReceipt } from '../../protocol/batch.ts';
import { type Receipt, parseReceipt, payoutsOf } from '../../protocol/receipt.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { openWallet } from '../watch/keys.node.ts';
import { localStore, readFileOr } from './content.ts';
import { readDeployment } from './deployment-option.ts';
import { parseCommand } from './session.ts';

export const HELP = `npm run serve -- pay [--chain DEPLOYMENT] (--key-env NAME | --keystore FILE) RECEIPT…
Pays for the answers of receipts (files or CIDs; "attribute --chain" makes them): one alone, or up to 256 of one adapter with one
claim. The fee is final; the bond comes back when the claim is. One false answer among them loses the whole bond.
  --chain DEPLOYMENT   file or address of a deployment.json (default: the local chain's)
  --key-env NAME       environment variable with the private key of the account that pays
  --keystore FILE      a Web3 keystore (version 3), or a file of mode 600 with the private key
  --password-env NAME  environment variable with the keystore's password
  --gateway URL        where to fetch CIDs that are not on this machine; may be repeated
  --dry-run            say what it costs, send nothing
  --json               print the result as one JSON object`;

const OPTIONS = { chain: { type: 'string' }, 'key-env': { type: 'string' }, keystore: { type: 'string' }, 'password-env': { type: 'string' }, 'dry-run': { type: 'boolean' } } as const;
const RECEIPT_BYTES = 16 * 2 ** 20;

export async function pay(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, OPTIONS);
  if (values.help) return HELP;
  if (positionals.length === 0) throw usage('No receipt is named.');
  const { deployment, from } = await readDeployment(values.chain);
  const connection = connectChain(deployment, from);
  const wallet = openWallet(connection, { keyEnv: values['key-env'], keystore: values.keystore, passwordEnv: values['password-env'] });
  if (!wallet && !values['dry-run']) throw usage('Who pays? Name a key with --key-env or --keystore.');
  const store = await localStore([...(values.gateway ?? []), ...deployment.gateways.map((url) => new URL(url, from).href).filter((url) => /^https?:/.test(url))]);
  const receipts: { receipt: Receipt; cid: string }[] = [];
  for (const given of positionals) receipts.push(await readReceipt(store, given));
  const { id } = receipts[0]!.receipt.adapter;
  if (!/^[1-9][0-9]*$/.test(id)) throw new OpenLedgerError({ code: 'pay/other-adapter', what: 'The first receipt names no adapter of a chain.', next: 'Make it with "attribute --chain DEPLOYMENT --id ADAPTER".' });
  const adapterId = BigInt(id);
  const quote = await quoteBatch(connection, adapterId, receipts.map(({ receipt }) => receipt));
  const { symbol, decimals } = deployment.chain.currency;
  const amount = (wei: bigint) => `${formatUnits(wei, decimals)} ${symbol}`;
  const words = `${receipts.length} ${receipts.length === 1 ? 'answer' : 'answers'} of adapter ${id}: ${amount(quote.fee.total)}, of which ${amount(quote.allocated)} for contributors, and a bond of ${amount(quote.bond)}`;
  const said = { adapter: id, answers: receipts.length, fee: String(quote.fee.total), allocated: String(quote.allocated), bond: String(quote.bond) };
  if (values['dry-run'] || !wallet) return values.json ? said : words;
  if (!values.json) console.log(words);
  const payment = receipts.length === 1
    ? await payOne(connection, wallet, adapterId, receipts[0]!, quote.fee.contributors)
    : await payBatch(connection, wallet, adapterId, receipts, (file) => store.addFile(file));
  const { claimId, transaction, deadline } = payment;
  if (values.json) return { ...said, claim: String(claimId), transaction, deadline, ...('cid' in payment && { cid: payment.cid }) };
  return `Claim ${claimId}, transaction ${transaction}; it can be challenged until ${new Date(deadline * 1000).toISOString()}. Keep the receipts and traces where others can fetch them until then.`;
}

function payOne(connection: ChainConnection, wallet: Wallet, adapterId: bigint, { receipt, cid }: { receipt: Receipt; cid: string }, contributorsPart: bigint) {
  const { tokensIn, tokensOut, receiptHash, inputsHash, traceRoot, workingsRoot, read } = answerOfReceipt(receipt);
  return payAnswer(connection, wallet, { adapterId, tokensIn, tokensOut, receiptHash, receiptCid: cid, inputsHash, traceRoot, workingsRoot, read, payouts: payoutsOf(receipt), contributorsPart, rule: receipt.prices.payout });
}

/** In this machine's store from now on, in the form that its hash is of. */
async function readReceipt(store: ContentStore, given: string): Promise<{ receipt: Receipt; cid: string }> {
  const bytes = existsSync(given) ? readFileOr(given, 'The receipt') : await store.readFile(given, undefined, { maxBytes: RECEIPT_BYTES });
  const receipt = parseReceipt(parseJson(bytes, `The receipt ${given}`));
  return { receipt, cid: await store.addFile(new TextEncoder().encode(canonicalJson(receipt as unknown as Json))) };
}

function usage(what: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'cli/usage', what, next: 'See --help.' });
}
