/**
 * Lets other tasks of this thread run (a message that cancels, a reply that is due) and comes back at once.
 *
 * Not `setTimeout`: browsers hold timers of a background tab to one a second, or one a minute, and to four
 * milliseconds after a few in a row. Messages and Node's immediates are not slowed down.
 */
export function breathe(): Promise<void> {
  const { setImmediate: immediate } = globalThis as { setImmediate?: (task: () => void) => unknown };
  return new Promise((resolve) => {
    if (typeof immediate === 'function') immediate(resolve);
    else ring(resolve);
  });
}

let bell: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/** One message for each waiter, answered in order. */
function ring(resolve: () => void): void {
  waiting.push(resolve);
  if (!bell) {
    bell = new MessageChannel();
    bell.port1.onmessage = () => waiting.shift()?.();
  }
  bell.port2.postMessage(0);
}
