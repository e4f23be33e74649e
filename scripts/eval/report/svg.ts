/** Two kinds of plots as plain SVG text, small enough to read and to keep in the repository. */

/** One bar with its interval. */
export interface Bar {
  label: string;
  value: number;
  low: number;
  high: number;
  /** Drawn in the second colour: controls. */
  muted?: boolean;
}

const INK = '#1f2933';
const SOFT = '#7b8794';
const GRID = '#d9dee3';
const MAIN = '#2b6cb0';
const MUTED = '#a0aec0';
const FONT = 'font-family="system-ui, sans-serif"';

export const escapeXml = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const at = (x: number) => String(Math.round(x * 10) / 10);
const line = (x1: number, y1: number, x2: number, y2: number, stroke: string, more = '') =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${stroke}" ${more}/>`;
const words = (x: number, y: number, text: string, more = '') => `<text x="${at(x)}" y="${at(y)}" ${FONT} font-size="12" fill="${INK}" ${more}>${escapeXml(text)}</text>`;

function frame(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    words(12, 22, title, 'font-weight="600"'),
    ...parts,
    '</svg>', '',
  ].join('\n');
}

/** Bars from left to right with their intervals; `mark` is a dashed line, such as the ceiling. */
export function barChart(title: string, bars: readonly Bar[], mark?: { value: number; label: string }): string {
  const left = 265, right = 60, top = 50, row = 24, width = 765;
  const least = Math.min(0, ...bars.map(({ low }) => Math.floor(low * 5) / 5));
  const x = (value: number) => left + ((Math.max(least, Math.min(1, value)) - least) / (1 - least)) * (width - left - right);
  const bottom = top + bars.length * row;
  const parts: string[] = [];
  for (let tick = Math.round(least * 5); tick <= 5; tick++) {
    parts.push(line(x(tick / 5), top - 6, x(tick / 5), bottom, GRID), words(x(tick / 5), bottom + 16, (tick / 5).toFixed(1), `text-anchor="middle" style="fill:${SOFT}"`));
  }
  if (mark) parts.push(line(x(mark.value), top - 8, x(mark.value), bottom, INK, 'stroke-dasharray="4 3"'), words(x(mark.value), top - 12, mark.label, `text-anchor="middle" style="fill:${SOFT}"`));
  bars.forEach(({ label, value, low, high, muted }, i) => {
    const y = top + i * row;
    const [from, to] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
    parts.push(
      words(left - 10, y + 14, label, 'text-anchor="end"'),
      `<rect x="${at(from)}" y="${at(y + 3)}" width="${at(to - from)}" height="${row - 8}" fill="${muted ? MUTED : MAIN}"/>`,
      line(x(low), y + row / 2 - 1, x(high), y + row / 2 - 1, INK, 'stroke-width="1.5"'),
      words(x(Math.max(high, value)) + 6, y + 14, value.toFixed(2), 'stroke="#ffffff" stroke-width="3" paint-order="stroke"'),
    );
  });
  return frame(width, bottom + 28, title, parts);
}

/** Panels of points beside each other, each with its own axes without numbers: what counts is the order. */
export function scatter(title: string, panels: readonly { label: string; x: readonly number[]; y: readonly number[] }[], names: { x: string; y: string }): string {
  const side = 240, gap = 40, top = 60;
  const width = gap + panels.length * (side + gap);
  const parts: string[] = [];
  panels.forEach(({ label, x, y }, p) => {
    const left = gap + p * (side + gap);
    const place = (values: readonly number[], value: number) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return high > low ? 0.04 + (0.92 * (value - low)) / (high - low) : 0.5;
    };
    parts.push(
      words(left, top - 10, label),
      `<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="none" stroke="${GRID}"/>`,
      ...x.map((value, i) => `<circle cx="${at(left + place(x, value) * side)}" cy="${at(top + (1 - place(y, y[i]!)) * side)}" r="2.5" fill="${MAIN}" fill-opacity="0.6"/>`),
      words(left + side / 2, top + side + 18, names.x, `text-anchor="middle" style="fill:${SOFT}"`),
      `<text transform="translate(${left - 8},${top + side / 2}) rotate(-90)" ${FONT} font-size="12" text-anchor="middle" fill="${SOFT}">${escapeXml(names.y)}</text>`,
    );
  });
  return frame(width, top + side + 32, title, parts);
}
