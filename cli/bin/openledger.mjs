#!/usr/bin/env node
/** `npx openledger`: makes the clone ready, then is the command line tool. */
import { prepare } from '../../scripts/prepare.mjs';

await prepare('run', { isQuiet: true });
process.setSourceMapsEnabled(true);
const { endOnUncaught, main } = await import('../dist/main.js');
endOnUncaught();
await main(process.argv.slice(2));
