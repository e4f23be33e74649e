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
  /** 0: the values of the leaves below the node. Else so many levels below it its descendants are shown; 255: a cut; ASSERTION, FILE. */
  depth: number;
  /** Of a cut of the tree over all matrices. */
  levels?: readonly Hex[];
}

/** In place of a depth: what a challenger asserts about leaves of a matrix, `leaf` being its name (assert-leaves.ts). */
export const ASSERTION = 254;
/** In place of a depth: what all answers of a claim are computed from (answers-file.ts). */
export const FILE = 253;

/** No part of a trace, and so nothing that a search for a false leaf takes. */
export const isOfTrace = ({ depth }: Pick<Place, 'depth'>): boolean => depth !== ASSERTION && depth !== FILE;
export const filePlace: Place = { answer: 0, index: 2 ** 32 - 1, leaf: 0, level: 0, depth: FILE };
export const leafOf = (answer: number, index: number, leaf: number): Place => ({ answer, index, leaf, level: 0, depth: 0 });
/** For maps, and comparing. */
export const placeText = ({ answer, index, leaf, level, depth }: Place): string => `${answer} ${index} ${leaf} ${level} ${depth}`;
export const samePlace = (a: Place, b: Place): boolean => placeText(a) === placeText(b);
