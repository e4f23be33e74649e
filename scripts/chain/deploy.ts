/**
 * Puts the contracts on a chain, in the order that their constructors need.
 * Run: OPENLEDGER_DEPLOYER_KEY=0x… npx tsx scripts/chain/deploy.ts --rpc URL [--window SECONDS] [--prove-time SECONDS]
 *      [--reply-time SECONDS] [--gas-price WEI] [--platform-fee WEI] [--review-timeout SECONDS] [--governance ADDRESS] [--platform ADDRESS]
 */
import { type Abi, createPublicClient, createWalletClient, defineChain, getContractAddress, http } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { OpenLedgerError } from '../../src/errors.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';

export interface DeployOptions {
  rpcUrl: string;
  deployerKey: Hex;
  /** Governs split, fees and treasury; the deployer where absent. */
  governance?: Hex;
  /** Receives the platform's part; the deployer where absent. */
  platform?: Hex;
  /** Challenge window, seconds. Local default 20. */
  window?: number;
  /** How long a proof can come after its commitment, seconds; at most a quarter of the window. Default: that, or an hour. */
  proveTime?: number;
  /** How long a maker has to show what is demanded, seconds; at most two fifths of the window. Default: a quarter, or an hour. */
  replyTime?: number;
  /** The gas price that bonds are made for, wei: a claim's bond is 15,000,000 times it. Default 4 gwei, a bond of 0.06 OPEN. */
  gasPrice?: bigint;
  /** Fixed fee on each answer, wei. Default 0.001 OPEN. */
  platformFee?: bigint;
  /** How long a curator has to review, seconds. Default 14 days. */
  reviewTimeout?: number;
}

export interface Deployed {
  chainId: number;
  contracts: Deployment['contracts'];
  /** Block of the first contract, decimal: nothing before it is worth reading. */
  deploymentBlock: string;
}

/** Errors: `chain/deploy-failed`. Needs src/chain/generated, see generate.ts. */
export async function deployContracts(options: DeployOptions): Promise<Deployed> {
  const { generateContracts } = await import('./generate.ts');
  generateContracts();
  const abis = await import('../../src/chain/generated/abis.ts');
  const codes = await import('../../src/chain/generated/bytecode.ts');

  const account = privateKeyToAccount(options.deployerKey);
  const { window = 20, gasPrice = 4_000_000_000n, platformFee = 1_000_000_000_000_000n } = options;
  const quarter = Math.min(3600, Math.max(1, Math.floor(window / 4)));
  const { proveTime = quarter, replyTime = quarter } = options;
  const { governance = account.address, platform = account.address, reviewTimeout = 14 * 24 * 3600 } = options;
  const transport = http(options.rpcUrl);
  const publicClient = createPublicClient({ transport, pollingInterval: 200 });
  const chainId = await publicClient.getChainId();
  const chain = defineChain({
    id: chainId,
    name: 'OpenLedger',
    nativeCurrency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
    rpcUrls: { default: { http: [options.rpcUrl] } },
  });
  const wallet = createWalletClient({ account, chain, transport });

  let nonce = await publicClient.getTransactionCount({ address: account.address });
  const sent: { name: string; hash: Hex; address: Hex }[] = [];
  const addressOf = (at: number) => getContractAddress({ from: account.address, nonce: BigInt(at) }).toLowerCase() as Hex;
  /** The address follows from deployer and nonce, so all are sent before the first is mined. */
  const put = async (name: string, abi: Abi, bytecode: Hex, args: unknown[], gas: bigint): Promise<Hex> => {
    const address = addressOf(nonce);
    // Explicit gas: an estimate would fail while the contracts it refers to are not mined yet.
    const hash = await wallet.deployContract({ abi, bytecode, args, nonce, gas });
    nonce++;
    sent.push({ name, hash, address });
    return address;
  };

  const treasury = await put('Treasury', abis.treasuryAbi, codes.treasuryBytecode, [governance], 2_000_000n);
  const datanetRegistry = await put(
    'DatanetRegistry',
    abis.datanetRegistryAbi,
    codes.datanetRegistryBytecode,
    [],
    4_000_000n,
  );
  const contributions = await put(
    'Contributions',
    abis.contributionsAbi,
    codes.contributionsBytecode,
    [datanetRegistry, treasury, reviewTimeout],
    4_000_000n,
  );
  const adapterRegistry = await put(
    'AdapterRegistry',
    abis.adapterRegistryAbi,
    codes.adapterRegistryBytecode,
    [datanetRegistry],
    4_000_000n,
  );
  const replies = await put('Replies', abis.repliesAbi, codes.repliesBytecode, [], 4_000_000n);
  const answersFile = await put('AnswersFile', abis.answersFileAbi, codes.answersFileBytecode, [], 2_000_000n);
  const referee = await put('Referee', abis.refereeAbi, codes.refereeBytecode, [], 8_000_000n);
  const ledgerReferee = await put('LedgerReferee', abis.ledgerRefereeAbi, codes.ledgerRefereeBytecode, [], 8_000_000n);
  const payoutJudge = await put('PayoutJudge', abis.payoutJudgeAbi, codes.payoutJudgeBytecode, [referee], 6_000_000n);
  // It names the two contracts of the games for ever, and they name it: they come next.
  const settlement = await put(
    'Settlement',
    abis.settlementAbi,
    codes.settlementBytecode,
    [governance, platform, adapterRegistry, addressOf(nonce + 1), addressOf(nonce + 2), treasury, platformFee, window, gasPrice],
    8_000_000n,
  );
  const disputes = await put(
    'Disputes',
    abis.disputesAbi,
    linked('disputes', codes.disputesBytecode, { replies, answersFile }, codes.links),
    [settlement, referee, payoutJudge, datanetRegistry, proveTime, replyTime],
    8_000_000n,
  );
  // Clients ask Runs for the ledger's referee.
  const runs = await put('Runs', abis.runsAbi, codes.runsBytecode, [settlement, referee, ledgerReferee, proveTime, replyTime], 9_000_000n);

  let first: bigint | undefined;
  for (const { name, hash, address } of sent) {
    const receipt = await publicClient.waitForTransactionReceipt({ hash });
    if (receipt.status !== 'success' || receipt.contractAddress?.toLowerCase() !== address) {
      throw new OpenLedgerError({
        code: 'chain/deploy-failed',
        what: `The contract ${name} could not be deployed.`,
        why: `Transaction ${hash} ended with status ${receipt.status}.`,
        next: 'Check the deployer account’s balance and the constructor parameters, then deploy again.',
      });
    }
    if (first === undefined || receipt.blockNumber < first) first = receipt.blockNumber;
  }
  const contracts = { datanetRegistry, contributions, adapterRegistry, settlement, treasury, disputes, referee, runs };
  return { chainId, contracts, deploymentBlock: String(first) };
}

