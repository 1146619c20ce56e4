#!/usr/bin/env node
/** `npx openledger`: makes the clone ready, then is the command line tool. */
import module from 'node:module';
import { join } from 'node:path';
import { root } from '../../scripts/checkout.mjs';
import { prepare } from '../../scripts/prepare.mjs';

await prepare('run', { isQuiet: true });
// Of a command's time, most is spent on loading it.
module.enableCompileCache?.(join(root, 'dist/compile-cache'));
process.setSourceMapsEnabled(true);
const { endOnUncaught, main } = await import(String(new URL('../dist/main.js', import.meta.url)));
endOnUncaught();
await main(process.argv.slice(2));
