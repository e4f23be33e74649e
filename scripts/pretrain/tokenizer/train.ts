import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildTokenizer } from './build.ts';

/** `npx tsx scripts/pretrain/tokenizer/train.ts [DIR]`: writes tokenizer.json and tokenizer_config.json. */
const directory = process.argv[2] ?? 'public/base';
const { tokenizer, config } = buildTokenizer();
await mkdir(directory, { recursive: true });
await writeFile(join(directory, 'tokenizer.json'), `${JSON.stringify(tokenizer, null, 1)}\n`);
await writeFile(join(directory, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
console.log(`Wrote ${directory}/tokenizer.json and tokenizer_config.json.`);
