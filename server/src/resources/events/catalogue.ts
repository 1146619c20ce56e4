import Type from 'typebox';
import examples from '../../../data/event-examples.json' with { type: 'json' };
import { type EventType, eventTypes } from '../../events/types.ts';
import type { DescribedEvent } from '../../http/event.ts';
import { Counterparty } from '../counterparties/schema.ts';
import { Wallet } from '../crypto-wallets/schema.ts';
import { Customer } from '../customers/schema.ts';
import { Transaction } from '../transactions/schema.ts';
import { VirtualAccount } from '../virtual-accounts/schema.ts';

const customer = { name: 'Customer', schema: Customer };
const wallet = { name: 'Wallet', schema: Wallet };
const virtualAccount = { name: 'VirtualAccount', schema: VirtualAccount };
const counterparty = { name: 'Counterparty', schema: Counterparty };
const transaction = { name: 'Transaction', schema: Transaction };
const testData = {
  name: 'WebhookTestData',
  schema: Type.Unsafe<object>({
    type: 'object',
    description: 'The `data` that the test was asked for with; else the `webhookId`',
    additionalProperties: true,
  }),
};

const facts: Readonly<Record<EventType, Omit<DescribedEvent, 'type' | 'example' | 'isErasable'>>> = {
  'customer.created': {
    description: 'A customer has been created.',
    data: customer,
    tellsChanges: 'never',
  },
  'customer.updated': {
    description:
      'A customer has been changed or suspended, has submitted their identity or accepted the terms, or their ' +
      'identity has been decided about.',
    data: customer,
    tellsChanges: 'always',
  },
  'customer.erased': {
    description:
      'A customer has been erased: what was known of them is gone, and their earlier events say no more than that.',
    data: customer,
    tellsChanges: 'never',
  },
  'wallet.created': {
    description: 'A wallet has been created, by itself or with a virtual account.',
    data: wallet,
    tellsChanges: 'never',
  },
  'wallet.updated': {
    description:
      'A wallet has been frozen, thawed or closed, or opened again because money has come back to it.',
    data: wallet,
    tellsChanges: 'always',
  },
  'virtual_account.created': {
    description: 'A virtual account has been created.',
    data: virtualAccount,
    tellsChanges: 'never',
  },
  'virtual_account.updated': {
    description: 'A virtual account has been deactivated or reactivated.',
    data: virtualAccount,
    tellsChanges: 'always',
  },
  'counterparty.created': {
    description: 'A counterparty has been created.',
    data: counterparty,
    tellsChanges: 'never',
  },
  'counterparty.updated': {
    description: 'A counterparty has been deactivated.',
    data: counterparty,
    tellsChanges: 'always',
  },
  'transaction.created': {
    description: 'A transfer has been created, or a deposit has arrived.',
    data: transaction,
    tellsChanges: 'never',
  },
  'transaction.updated': {
    description: 'A transaction has got another status; `timeline` has all of them.',
    data: transaction,
    tellsChanges: 'always',
  },
  'transaction.completed': {
    description:
      'A transaction has reached a terminal status: `completed`, `payment_processed`, `failed`, `returned` or ' +
      '`refunded`. It follows the `transaction.created` or `transaction.updated` of the same change. One that failed or ' +
      'was returned can reach another: then there is another event.',
    data: transaction,
    tellsChanges: 'sometimes',
  },
  'webhook.test': {
    description:
      'You have asked for a test event (`POST /v1/webhooks/{webhookId}/test`). Only that webhook receives it.',
    data: testData,
    tellsChanges: 'never',
  },
};

/** The objects with personal data. */
const erasable: ReadonlySet<string> = new Set([customer.name, counterparty.name, virtualAccount.name]);

/** Every event type: when it is written, the schema of its data, and an example that a server wrote. */
export const describedEvents: readonly DescribedEvent[] = eventTypes.map((type) => ({
  type,
  ...facts[type],
  isErasable: erasable.has(facts[type].data.name),
  example: examples[type],
}));
