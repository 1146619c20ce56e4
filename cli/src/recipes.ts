import type { EventType } from '@openledger/server/events/types.ts';
import type { ApiData } from './api.ts';

/** Makes a call for a recipe, prints it, and returns `data`. */
export type Caller = (
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
) => Promise<ApiData>;

/** The calls that cause an event. */
export interface Recipe {
  /** A short description. */
  readonly about: string;
  /** Makes the calls. @returns the id of the object that the event is about */
  run(call: Caller): Promise<string>;
}

/** The sandbox calls that cause each event. */
export const recipes: Readonly<Record<EventType, Recipe>> = {
  'customer.created': {
    about: 'a customer is created',
    run: async (call) => (await newCustomer(call)).id,
  },
  'customer.updated': {
    about: 'a customer is approved',
    run: async (call) => (await approvedCustomer(call)).id,
  },
  'customer.erased': {
    about: 'a customer is erased',
    async run(call) {
      const { id } = await newCustomer(call);
      return (await call('POST', `/v1/customers/${id}/erase`)).id;
    },
  },
  'wallet.created': {
    about: 'an approved customer gets a wallet',
    run: async (call) => (await newWallet(call)).id,
  },
  'wallet.updated': {
    about: 'a wallet is frozen',
    async run(call) {
      const { id } = await newWallet(call);
      return (await call('PATCH', `/v1/crypto-wallets/${id}`, { status: 'frozen' })).id;
    },
  },
  'virtual_account.created': {
    about: 'an approved customer gets a virtual account',
    run: async (call) => (await newVirtualAccount(call)).id,
  },
  'virtual_account.updated': {
    about: 'a virtual account is deactivated',
    async run(call) {
      const { id } = await newVirtualAccount(call);
      return (await call('POST', `/v1/virtual-accounts/${id}/deactivate`)).id;
    },
  },
  'counterparty.created': {
    about: 'a customer gets a counterparty with a US bank account',
    run: async (call) => (await newCounterparty(call)).id,
  },
  'counterparty.updated': {
    about: 'a counterparty is deactivated',
    async run(call) {
      const { id } = await newCounterparty(call);
      return (await call('POST', `/v1/counterparties/${id}/deactivate`)).id;
    },
  },
  'transaction.created': {
    about: 'a deposit arrives in a wallet',
    run: async (call) => (await newDeposit(call)).id,
  },
  'transaction.updated': {
    about: 'a transfer leaves a wallet and moves on',
    async run(call) {
      const { customerId, walletId } = await newDeposit(call);
      const transfer = await call('POST', '/v1/transfers', {
        customerId,
        walletId,
        amount: '10.00',
        destinationCurrency: 'usdc',
        destinationPaymentRail: 'solana',
        destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
      });
      return transfer.id;
    },
  },
  'transaction.completed': {
    about: 'a deposit is completed',
    run: async (call) => (await newDeposit(call)).id,
  },
  'webhook.test': {
    about: 'a webhook is sent a test; one is made for it, and deleted again',
    async run(call) {
      const body = { url: 'https://example.invalid/hooks', events: ['webhook.test'] };
      const { id } = await call('POST', '/v1/webhooks', body);
      await call('POST', `/v1/webhooks/${id}/test`, {});
      await call('DELETE', `/v1/webhooks/${id}`);
      return id;
    },
  },
};

function newCustomer(call: Caller): Promise<ApiData> {
  return call('POST', '/v1/customers', {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
  });
}

async function approvedCustomer(call: Caller): Promise<ApiData> {
  const { id } = await newCustomer(call);
  return call('POST', `/v1/sandbox/customers/${id}/kyc`, { kycStatus: 'approved' });
}

async function newWallet(call: Caller): Promise<ApiData> {
  const { id: customerId } = await approvedCustomer(call);
  return call('POST', '/v1/crypto-wallets', { customerId });
}

async function newVirtualAccount(call: Caller): Promise<ApiData> {
  const { id: customerId } = await approvedCustomer(call);
  return call('POST', '/v1/virtual-accounts', { customerId, sourceCurrency: 'usd' });
}

async function newCounterparty(call: Caller): Promise<ApiData> {
  const { id: customerId } = await approvedCustomer(call);
  return call('POST', '/v1/counterparties', {
    customerId,
    currency: 'usd',
    accountType: 'us_bank',
    accountOwnerName: 'Ada Lovelace',
    account: { account_number: '123456789', routing_number: '021000021' },
  });
}

async function newDeposit(call: Caller) {
  const { customerId, id: walletId } = await newWallet(call);
  const body = { walletId, chain: 'solana', currency: 'usdc', amount: '25.00' };
  const { id } = await call('POST', '/v1/sandbox/crypto-deposits', body);
  return { id, walletId, customerId };
}
