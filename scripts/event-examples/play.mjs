/** Plays what causes an event of every type, for the examples of the documentation and for the test that they are true. */

const person = {
  email: 'ada@example.com',
  firstName: 'Ada',
  lastName: 'Lovelace',
  externalId: 'user-1815',
  metadata: { plan: 'trial' },
};

/**
 * An event, as the API shows it.
 *
 * @typedef {{
 *   readonly id: string, readonly type: string, readonly createdAt: string,
 *   readonly data: Readonly<Record<string, unknown>>,
 *   readonly previousAttributes?: Readonly<Record<string, unknown>>,
 * }} PlayedEvent
 */

/**
 * Makes a server write events of every type.
 *
 * @param {(method: string, path: string, body?: object) => Promise<any>} call makes a request with a test key and returns
 *   the `data` of the response; throws if it fails
 * @returns {Promise<Record<string, PlayedEvent>>} an event of each type
 */
export async function playEveryEvent(call) {
  const post = (path, body) => call('POST', path, body);
  const patch = (path, body) => call('PATCH', path, body);
  const customer = await post('/v1/customers', person);
  const customerId = customer.id;
  await post(`/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
  await patch(`/v1/customers/${customerId}`, { phone: '+14155550100', metadata: { plan: 'gold' } });
  const { id: walletId } = await post('/v1/crypto-wallets', { customerId });
  await deposit(post, walletId);
  await transfer(post, customerId, walletId);
  await patch(`/v1/crypto-wallets/${walletId}`, { status: 'frozen' });
  const account = await post('/v1/virtual-accounts', { customerId, walletId, sourceCurrency: 'usd' });
  await post(`/v1/virtual-accounts/${account.id}/deactivate`);
  const payee = await post('/v1/counterparties', {
    customerId,
    currency: 'usd',
    accountType: 'us_bank',
    accountOwnerName: 'Charles Babbage',
    account: { account_number: '123456789', routing_number: '021000021' },
  });
  await post(`/v1/counterparties/${payee.id}/deactivate`);
  const other = await post('/v1/customers', person);
  await post(`/v1/customers/${other.id}/erase`);
  await testEvent(call);
  return oneOfEach(await readEvents(call));
}

function deposit(post, walletId) {
  return post('/v1/sandbox/crypto-deposits', {
    walletId,
    chain: 'solana',
    currency: 'usdc',
    amount: '14.40',
  });
}

async function transfer(post, customerId, walletId) {
  const { id } = await post('/v1/transfers', {
    customerId,
    walletId,
    amount: '10.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
    reference: 'Invoice 42',
  });
  await post(`/v1/sandbox/transactions/${id}/advance`, { status: 'completed' });
}

/** Nobody listens at the webhook's URL. The event is written all the same. */
async function testEvent(call) {
  const webhook = { url: 'http://127.0.0.1:9/hooks', events: ['webhook.test'] };
  const { id } = await call('POST', '/v1/webhooks', webhook);
  await call('POST', `/v1/webhooks/${id}/test`);
  await call('DELETE', `/v1/webhooks/${id}`);
}

/** The newest events, oldest first. */
async function readEvents(call) {
  return (await call('GET', '/v1/events?limit=200')).reverse();
}

/** Of each type the last, but of a transfer on its way the step that tells the most. */
function oneOfEach(events) {
  const steps = events.filter(({ type }) => type === 'transaction.updated');
  const submitted = steps.find(({ data }) => data.status === 'payment_submitted');
  // What was erased says nothing any more.
  const told = events.filter(({ data }) => data.erased !== true);
  const byType = Object.fromEntries(told.map((event) => [event.type, event]));
  return { ...byType, 'transaction.updated': submitted };
}
