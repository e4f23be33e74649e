import type { Hex } from '../protocol/bytes.ts';

/** What a claimant can be made to show: Place in contracts/src/interfaces/IGames.sol, and TracePlace in attribution/trace/trace-nodes.ts. */
export interface Place {
  /** Which of the claim's answers, from 0. */
  answer: number;
  /** Which instruction's matrix; 2^32 − 1: the tree over all matrices. From WORKINGS on (protocol/workings-places.ts): a table or tree of the payouts. */
  index: number;
  /** Which leaf, or which node of its level. */
  leaf: number;
  /** Levels above the leaves. */
  level: number;
  /** 0: the values of the leaves below the node. Else so many levels below it its descendants are shown; 255: a cut. */
  depth: number;
  /** Of a cut of the tree over all matrices. */
  levels?: readonly Hex[];
}

export const leafOf = (answer: number, index: number, leaf: number): Place => ({ answer, index, leaf, level: 0, depth: 0 });
/** For maps, and comparing. */
export const placeText = ({ answer, index, leaf, level, depth }: Place): string => `${answer} ${index} ${leaf} ${level} ${depth}`;
export const samePlace = (a: Place, b: Place): boolean => placeText(a) === placeText(b);
