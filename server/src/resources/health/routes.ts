import Type, { type Static } from 'typebox';
import { createRequestCoalescer } from '../../http/request-coalescing.ts';
import type { Route } from '../../http/route.ts';
import { oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { type Clock, toIsoTime } from '../../platform/clock.ts';
import type { Pool } from '../../store/pool.ts';

const Health = Type.Object({ status: oneOf(['ok']), version: Type.String(), time: time() });
const serialise = compileSerialiser<Static<typeof Health>>(Health);

/** `GET /v1/health`: 200 while the database can be reached, else 500. */
export function healthRoutes(deps: { pool: Pool; clock: Clock; version: string }): Route[] {
  // The route is public: concurrent requests share one connection.
  const checks = createRequestCoalescer<unknown>();
  return [
    {
      method: 'GET',
      path: '/v1/health',
      operationId: 'getHealth',
      tag: 'Health',
      summary: 'Check health',
      description: 'Tells whether the API can serve requests. Needs no key.',
      access: 'public',
      okDescription: 'The API is healthy',
      data: { name: 'Health', schema: Health },
      async read() {
        await checks.read('database', () => deps.pool.query('select 1'));
        return serialise({ status: 'ok', version: deps.version, time: toIsoTime(deps.clock.now()) });
      },
    },
  ];
}
