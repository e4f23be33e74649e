import { Checked } from './run.ts';

/** The file behind a Datanet's metadata CID: what it is about, for people. */
export interface DatanetFile {
  openledger: 'datanet/1';
  name: string;
  description: string;
}

export const LONGEST_DESCRIPTION = 600;

export function datanetFile(name: string, description: string): DatanetFile {
  return { openledger: 'datanet/1', name: name.trim(), description: description.trim() };
}

/** Reads untrusted JSON; throws `datanet/invalid-description` naming the field. */
export function parseDatanetFile(json: unknown): DatanetFile {
  const file = new Checked(json, 'datanet/invalid-description', 'This Datanet’s description is not valid.');
  file.literal('openledger', 'datanet/1');
  file.text('name', /^.{1,200}$/su);
  file.text('description', new RegExp(`^.{0,${LONGEST_DESCRIPTION}}$`, 'su'));
  return json as DatanetFile;
}
