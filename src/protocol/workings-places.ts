/**
 * Where the workings of an answer's payouts (payout-workings.ts) stand among the places that its claimant can be made to show: Place.index in
 * contracts/src/interfaces/IGames.sol (Workings.sol), where indices of a trace's matrices are. Table k: WORKINGS + k.
 */
export const WORKINGS = 0xffffffff - 16;
/** The tree over the payouts. */
export const PAYOUTS = WORKINGS + 6;
/** The tree over the six tables. */
export const ALL_TABLES = WORKINGS + 7;

/** Whether a claim's place is one of its workings or payouts. */
export const isOfWorkings = ({ index }: { index: number }): boolean => index >= WORKINGS && index <= ALL_TABLES;
