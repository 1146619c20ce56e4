import Type, { type Static } from 'typebox';
import type { Route } from '../../http/route.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { verifyLedger } from '../../ledger/verify.ts';
import type { Pool } from '../../store/pool.ts';

const count = Type.Integer({ minimum: 0 });

const LedgerVerification = Type.Object({
  ok: Type.Boolean({ description: 'Whether the books agree with themselves' }),
  checked: Type.Object(
    { accounts: count, journals: count, postings: count, transactions: count, events: count },
    { description: 'How many of each were looked at' },
  ),
  problems: Type.Array(Type.Object({ kind: Type.String(), id: Type.String(), message: Type.String() })),
  head: Type.Array(
    Type.Object({
      environmentId: Type.String(),
      lane: Type.Integer(),
      seq: Type.String(),
      hash: Type.String(),
    }),
    { description: 'Where each hash chain ends' },
  ),
});

const serialise = compileSerialiser<Static<typeof LedgerVerification>>(LedgerVerification);

export function ledgerRoutes({ pool }: { pool: Pool }): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/ledger/verify',
      operationId: 'verifyLedger',
      tag: 'Ledger',
      summary: 'Verify the books',
      description:
        'Recomputes every balance of the environment from its postings, checks every journal, transaction and event, ' +
        'and follows the hash chain from its start.',
      access: 'key',
      okDescription: 'What was found',
      data: { name: 'LedgerVerification', schema: LedgerVerification },
      async read({ caller }) {
        const { checked, head, ok, problems } = await verifyLedger(pool, caller.environment.id);
        return serialise({ ok, checked, problems: [...problems], head: [...head] });
      },
    },
  ];
}
