/** What sending needs of viem and reading does not: fetched with the first transaction. */
export { estimateContractGas, simulateContract, waitForTransactionReceipt, writeContract } from 'viem/actions';
