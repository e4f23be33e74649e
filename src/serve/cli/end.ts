/**
 * Ends the process once everything printed has left it: a pipe takes 64 KiB at a time, and what is still on its way when
 * `process.exit` is called would be lost. Dawn keeps Node alive, so an end has to be made. Without a code `process.exitCode` counts.
 */
export async function end(code?: number): Promise<never> {
  const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));
  // A reader that is gone takes nothing more: that is no reason to stay.
  await Promise.race([Promise.all([flushed(process.stdout), flushed(process.stderr)]), new Promise((resolve) => process.stdout.once('error', resolve))]);
  process.exit(code ?? process.exitCode ?? 0);
}
