import type { LaneChoice } from '../fast/decide-lane.ts';
import type { Provider } from '../fast/runtime.ts';
import type { AdapterRef, Answered, AskOptions, BaseChoice, LibraryAdapterRef, LoadProgress } from './engine.api.ts';

export type { LaneChoice, Provider };
export { decideLane } from '../fast/decide-lane.ts';

/** What the fast worker loads: a base by CID through these gateways, or one of this machine's library. */
export interface FastSource {
  /** Absolute addresses. */
  gateways: string[];
  base: { name: string; cid: string } | BaseChoice;
}

export interface FastStatus {
  provider: Provider;
  /** Longest sequence. */
  context: number;
  /** What the base's weights take: they are held a second time beside the exact lane's. */
  weightBytes: number;
  /** Seconds it took to load, the runtime's fetch included. */
  loadSeconds: number;
}

/**
 * An answer of the fast lane. `lane` says so wherever it goes: nothing of it may be attributed or claimed before the
 * exact lane has read these tokens again (EngineApi.attribute and makeReceipt do, from the tokens alone).
 */
export interface FastAnswer {
  lane: 'fast';
  promptTokens: number[];
  answerTokens: number[];
  text: string;
  pieces: string[];
  seconds: number;
  stopped: boolean;
}

/**
 * What the page asks of the fast worker: text only, from ONNX Runtime Web. The worker is started when the fast lane is
 * used for the first time; `open` fetches the runtime (14 to 27 MB). Plain data, as in engine.api.ts.
 */
export interface FastApi {
  /** `provider` 'auto': WebGPU where there is a graphics processor, else WebAssembly. */
  open(source: FastSource, provider: Provider | 'auto', onProgress: (p: LoadProgress) => void): Promise<Answered<FastStatus>>;
  status(): Promise<Answered<FastStatus>>;
  /** Brings an adapter in, so that the first question does not wait for it. */
  loadAdapter(adapter: AdapterRef | LibraryAdapterRef): Promise<Answered<void>>;
  ask(job: string, adapter: AdapterRef | LibraryAdapterRef | undefined, question: string, options: AskOptions, onText: (piece: string) => void): Promise<Answered<FastAnswer>>;
  cancel(job: string): Promise<void>;
  /** Decoded tokens a second of a few tokens after a question, with an adapter; for decideLane beside the exact lane's. */
  measure(adapter: AdapterRef | LibraryAdapterRef | undefined, question: string): Promise<Answered<number>>;
  close(): Promise<void>;
}
