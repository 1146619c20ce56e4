import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { waitFor } from './api.mjs';
import { signatureFault, startReceiver } from './receiver.mjs';
import { DemoError, expectEqual, say } from './say.mjs';

const settleTimeoutMs = 10_000;
const deliveryTimeoutMs = 5000;
const chains = ['solana', 'ethereum', 'arbitrum', 'base', 'optimism', 'polygon', 'avalanche', 'tron'];

/** Somebody's address on Solana: the money goes there. */
const destinationAddress = '9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin';

/** The events that the scenario writes about its customer, and how many of each. */
const expectedEvents = {
  'customer.created': 1,
  'customer.updated': 1,
  'wallet.created': 1,
  'transaction.created': 2,
  'transaction.updated': 3,
  'transaction.completed': 2,
};

/**
 * Runs the whole scenario.
 *
 * @throws DemoError at the first thing that does not hold
 */
export async function play(api) {
  const startedMs = performance.now();
  say.plain(`OpenLedger ${api.version} at ${api.url}`);
  const receiver = await startReceiver();
  let webhook;
  try {
    say.part('Webhook');
    webhook = await api.post('/v1/webhooks', { url: receiver.url, events: ['*'] });
    say.done(`${webhook.id} posts every event to ${webhook.url}`);
    const customer = await verifiedCustomer(api);
    const wallet = await walletWithAddresses(api, customer);
    const deposit = await depositArrives(api, wallet);
    const transfer = await transferGoesOut(api, customer, wallet);
    await transferSettles(api, transfer, wallet);
    await checkEvents(api, receiver, webhook.secret, [customer.id, wallet.id, deposit.id, transfer.id]);
  } finally {
    // Also after a failure: nothing that leads nowhere stays behind.
    if (webhook) await api.delete(`/v1/webhooks/${webhook.id}`).catch(() => undefined);
    receiver.close();
  }
  await checkClean(api, webhook);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say.plain(
    `\nEverything held (${seconds} s): 14.40 in, 10.00 out (fee 0.03, net 9.97), 4.40 left, ` +
      `${count(expectedEvents)} signed events, books clean.`,
  );
}

async function verifiedCustomer(api) {
  say.part('Customer');
  const customer = await api.post('/v1/customers', {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
  });
  expectEqual('kycStatus of a new customer', customer.kycStatus, 'not_started');
  say.done(`${customer.id} created: ${customer.firstName} ${customer.lastName}, not verified yet`);
  const refused = await api.call('POST', '/v1/crypto-wallets', { customerId: customer.id });
  expectEqual('The answer to a wallet before verification', refused.status, 409);
  expectEqual('Its reason', refused.error?.reason, 'kyc_required');
  say.done(`a wallet is refused: 409 ${refused.error.code}, ${refused.error.reason}`);
  const approved = await api.post(`/v1/sandbox/customers/${customer.id}/kyc`, { kycStatus: 'approved' });
  expectEqual('kycStatus', approved.kycStatus, 'approved');
  expectEqual('capabilities.wallets', approved.capabilities.wallets, true);
  say.done('the sandbox approves the customer');
  return approved;
}

async function walletWithAddresses(api, customer) {
  say.part('Wallet');
  const wallet = await api.post('/v1/crypto-wallets', { customerId: customer.id });
  say.done(`${wallet.id} created; its deposit addresses:`);
  const addresses = await api.get(`/v1/crypto-wallets/${wallet.id}/crypto-deposit-addresses`);
  expectEqual('The chains', addresses.map(({ chain }) => chain).join(' '), chains.join(' '));
  for (const { address, chain, currencies } of addresses) {
    say.detail(`${chain.padEnd(10)} ${address.padEnd(44)} ${currencies.join(' ')}`);
  }
  return wallet;
}

async function depositArrives(api, wallet) {
  say.part('Deposit');
  const deposit = await api.post('/v1/sandbox/crypto-deposits', {
    walletId: wallet.id,
    chain: 'solana',
    currency: 'usdc',
    amount: '14.40',
  });
  expectEqual('The status of the deposit', deposit.status, 'completed');
  await expectBalance(api, wallet, '14.40');
  say.done(`${deposit.id}: 14.40 USDC arrive on solana, balance 14.40`);
  return deposit;
}

async function transferGoesOut(api, customer, wallet) {
  say.part('Transfer');
  const body = {
    customerId: customer.id,
    walletId: wallet.id,
    amount: '10.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress,
  };
  const headers = { 'idempotency-key': `demo-${randomUUID()}` };
  const first = await api.call('POST', '/v1/transfers', body, headers);
  expectEqual(`The status of the answer (${first.error?.message ?? 'transfer'})`, first.status, 200);
  const transfer = first.data;
  expectEqual('The status of the transfer', transfer.status, 'in_review');
  expectEqual('Its fee', transfer.fee, '0.03');
  expectEqual('Its netAmount', transfer.netAmount, '9.97');
  say.done(`${transfer.id}: 10.00 USDC to ${destinationAddress}, fee 0.03, net 9.97`);
  const again = await api.call('POST', '/v1/transfers', body, headers);
  expectEqual('Idempotent-Replayed', again.headers.get('idempotent-replayed'), 'true');
  expectEqual('The answer to the same Idempotency-Key', again.text, first.text);
  say.done(
    'sent again with the same Idempotency-Key: the same answer, byte for byte, and no second transfer',
  );
  await expectBalance(api, wallet, '4.40');
  say.done('the amount has left the balance immediately: 4.40');
  return transfer;
}

