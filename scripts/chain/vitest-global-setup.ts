/** For vitest's `globalSetup`: tests import the generated ABIs, so they are made once before any worker starts. */
import { generateContracts } from './generate.ts';

export default function setup(): void {
  generateContracts();
}
