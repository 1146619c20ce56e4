import { type Route, writeRoute } from '../../http/route.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Ratio } from '../../platform/money.ts';
import type { Db } from '../../store/database.ts';
import { customerNotFound } from '../customers/lifecycle.ts';
import { findCustomer } from '../customers/queries.ts';
import { Transaction } from '../transactions/schema.ts';
import { createTransfer } from './commands.ts';
import { readTerms } from './lifecycle.ts';
import { CreateTransferBody } from './schema.ts';

export function transferRoutes(deps: { db: Db; onChainFee: Ratio; sandboxStepMs: number }): Route[] {
  return [
    writeRoute<CreateTransferBody>({
      method: 'POST',
      path: '/v1/transfers',
      operationId: 'createTransfer',
      tag: 'Transfers',
      summary: 'Create a transfer',
      description:
        'Sends stablecoins from a wallet to an address on a chain. The whole amount leaves the available balance at ' +
        'once; `netAmount` is what will arrive. In the sandbox the transfer walks to `completed` by itself.',
      access: 'key',
      body: CreateTransferBody,
      okDescription: 'Transfer created',
      data: { name: 'Transaction', schema: Transaction },
      async write({ body, caller }) {
        if (caller.environment.kind === 'live') throw new ApiError(noLiveChain());
        const read = readTerms(body, deps.onChainFee);
        if ('refusal' in read) throw new ApiError(read.refusal);
        const canBeTheirs = bucketOfId(body.customerId) === bucketOfId(body.walletId);
        if (!canBeTheirs && !(await findCustomer(deps.db, caller.environment.id, body.customerId))) {
          throw new ApiError(customerNotFound());
        }
        return createTransfer(caller.environment.id, body, read.terms, deps.sandboxStepMs);
      },
    }),
  ];
}

function noLiveChain() {
  const message = 'No chain is configured for live transfers on this server.';
  return invalidRequest('rail_not_configured', message, [{ path: '/destinationPaymentRail', message }]);
}
