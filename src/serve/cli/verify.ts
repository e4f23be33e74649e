import { existsSync } from 'node:fs';
import { type CheckReport, checkReceipt } from '../../attribution/check.ts';
import { parseJson } from '../../attribution/catalog.ts';
import { parseReceipt, receiptHash } from '../../protocol/receipt.ts';
import { localDeployment, readFileOr } from './content.ts';
import { SHARED_HELP, parseCommand, required, withSession } from './session.ts';

export const HELP = `npm run serve -- verify CID|FILE
Fetches everything a receipt names by hash, recomputes it here, and says equal, or where the first difference is.
Exits 0 where everything is equal, 1 where something differs, 2 where it cannot be checked.
${SHARED_HELP}`;

export async function verify(args: string[]): Promise<unknown> {
  const { values, positionals } = parseCommand(args, {});
  if (values.help) return HELP;
  const given = required(positionals[0], 'The receipt');
  return withSession(values, async ({ store, catalog, engine, say }) => {
    const bytes = existsSync(given) ? readFileOr(given, 'The receipt') : await store.readFile(given, undefined, { maxBytes: 16 * 2 ** 20 });
    const receipt = parseReceipt(parseJson(bytes, 'The receipt'));
    const steps: CheckReport[] = [];
    const base = localDeployment()?.base ?? engine.identity;
    const equal = await checkReceipt(receipt, catalog.checkSource(receipt.base.cid === engine.identity.cid ? engine.identity : base, receipt.datanet.cid), {
      onReport: (report) => {
        if (report.state === 'working') return;
        steps.push(report);
        say(`${report.state === 'equal' ? '=' : '≠'}  ${report.label}  ${report.detail}`);
        if (report.difference) say(`   ${report.difference.where}\n   claimed:  ${report.difference.claimed}\n   computed: ${report.difference.computed}`);
      },
    });
    say(equal ? 'Equal: this machine computed the same.' : 'Not equal: the receipt is false, at the place above.');
    process.exitCode = equal ? 0 : 1;
    return { equal, hash: receiptHash(receipt), backend: engine.backend.kind, device: engine.backend.device, steps };
  });
}