async function transferSettles(api, { id }, wallet) {
  const seen = ['in_review'];
  const done = await waitFor(
    async () => {
      const transfer = await api.get(`/v1/transactions/${id}`);
      if (seen.at(-1) !== transfer.status) seen.push(transfer.status);
      return transfer.status === 'completed' ? transfer : undefined;
    },
    settleTimeoutMs,
    () => `the transfer is still ${seen.at(-1)}`,
  );
  say.done(done.timeline.map(({ status }) => status).join(' → '));
  expectEqual('Its fee', done.fee, '0.03');
  expectEqual('Its netAmount', done.netAmount, '9.97');
  expectEqual('Its finalAmount', done.finalAmount, '9.97');
  if (!done.destinationTxHash) throw new DemoError('The completed transfer has no destinationTxHash.');
  say.done(`transaction hash ${done.destinationTxHash}`);
  await expectBalance(api, wallet, '4.40');
  say.done('balance 4.40');
}

async function expectBalance(api, wallet, expected) {
  const { balance } = await api.get(`/v1/crypto-wallets/${wallet.id}/balance`);
  expectEqual('The balance', balance, expected);
}

async function checkEvents(api, receiver, secret, ids) {
  say.part('Events');
  const deliveries = await waitForEvents(receiver, ids);
  for (const delivery of receiver.events()) {
    const fault = signatureFault(delivery, secret);
    if (fault) throw new DemoError(`A webhook is not genuine: ${fault}.`);
  }
  say.done(`${deliveries.length} webhooks arrived, every X-Ledger-Signature is genuine:`);
  for (const [type, number] of Object.entries(expectedEvents)) say.detail(`${number} × ${type}`);
  const listed = await listedEvents(api, deliveries.length);
  for (const { headers, rawBody } of deliveries) {
    const event = JSON.parse(rawBody);
    expectEqual('X-Ledger-Event-Type', headers['x-ledger-event-type'], event.type);
    const same = await api.get(`/v1/events/${event.id}`);
    if (!isDeepStrictEqual(same, event) || !isDeepStrictEqual(listed.get(event.id), event)) {
      throw new DemoError(`GET /v1/events shows ${event.id} otherwise than its webhook did.`);
    }
  }
  say.done('GET /v1/events shows the same');
}

/** Waits for the events about these objects. More than are expected is as wrong as fewer. */
async function waitForEvents(receiver, ids) {
  const about = () => receiver.events().filter(({ rawBody }) => ids.includes(JSON.parse(rawBody).data?.id));
  const found = await waitFor(
    () => (about().length >= count(expectedEvents) ? about() : undefined),
    deliveryTimeoutMs,
    () => `${about().length} of ${count(expectedEvents)} webhooks have arrived`,
  );
  const types = found.map(({ rawBody }) => JSON.parse(rawBody).type);
  for (const [type, number] of Object.entries(expectedEvents)) {
    expectEqual(`The number of ${type} webhooks`, types.filter((name) => name === type).length, number);
  }
  return found;
}

/** The newest events, by id. On a busy server others are among them, so some pages are read. */
async function listedEvents(api, atLeast) {
  const events = new Map();
  let cursor = '';
  for (let page = 0; page < 5; page += 1) {
    const { data, nextCursor, status } = await api.call('GET', `/v1/events?limit=200${cursor}`);
    expectEqual('The status of GET /v1/events', status, 200);
    for (const event of data) events.set(event.id, event);
    if (nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
  if (events.size < atLeast) throw new DemoError(`GET /v1/events lists only ${events.size} events.`);
  return events;
}

async function checkClean(api, webhook) {
  say.part('Books');
  const gone = await api.call('GET', `/v1/webhooks/${webhook.id}`);
  expectEqual('The answer to a deleted webhook', gone.status, 404);
  say.done(`${webhook.id} deleted`);
  const { checked, ok, problems } = await api.get('/v1/ledger/verify');
  if (!ok) throw new DemoError(`The books are not clean: ${JSON.stringify(problems, null, 2)}`);
  const counts = Object.entries(checked).map(([what, number]) => `${number} ${what}`);
  say.done(`verify is clean: ${counts.join(', ')}`);
}

function count(events) {
  return Object.values(events).reduce((sum, number) => sum + number, 0);
}
