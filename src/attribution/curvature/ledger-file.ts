import { OpenLedgerError } from '../../errors.ts';
import type { Backend } from '../../kernels/backend.ts';
import { type Matrix, createMatrix, freeMatrix } from '../../kernels/matrix/matrix.ts';
import { codeWords, scaleWords } from '../../kernels/matrix/format.ts';
import type { Lora } from '../../model/lora.ts';
import { parseEntries, writeEntries } from '../../model/safetensors.ts';
import { type Hex, utf8Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { MerkleStream } from '../../protocol/merkle-stream.ts';
import { type CurvatureLedger, adapterValues, makeSketchers, rowWidth } from './curvature-ledger.ts';
import { writeRounded } from './round-rows.ts';
import { type CurvatureSettings, ROW_FORMAT } from './settings.ts';

/** A ledger as bytes, little-endian: the scale of the adapter's numbers (float32), rows of codes (two signed nibbles a byte, the first the lower), of scales (bfloat16), and the noise (float32). */
interface LedgerBytes {
  records: number;
  columns: number;
  codes: Uint8Array;
  scales: Uint8Array;
  noise: Uint8Array;
  scale: Uint8Array;
}

/** The magnitude's bits of a bfloat16 scale are at least 2^-50's and at most 2^47's: eight times that is RF32's 2^50. */
const [LEAST_SCALE, MOST_SCALE] = [(127 - 50) << 7, (127 + 47) << 7];
/** x_i is at least 2^-100 (scale.ts), so its fourth root's inverse is hardly more than 2^25. */
const MOST_COUNT = 2 ** 26;

async function ledgerBytes(backend: Backend, { records, rows, noise, sketchers }: CurvatureLedger): Promise<LedgerBytes> {
  const codes = new Uint8Array(4 * records * codeWords(ROW_FORMAT, rows.columns));
  const scales = new Uint8Array(4 * records * scaleWords(ROW_FORMAT, rows.columns));
  for (const part of rows.parts) {
    codes.set(bytesOf(await backend.read(part.codes)), 4 * part.from * codeWords(ROW_FORMAT, rows.columns));
    scales.set(bytesOf(await backend.read(part.scales!)), 4 * part.from * scaleWords(ROW_FORMAT, rows.columns));
  }
  return { records, columns: rows.columns, codes, scales, noise: bytesOf(noise), scale: bytesOf(sketchers[0]!.scale) };
}

const bytesOf = (values: Uint32Array | Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const HEAD = utf8Bytes('openledger/ledger/2\0');
const SCALE_HEAD = utf8Bytes('openledger/ledger-scale/2\0');
const LEAF = new Uint8Array([0]);

/** Merkle root: a leaf name ‖ 0x00 ‖ scale, then one a record, name ‖ 0x00 ‖ uint32 record ‖ uint32 records ‖ uint32 columns ‖ codes ‖ scales ‖ noise. */
function rootOf({ records, columns, codes, scales, noise, scale }: LedgerBytes): Hex {
  const stream = new MerkleStream();
  stream.add(fastKeccak256(LEAF, SCALE_HEAD, scale));
  const place = new Uint8Array(12);
  const view = new DataView(place.buffer);
  view.setUint32(4, records, true);
  view.setUint32(8, columns, true);
  const row = (bytes: Uint8Array, k: number) => bytes.subarray((k * bytes.length) / records, ((k + 1) * bytes.length) / records);
  for (let k = 0; k < records; k++) {
    view.setUint32(0, k, true);
    stream.add(fastKeccak256(LEAF, HEAD, place, row(codes, k), row(scales, k), row(noise, k)));
  }
  return stream.root();
}

/** What run.json commits to. */
export async function ledgerRoot(backend: Backend, ledger: CurvatureLedger): Promise<Hex> {
  return rootOf(await ledgerBytes(backend, ledger));
}

/** ledger.safetensors. */
export async function writeLedgerFile(backend: Backend, ledger: CurvatureLedger): Promise<Uint8Array> {
  const { records, columns, codes, scales, noise, scale } = await ledgerBytes(backend, ledger);
  return writeEntries(new Map([
    ['noise', { dtype: 'F32', shape: [records], bytes: noise }],
    ['scale', { dtype: 'F32', shape: [scale.length / 4], bytes: scale }],
    ['rows.codes', { dtype: 'U8', shape: [records, codes.length / records], bytes: codes }],
    ['rows.scales', { dtype: 'BF16', shape: [records, scales.length / records / 2], bytes: scales }],
  ]), { columns: String(columns) });
}

/**
 * Reads ledger.safetensors for a run of `records` records and checks it against the root that run.json commits to. Throws
 * `ledger/damaged` (not such a file, or of another size) and `ledger/other-root`.
 */
export function readLedgerFile(backend: Backend, bytes: Uint8Array, checkpoints: readonly Lora[], settings: CurvatureSettings, records: number, root: Hex): CurvatureLedger {
  const values = adapterValues(checkpoints[0]!);
  const columns = rowWidth(values, settings) * checkpoints.length;
  const entries = parseEntries(bytes, 'ledger.safetensors');
  const part = (name: string, dtype: string, length: number) => {
    const entry = entries.get(name);
    if (entry?.dtype !== dtype || entry.bytes.length !== length) throw damaged(`${name} is missing, or not of ${length} bytes of ${dtype}.`);
    // A copy begins at a multiple of four.
    return entry.bytes.slice();
  };
  const codes = part('rows.codes', 'U8', 4 * records * codeWords(ROW_FORMAT, columns));
  const scales = part('rows.scales', 'BF16', 4 * records * scaleWords(ROW_FORMAT, columns));
  const noise = part('noise', 'F32', 4 * records);
  const scale = part('scale', 'F32', 4 * values);
  const found = rootOf({ records, columns, codes, scales, noise, scale });
  if (found !== root) {
    throw new OpenLedgerError({
      code: 'ledger/other-root',
      what: 'The ledger in this adapter’s folder is not the one that its run names.',
      why: `run.json commits to ${root.slice(0, 12)}…; the file has ${found.slice(0, 12)}….`,
      next: 'Build it here from the records, which needs no trust, or tell whoever published the adapter.',
    });
  }
  const deviations = new Float32Array(noise.buffer);
  if (!deviations.every((one) => one >= 0 && Number.isFinite(one))) throw damaged('Its noise is not all numbers from 0 up.');
  const counts = new Float32Array(scale.buffer);
  if (!counts.every((one) => one > 0 && one < MOST_COUNT)) throw damaged('Its scale is not all positive numbers.');
  const scaleWordsOf = new Uint32Array(scales.buffer);
  for (const word of scaleWordsOf) if (!fits(word & 0xffff) || !fits(word >>> 16)) throw damaged('It has values that the arithmetic does not hold.');
  const rows = uploadRows(backend, records, columns, new Uint32Array(codes.buffer), scaleWordsOf);
  return { records, settings, checkpoints, sketchers: makeSketchers(backend, checkpoints, settings, counts), rows, noise: deviations };
}

/** A bfloat16 scale as rounding gives it: 0, or of a magnitude from 2^-50 to 2^47. */
function fits(bits: number): boolean {
  const magnitude = bits & 0x7fff;
  return bits === 0 || (magnitude >= LEAST_SCALE && magnitude <= MOST_SCALE);
}

function uploadRows(backend: Backend, records: number, columns: number, codes: Uint32Array, scales: Uint32Array): Matrix {
  const rows = createMatrix(backend, 'ledger.rows', records, columns, ROW_FORMAT);
  try {
    writeRounded(backend, rows, 0, { codes, scales });
    return rows;
  } catch (error) {
    freeMatrix(backend, rows);
    throw error;
  }
}

function damaged(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'ledger/damaged', what: 'The ledger in this adapter’s folder cannot be read.', why, next: 'Build it here from the records, or fetch the adapter again.' });
}
