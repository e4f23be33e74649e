import { formatEther } from 'viem';

/** Wei as OPEN for reading: four significant digits below one, four decimals above. The exact value belongs beside it. */
export function openText(wei: bigint): string {
  const negative = wei < 0n;
  const exact = formatEther(negative ? -wei : wei);
  const [whole = '0', fraction = ''] = exact.split('.');
  const sign = negative ? '−' : '';
  if (fraction === '') return sign + grouped(whole);
  const zeros = /^0*/.exec(fraction)![0].length;
  const digits = whole === '0' ? Math.min(zeros + 4, 18) : 4;
  const scaled = rounded(whole + fraction.padEnd(18, '0'), 18 - digits);
  const text = scaled.padStart(digits + 1, '0');
  const shownWhole = text.slice(0, -digits);
  const shownFraction = text.slice(-digits).replace(/0+$/, '');
  return `${sign}${grouped(shownWhole)}${shownFraction ? `.${shownFraction}` : ''}`;
}

/** Drops `cut` decimal digits, rounding half up. */
function rounded(digits: string, cut: number): string {
  const unit = 10n ** BigInt(cut);
  return String((BigInt(digits) + unit / 2n) / unit);
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function weiText(wei: bigint): string {
  return `${grouped(String(wei).replace('-', ''))} wei`.replace(/^/, wei < 0n ? '−' : '');
}

export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

export function shortHash(hash: string): string {
  return hash.length <= 18 ? hash : `${hash.slice(0, 10)}…${hash.slice(-6)}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A duration in seconds, short. */
export function durationText(seconds: number): string {
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))}\u00a0ms`;
  if (seconds < 10) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds < 120) return `${Math.round(seconds)}\u00a0s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}\u00a0min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}\u00a0h`;
  return `${Math.round(seconds / 86_400)}\u00a0days`;
}

/** "in 12 s", "5 min ago". Both in Unix seconds. */
export function relativeText(at: number, now: number): string {
  const seconds = at - now;
  if (Math.abs(seconds) < 5) return 'now';
  return seconds > 0 ? `in ${durationText(seconds)}` : `${durationText(-seconds)} ago`;
}

export function exactTime(at: number): string {
  return new Date(at * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

export function percentText(percent: number): string {
  return `${percent.toFixed(1)} %`;
}

/** A number for reading: grouped thousands. */
export function countText(count: number | bigint): string {
  return grouped(String(count));
}

/** "1 record", "2 records". */
export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${countText(count)} ${BigInt(count) === 1n ? one : many}`;
}

/** An influence: three significant digits and its sign. */
export function influenceText(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  const sign = value < 0 ? '−' : '+';
  if (magnitude < 0.001 || magnitude >= 1e9) return sign + magnitude.toExponential(2).replace('e-', 'e−').replace('e+', 'e');
  if (magnitude < 1000) return sign + magnitude.toPrecision(3);
  const step = 10 ** (Math.floor(Math.log10(magnitude)) - 2);
  return sign + grouped(String(Math.round(magnitude / step) * step));
}
