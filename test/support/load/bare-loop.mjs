/** Posts bodies with undici and nothing else: `bare-loop.mjs URL COUNT AT_ONCE`, the requests as JSON on stdin. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

const [url, count, atOnce] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(0, 'utf8'));
const dispatcher = new Agent({ connections: Number(atOnce) });
let next = 0;
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    for (let number = next++; number < Number(count); number = next++) {
      const { body, headers } = requests[number % requests.length];
      const answer = await request(url, { method: 'POST', dispatcher, headers, body });
      await answer.body.text();
    }
  }),
);
await dispatcher.close();
