/** `npm start`: makes the clone ready, then is the server. */
import { prepare } from './prepare.mjs';

await prepare('run');
process.setSourceMapsEnabled(true);
const { main } = await import(String(new URL('../server/dist/main.js', import.meta.url)));
await main(process.argv.slice(2));
