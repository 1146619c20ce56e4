/** `npm start`: makes the clone ready, then is the server. */
import { prepare } from './prepare.mjs';

await prepare('run');
process.setSourceMapsEnabled(true);
const { main } = await import('../server/dist/main.js');
await main(process.argv.slice(2));
