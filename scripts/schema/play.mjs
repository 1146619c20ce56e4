/** Plays what fills a database for the upgrade test, through the API. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { playEveryEvent } from '../event-examples/play.mjs';

const pollMs = 50;
const transfer = {
  destinationCurrency: 'usdc',
  destinationPaymentRail: 'solana',
  destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
};

/**
 * Makes customers with everything they can have: identity checks, wallets, accounts, deposits, transfers, webhooks, and one
 * customer who is erased.
 *
 * @param {{ url: string, testKey: string, liveKey: string }} server a new server
 * @returns {Promise<Record<string, string>>} the keys and the ids that the upgrade test reads
 */
export async function playUpgradeData({ liveKey, testKey, url }) {
  const call = caller(url, testKey);
  await playEveryEvent(call);
  const { id: customerId } = await call('POST', '/v1/customers', {
    email: 'mary@example.com',
    firstName: 'Mary',
    lastName: 'Somerville',
    externalId: 'mary-1',
  });
  await call('POST', `/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
  const { id: webhookId } = await call('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/', events: ['*'] });
  const { id: walletId } = await call('POST', '/v1/crypto-wallets', { customerId });
  const { id: counterpartyId } = await call('POST', '/v1/counterparties', {
    customerId,
    currency: 'usd',
    accountType: 'us_bank',
    accountOwnerName: 'Mary Somerville',
    account: { account_number: '123456789', routing_number: '021000021' },
  });
  const account = { customerId, walletId, sourceCurrency: 'usd' };
  const { id: virtualAccountId } = await call('POST', '/v1/virtual-accounts', account);
  const deposit = { walletId, chain: 'solana', currency: 'usdc', amount: '100.00' };
  await call('POST', '/v1/sandbox/crypto-deposits', deposit);
  const sent = { ...transfer, customerId, walletId, amount: '10.00' };
  const { id: transferId } = await call('POST', '/v1/transfers', sent);
  await until(async () => (await call('GET', `/v1/transfers/${transferId}`)).status === 'completed');
  const person = { email: 'live@example.com', firstName: 'Caroline', lastName: 'Herschel' };
  const { id: liveCustomerId } = await caller(url, liveKey)('POST', '/v1/customers', person);
  return {
    testKey,
    liveKey,
    customerId,
    walletId,
    counterpartyId,
    virtualAccountId,
    transferId,
    webhookId,
    liveCustomerId,
  };
}

function caller(url, key) {
  return async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const { data, error, ok } = /** @type {any} */ (await answer.json());
    if (!ok) throw new Error(`${method} ${path}: ${error.message}`);
    return data;
  };
}

async function until(isTrue) {
  while (!(await isTrue())) await sleep(pollMs);
}
