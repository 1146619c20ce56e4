import type { ApiClient } from '../support/client.ts';
import { address, approvedCustomer, deposit, newWallet, ok, transferBody } from '../support/factories.ts';
import type { TestServer } from '../support/server.ts';
import { storeTopUp, storeUncredited } from '../support/treasury.ts';
import type { Target } from './exchange.ts';
import type { ReadDocument } from './operations.ts';

/** A customer with a funded wallet, and one of what else there is; the lists then tell the ids of everything. */
export async function settle(api: ApiClient, document: ReadDocument, target: Target): Promise<void> {
  const customer = await approvedCustomer(api);
  const wallet = await newWallet(api, customer.id);
  await deposit(api, wallet.id, '1000000.00');
  await ok(api.post('/v1/transfers', transferBody(wallet, { destinationAddress: address.solana })));
  await ok(api.post('/v1/counterparties', counterpartyBody(customer.id)));
  const account = { customerId: customer.id, sourceCurrency: 'usd', walletId: wallet.id };
  await ok(api.post('/v1/virtual-accounts', account));
  // There may be as many already as there can be.
  await api.post('/v1/webhooks', { url: 'http://127.0.0.1:9/', events: ['customer.created'] });
  const lists = document.operations.filter(({ method, path }) => method === 'GET' && !path.includes('{'));
  for (const { path } of lists) {
    const answer = await api.get(path);
    if (answer.status === 200) target.ids.learn(path, answer.data);
  }
}

let stored = 0;

/**
 * Something for operators: an order that waits, and a payment and a deposit about which nobody has decided.
 *
 * @param treasury calls with a key that may use the routes of the treasury
 */
export async function settleTreasury(
  server: TestServer,
  treasury: ApiClient,
  { ids }: Target,
): Promise<void> {
  const ordered = encodeURIComponent(await storeUncredited(server, ++stored));
  const order = await ok(treasury.post(`/v1/treasury/deposits/${ordered}/write-off`, { reason: 'Spam.' }));
  ids.learn('/v1/treasury/actions', order);
  await storeUncredited(server, ++stored);
  await storeTopUp(server, ++stored);
  for (const path of ['/v1/treasury/deposits', '/v1/treasury/payments']) {
    ids.learn(path, await ok(treasury.get(path)));
  }
}

function counterpartyBody(customerId: string): object {
  const details = { provider: 'MPESA', phoneNumber: '+254712345678' };
  return {
    customerId,
    currency: 'kes',
    accountType: 'mobile_money',
    accountOwnerName: 'Ada Lovelace',
    details,
  };
}
