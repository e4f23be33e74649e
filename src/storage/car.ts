import { createWriter, headerLength } from '@ipld/car/buffer-writer';
import { asyncIterableReader, readBlockHead, readHeader } from '@ipld/car/decoder';
import type { CID } from 'multiformats/cid';
import { varint } from 'multiformats';
import { OpenLedgerError } from '../errors.ts';
import { blockTooLarge, verifyBlock } from './cid.ts';
import { MAX_BLOCK_BYTES, MAX_CAR_HEADER_BYTES } from './limits.ts';

export interface Block {
  cid: CID;
  bytes: Uint8Array;
}

export interface CarStream {
  roots: CID[];
  /** Blocks in the order of the archive, each one verified. */
  blocks: AsyncGenerator<Block>;
}

function badCar(why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/bad-car',
    what: 'This archive (CAR) cannot be read.',
    why,
    next: 'It may have been cut short or altered; get it again.',
    cause,
  });
}

/** CARv1 from a stream. Refuses oversized headers and blocks before they are held in memory. */
export async function readCar(source: AsyncIterable<Uint8Array>): Promise<CarStream> {
  // Errors of the source itself (a stalled gateway) pass through unchanged; only decoding errors mean a bad CAR.
  let sourceError: unknown;
  const reader = asyncIterableReader(
    (async function* () {
      try {
        yield* source;
      } catch (error) {
        sourceError = error;
        throw error;
      }
    })(),
  );
  const explain = (error: unknown): unknown => {
    if (sourceError !== undefined) return sourceError;
    if (error instanceof OpenLedgerError) return error;
    return badCar(error instanceof Error ? `${error.message}.` : String(error), error);
  };

  let roots: CID[];
  try {
    const start = await reader.upTo(8);
    if (start.length === 0) throw new Error('It is empty');
    const [headerBytes] = varint.decode(start);
    if (headerBytes > MAX_CAR_HEADER_BYTES) throw new Error(`Its header claims ${headerBytes} bytes`);
    roots = (await readHeader(reader, 1)).roots as unknown as CID[];
  } catch (error) {
    throw explain(error);
  }

  async function* blocks(): AsyncGenerator<Block> {
    for (;;) {
      let block: Block;
      try {
        if ((await reader.upTo(8)).length === 0) return;
        const head = await readBlockHead(reader);
        const cid = head.cid as unknown as CID;
        if (!(head.blockLength >= 0)) throw new Error('A block has a negative length');
        if (head.blockLength > MAX_BLOCK_BYTES) throw blockTooLarge(cid, head.blockLength);
        // A copy: the reader's view would keep whole network chunks alive.
        block = { cid, bytes: (await reader.exactly(head.blockLength, true)).slice() };
        await verifyBlock(block.cid, block.bytes);
      } catch (error) {
        throw explain(error);
      }
      yield block;
    }
  }
  return { roots, blocks: blocks() };
}

export function carHeader(root: CID): Uint8Array {
  // The packages carry their own types of the same CID class.
  const roots = [root] as unknown as NonNullable<Parameters<typeof createWriter>[1]>['roots'] & object;
  return createWriter(new ArrayBuffer(headerLength({ roots })), { roots }).close();
}

export function carFrame({ cid, bytes }: Block): Uint8Array {
  const size = cid.bytes.length + bytes.length;
  const prefix = varint.encodingLength(size);
  const out = new Uint8Array(prefix + size);
  varint.encodeTo(size, out, 0);
  out.set(cid.bytes, prefix);
  out.set(bytes, prefix + cid.bytes.length);
  return out;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
