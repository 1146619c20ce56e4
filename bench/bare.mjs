/**
 * A bare Fastify server: `bare.mjs FILE` answers each route of a JSON file `{ "GET /one": "text" }` with its text. What
 * HTTP itself costs, under the same client.
 */
import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';

const answers = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const app = fastify({ logger: false });
for (const [route, text] of Object.entries(answers)) {
  const [method, url] = route.split(' ');
  app.route({
    method,
    url,
    handler: async (_request, reply) =>
      reply.header('content-type', 'application/json; charset=utf-8').send(text),
  });
}
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.once('SIGTERM', () => process.exit(0));
