import { type Base, readBase } from '../base.ts';

export async function fetchBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export const fetchBase = (): Promise<Base> => readBase((path) => fetchBytes(`/public/${path}`));
