/** What somebody may bring against a right claim or unit: evidence that was changed anywhere. No such thing may ever convict. */
import type { Opening, Step } from '../../src/attribution/trace/step.ts';
import type { Hex } from '../../src/protocol/bytes.ts';

export const TAMPERINGS = ['bit', 'number', 'opening left out', 'opening twice', 'openings swapped', 'proof cut', 'other element', 'other instruction'] as const;
export type Tampering = (typeof TAMPERINGS)[number];

/** @param other true evidence about another element of the same claim, for what is put together from both */
export function tamper<Question extends { step: Step }>(question: Question, other: Question, how: Tampering, below: (end: number) => number): Question {
  const step = structuredClone(question.step) as Step;
  const { openings } = step;
  const any = () => openings[below(openings.length)] ?? step.output;
  switch (how) {
    case 'bit': {
      const places: [object, string][] = [[step.header, 'instructionsRoot'], [step.header, 'constantsRoot'], [step, 'inputs'], [step, 'instruction'], [step.output, 'values']];
      for (const opening of [step.output, ...openings]) {
        places.push([opening, 'values']);
        opening.proof.forEach((_, k) => places.push([opening.proof, String(k)]));
      }
      step.instructionProof.forEach((_, k) => places.push([step.instructionProof, String(k)]));
      const [holder, key] = places[below(places.length)]!;
      const bytes = holder as Record<string, Hex>;
      bytes[key] = flipped(bytes[key]!, below);
      break;
    }
    case 'number': {
      const change = (value: number) => (below(2) ? value + 1 + below(3) : Math.max(0, value - 1));
      const opening = any();
      [() => (step.index = change(step.index)), () => (step.row = change(step.row)), () => (step.column = change(step.column)), () => (step.output.leaf = change(step.output.leaf)),
        () => (opening.leaf = change(opening.leaf)), () => (opening.input = change(opening.input)), () => (step.header.instructionCount += 1n), () => (step.header.constantCount += 1n), () => (step.header.window += 3n)][below(9)]!();
      break;
    }
    case 'opening left out':
      openings.splice(below(openings.length || 1), 1);
      break;
    case 'opening twice':
      openings.splice(below(openings.length || 1), 0, structuredClone(any()));
      break;
    case 'openings swapped': {
      const [a, b] = [below(openings.length || 1), below(openings.length || 1)];
      if (openings.length) [openings[a], openings[b]] = [openings[b]!, openings[a]!];
      break;
    }
    case 'proof cut': {
      const opening: Opening = below(2) ? any() : step.output;
      opening.proof = opening.proof.slice(below(2));
      break;
    }
    case 'other element':
      step.output = structuredClone(other.step.output);
      if (below(2)) step.openings = structuredClone(other.step.openings);
      break;
    case 'other instruction':
      step.instruction = other.step.instruction;
      step.instructionProof = [...other.step.instructionProof];
      if (below(2)) step.index = other.step.index;
      break;
  }
  return { ...question, step };
}

function flipped(hex: Hex, below: (end: number) => number): Hex {
  if (hex.length <= 2) return hex;
  const at = 2 + below(hex.length - 2);
  return `${hex.slice(0, at)}${(parseInt(hex[at]!, 16) ^ (1 << below(4))).toString(16)}${hex.slice(at + 1)}` as Hex;
}
