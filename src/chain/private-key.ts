export { privateKeyToAccount } from 'viem/accounts';
