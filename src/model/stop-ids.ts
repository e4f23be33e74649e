/** Ids and runs of ids that end an answer. */
export interface StopIds {
  stop: readonly number[];
  stopSequences?: readonly (readonly number[])[] | undefined;
}

/** Whether the answer's newest token ends it. */
export function endsAnswer(answer: readonly number[], { stop, stopSequences = [] }: StopIds): boolean {
  if (!answer.length) return false;
  if (stop.includes(answer[answer.length - 1]!)) return true;
  return stopSequences.some((run) => run.length > 0 && run.length <= answer.length && run.every((id, i) => id === answer[answer.length - run.length + i]));
}
