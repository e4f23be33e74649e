import { type ContractFunctionArgs, encodeAbiParameters, encodeFunctionData } from 'viem';
import type { AnswerDigest, AnswerOpening, ClaimedAnswer } from '../protocol/answers.ts';
import { type Hex, fromHex, keccak256, toHex } from '../protocol/bytes.ts';
import { disputesAbi } from './generated/abis.ts';

type Proof = 'proveStep' | 'provePayout' | 'proveAnswer' | 'proveSums' | 'proveTwice' | 'proveInputs';
type Args<name extends Proof> = ContractFunctionArgs<typeof disputesAbi, 'nonpayable', name>;

/** One element of the answer's trace, and everything that it follows from: buildStep in attribution/trace/step.ts. */
export type StepEvidence = Args<'proveStep'>[2];
/** Scores and noise out of the trace, and the records that count: contracts/src/interfaces/IPayoutJudge.sol. */
export type PayoutEvidence = Args<'provePayout'>[2];

/** What disproves one answer of a claim: AnswerEvidence in attribution/trace/finding.ts. */
export type AnswerEvidence = { kind: 'step'; step: StepEvidence } | { kind: 'payout'; evidence: PayoutEvidence } | { kind: 'inputs'; inputs: Hex };

/** The call that disproves a claim. Its hash is committed first: whoever sees the call then cannot take it for theirs. */
export interface ProofCall {
  claimId: bigint;
  data: Hex;
}

/** 32 bytes that nobody guesses: without them a commitment to a known proof could be recognised. */
export function proofSalt(): Hex {
  return toHex(crypto.getRandomValues(new Uint8Array(32)));
}

const plain = (answer: ClaimedAnswer) => ({ ...answer, read: [...answer.read] });
const open = ({ index, answer, proof }: AnswerOpening) => ({ index, answer: plain(answer), proof });

/** An element of the trace is another than the one that its instruction gives. */
export function stepProof(claimId: bigint, opening: AnswerOpening, step: StepEvidence, salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'proveStep', args: [claimId, open(opening), step, salt] }) };
}

/** The payouts do not follow from the scores and the noise in the trace. */
export function payoutProof(claimId: bigint, opening: AnswerOpening, evidence: PayoutEvidence, salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'provePayout', args: [claimId, open(opening), evidence, salt] }) };
}

/** The answer is no whole answer by itself: answerFault in protocol/answers.ts. */
export function answerProof(claimId: bigint, opening: AnswerOpening, salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'proveAnswer', args: [claimId, open(opening), salt] }) };
}

/** The claim's sums are not those of its answers. All answers, in order. */
export function sumsProof(claimId: bigint, answers: readonly AnswerDigest[], salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'proveSums', args: [claimId, [...answers], salt] }) };
}

/** Two answers of the claim are the same receipt. */
export function twiceProof(claimId: bigint, one: AnswerOpening, other: AnswerOpening, salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'proveTwice', args: [claimId, open(one), open(other), salt] }) };
}

/** The answer was paid for other numbers of tokens than it was computed from. `inputs` is what inputsHash is the hash of. */
export function inputsProof(claimId: bigint, opening: AnswerOpening, inputs: Hex, salt = proofSalt()): ProofCall {
  return { claimId, data: encodeFunctionData({ abi: disputesAbi, functionName: 'proveInputs', args: [claimId, open(opening), inputs, salt] }) };
}

/** Whatever it is that disproves the answer. */
export function evidenceProof(claimId: bigint, opening: AnswerOpening, evidence: AnswerEvidence): ProofCall {
  switch (evidence.kind) {
    case 'step':
      return stepProof(claimId, opening, evidence.step);
    case 'payout':
      return payoutProof(claimId, opening, evidence.evidence);
    case 'inputs':
      return inputsProof(claimId, opening, evidence.inputs);
  }
}

/** What `challenger` commits to: keccak256(abi.encode(challenger, keccak256(the call's data))). */
export function commitmentOf(challenger: Hex, { data }: ProofCall): Hex {
  const packed = encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [challenger, toHex(keccak256(fromHex(data)))]);
  return toHex(keccak256(fromHex(packed)));
}