/** Bytecode with the addresses of its libraries. */
function linked(contract: string, bytecode: string, libraries: Record<string, Hex>, links: readonly { contract: string; library: string; starts: number[] }[]): Hex {
  let code = bytecode;
  for (const { library, starts } of links.filter((link) => link.contract === contract)) {
    for (const start of starts) code = code.slice(0, 2 + 2 * start) + libraries[library]!.slice(2) + code.slice(2 + 2 * (start + 20));
  }
  return code as Hex;
}

/** Whether a chain has exactly these contracts at these addresses: an earlier version's would not understand what is asked of them. */
export async function isCurrent(rpcUrl: string, contracts: Deployment['contracts']): Promise<boolean> {
  const { generateContracts } = await import('./generate.ts');
  generateContracts();
  const { runtimes } = await import('../../src/chain/generated/bytecode.ts');
  const publicClient = createPublicClient({ transport: http(rpcUrl) });
  const same = await Promise.all(
    Object.entries(contracts).map(async ([name, address]) => {
      const runtime = runtimes[name];
      if (!runtime) return false;
      const there = await publicClient.getCode({ address });
      return there !== undefined && blanked(there, runtime.filled) === blanked(runtime.code, runtime.filled);
    }),
  );
  return same.every(Boolean);
}

/** Code without what the constructor put in. */
function blanked(code: string, filled: number[][]): string {
  return filled.reduce((text, [start, length]) => text.slice(0, 2 + 2 * start!) + '00'.repeat(length!) + text.slice(2 + 2 * (start! + length!)), code.toLowerCase());
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      rpc: text,
      window: text,
      'prove-time': text,
      'reply-time': text,
      'gas-price': text,
      'platform-fee': text,
      'review-timeout': text,
      governance: text,
      platform: text,
    },
  });
  // The key comes from the environment: arguments are seen by everyone on the machine.
  const deployerKey = process.env.OPENLEDGER_DEPLOYER_KEY as Hex | undefined;
  if (!values.rpc || !/^0x[0-9a-fA-F]{64}$/.test(deployerKey ?? '')) {
    console.error('Needed: --rpc URL, and a deployer key in the environment variable OPENLEDGER_DEPLOYER_KEY.');
    process.exitCode = 2;
  } else {
    const deployed = await deployContracts({
      rpcUrl: values.rpc,
      deployerKey: deployerKey!,
      ...(values.window && { window: Number(values.window) }),
      ...(values['prove-time'] && { proveTime: Number(values['prove-time']) }),
      ...(values['reply-time'] && { replyTime: Number(values['reply-time']) }),
      ...(values['gas-price'] && { gasPrice: BigInt(values['gas-price']) }),
      ...(values['platform-fee'] && { platformFee: BigInt(values['platform-fee']) }),
      ...(values['review-timeout'] && { reviewTimeout: Number(values['review-timeout']) }),
      ...(values.governance && { governance: values.governance as Hex }),
      ...(values.platform && { platform: values.platform as Hex }),
    });
    console.log(JSON.stringify(deployed, null, 2));
  }
}
