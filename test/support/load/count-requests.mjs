/** A receiver in a process of its own: answers every POST, and on GET tells how many there were and when. */
import { createServer } from 'node:http';

let [count, firstMs, lastMs] = [0, 0, 0];
let kept = [];
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ count, firstMs, lastMs, kept }));
    [count, firstMs, lastMs, kept] = [0, 0, 0, []];
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    count += 1;
    lastMs = performance.now();
    firstMs ||= lastMs;
    if (kept.length < 200) kept.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.end('ok');
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
