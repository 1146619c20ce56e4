#!/usr/bin/env node
/** `npx openledger`: makes the clone ready, then is the command line tool. */
import { prepare } from '../../scripts/prepare.mjs';

await prepare();
process.setSourceMapsEnabled(true);
const { main } = await import('../dist/main.js');
await main(process.argv.slice(2));
