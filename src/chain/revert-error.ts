import { type Hex, decodeErrorResult } from 'viem';
import { OpenLedgerError } from '../errors.ts';
import { errorsAbi } from './generated/abis.ts';
import { REVERT_WORDS, revertCode } from './revert-words.ts';

/** Words for what a contract reverted with; undefined where it is no error of ours. */
export function fromRevert(data: Hex, doing: string, cause: unknown): OpenLedgerError | undefined {
  try {
    const { errorName, args } = decodeErrorResult({ abi: errorsAbi, data });
    const words = REVERT_WORDS[errorName as string]?.((args ?? []) as readonly unknown[]);
    if (words) return new OpenLedgerError({ code: revertCode(errorName), ...words, cause });
    const why = `The contract answered ${errorName}(${((args ?? []) as readonly unknown[]).map(String).join(', ')}).`;
    return new OpenLedgerError({ code: revertCode(errorName), what: `${doing} was refused by the contract.`, why, cause });
  } catch {
    return undefined;
  }
}
