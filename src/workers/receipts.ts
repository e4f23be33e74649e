/** What makes and checks receipts, in one piece: fetched when the first is asked for. */
export { checkReceipt } from '../attribution/check.ts';
export { makeReceipt } from '../attribution/make-receipt.ts';
export { canonicalJson } from '../protocol/canonical.ts';
export { parseReceipt, receiptHash } from '../protocol/receipt.ts';
