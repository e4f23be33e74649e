/** Whether most letters of a text are ones that an English-only model has hardly seen: other scripts, emoji. */
export function unusualLetters(text: string): boolean {
  const usual = text.match(/[a-z]/gi)?.length ?? 0;
  const unusual = text.match(/(?![a-zA-Z])[\p{L}\p{Extended_Pictographic}]/gu)?.length ?? 0;
  return unusual > usual;
}
