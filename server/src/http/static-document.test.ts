import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { staticDocument } from './static-document.ts';

it('makes a document once, and again only if it could not be made', async () => {
  let calls = 0;
  const app = fastify();
  app.get(
    '/',
    staticDocument(async () => {
      calls += 1;
      if (calls === 1) throw new Error('too many open files');
      return { content: 'made', type: 'text/plain' };
    }),
  );
  const statuses = [];
  for (let request = 0; request < 3; request += 1) statuses.push((await app.inject('/')).statusCode);
  await app.close();
  expect([statuses, calls]).toEqual([[500, 200, 200], 2]);
});
