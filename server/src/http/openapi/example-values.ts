/** Realistic values for examples. A field without one gets a value from its schema. */

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const earlier = '2025-01-15T11:00:00.000Z';
const ethereumHash = '0x5f1d7a84db00d2fce00b31a7fc73224df40b8b1e2d19f4f24d8a0c1f5c7b9e36';
const solanaHash = '4cdBNBVmPPPMdmNDs6MBFjmGrG8M7NEpHvbbMbx6LZWcDDZv5yGzDhkvSdmkTqrhc5wjbDLQGTrvg6fMLV2QWAuH';
const digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

/** Example values by the name of the field, whatever object it is in. */
export const valuesByName: Readonly<Record<string, Json>> = {
  accountName: 'Main account',
  accountOwnerName: 'Ada Lovelace',
  address: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
  amount: '10.00',
  at: earlier,
  attemptNumber: 1,
  available: '4.40',
  balance: '4.40',
  bankName: 'Lead Bank',
  businessMaximum: null,
  businessName: 'Analytical Engines Ltd',
  buyRate: '0.773644',
  chain: 'solana',
  code: '15-1252',
  createdAt: earlier,
  currencies: ['usdc', 'usdt'],
  currency: 'usdc',
  currencyCode: 'usd',
  cutoff: '13:00 America/New_York',
  destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
  destinationCurrency: 'usdc',
  destinationPaymentRail: 'solana',
  durationMs: 84,
  email: 'ada@example.com',
  event: 'transaction.completed',
  eventTypes: ['*'],
  events: ['*'],
  exchangeRate: null,
  fee: '0.03',
  firstName: 'Ada',
  from: 'usd',
  hash: digest,
  httpStatus: 200,
  iban: 'DE89370400440532013000',
  kycLink: null,
  kycRejectionReasons: [],
  kycStatus: 'approved',
  lane: 0,
  lastName: 'Lovelace',
  maximum: null,
  message: 'The document is not readable',
  customerMessage: 'Please send a sharper photo of your document.',
  minimum: '1.00',
  missing: [],
  name: 'Software Developers',
  netAmount: '9.97',
  nextCutoffAt: '2025-01-15T18:00:00.000Z',
  nextSettlementAt: '2025-01-16T13:30:00.000Z',
  pending: '0.00',
  phone: '+14155550100',
  problems: [],
  reference: {
    maxLength: 10,
    pattern: '^[A-Za-z0-9 ]*$',
    description: 'letters, digits and spaces',
  },
  requiredFields: {
    type: 'object',
    required: ['accountType', 'currency', 'account'],
    properties: {
      accountType: { const: 'us_bank' },
      currency: { const: 'usd' },
      account: { type: 'object', required: ['account_number', 'routing_number'] },
    },
  },
  responseBody: 'ok',
  returnCodes: [{ code: 'R02', reason: 'The account is closed.', bankingDays: 2 }],
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwT0Vd1m0uXyE=',
  sellRate: '0.728578',
  seq: '12',
  sourceCurrency: 'usdc',
  sourcePaymentRail: 'solana',
  sourceTxHash: solanaHash,
  status: 'active',
  success: true,
  time: earlier,
  to: 'gbp',
  tosAcceptedAt: earlier,
  tosLink: null,
  total: '4.40',
  traceId: '110000000000042',
  transactionHash: ethereumHash,
  type: 'transfer',
  updatedAt: earlier,
  usualTime: 'the next banking day',
  url: 'https://example.com/hooks',
  version: '0.1.0',
};

/** Ids that the client or a rail chooses: they have no prefix of ours. */
export const ownIds: ReadonlySet<string> = new Set(['externalId', 'clientReferenceId', 'traceId']);

const prefixes: Readonly<Record<string, string>> = {
  ApiKey: 'key',
  Counterparty: 'pa',
  CreatedByKey: 'key',
  Customer: 'cus',
  DeletedWebhook: 'whk',
  Delivery: 'whd',
  Environment: 'env',
  Event: 'evt',
  Journal: 'jrn',
  Payment: 'txn',
  PayoutAccount: 'pa',
  Transaction: 'txn',
  Transfer: 'txn',
  TreasuryPayment: 'txn',
  TreasuryPaymentDetails: 'txn',
  VirtualAccount: 'va',
  VirtualAccountHistoryEntry: 'txn',
  Wallet: 'wal',
  Webhook: 'whk',
  WebhookDelivery: 'whd',
  WebhookReplay: 'whr',
};

const evmAddress = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const evmToken = '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb';
const uncreditedId = `base:${ethereumHash}:${evmToken}:${evmAddress}:0`;

/** Ids that are made of what they are about, by the kind of object. */
const composedIds: Readonly<Record<string, string>> = {
  Action: `${uncreditedId}:1`,
  Deposit: uncreditedId,
  TreasuryAction: `${uncreditedId}:1`,
  TreasuryDeposit: uncreditedId,
};

/**
 * Makes an id in the server's format.
 *
 * @param kind the kind of object, capitalised: `Customer`
 */
export function exampleId(kind: string): string {
  return composedIds[kind] ?? `${prefixes[kind] ?? 'id'}_01jhmbxq7ve2r8n5d0kz3c6tga`;
}

/** A shortened link to a hosted page. */
function exampleLink(purpose: 'kyc' | 'terms'): string {
  return `https://ledger.example.com/hosted/${purpose}/t6bx2o.${exampleId('Customer')}.${exampleId('Environment')}.b3Zl…`;
}

/** How an example response differs from what its schema alone gives. */
interface AnswerChange {
  /** Optional fields that this response does not have. */
  readonly omit?: readonly string[];
  readonly set?: Readonly<Record<string, Json>>;
}

const unverified: Json = { wallets: false, virtualAccounts: false, transfers: false };
const paidToBank: Readonly<Record<string, Json>> = {
  accountType: 'us_bank',
  currency: 'usd',
  last4: '6789',
  paymentRails: ['ach', 'ach_same_day', 'wire', 'rtp', 'fednow'],
};
const depositOnly = ['sourcePaymentRail', 'sourceTxHash', 'virtualAccountId'];
const payoutOnly = ['payoutAccountId', 'traceId', 'estimatedArrivalAt', 'returnCode'];
const transferOnly = [
  ...payoutOnly,
  'returnReason',
  'destinationPaymentRail',
  'destinationAddress',
  'destinationTxHash',
  'gasFee',
  'reference',
  'clientReferenceId',
];

const onChainOrPayout = transferOnly.filter((name) => name !== 'traceId' && name !== 'returnReason');
const paidInDollars: Readonly<Record<string, Json>> = {
  sourceCurrency: 'usd',
  depositInstructions: {
    bank_name: 'OpenLedger Sandbox Bank',
    account_number: '538821904417',
    routing_number: '021000021',
    bank_address: '1 Sandbox Way, New York, NY 10001, US',
    account_holder_name: 'Ada Lovelace',
    payment_rails: ['ach', 'ach_same_day', 'wire', 'rtp', 'fednow'],
  },
};
const arrivedInDollars: Readonly<Record<string, Json>> = {
  type: 'deposit',
  status: 'completed',
  amount: '10.00',
  sourceCurrency: 'usd',
  fee: '0.30',
  netAmount: '9.70',
  finalAmount: '9.70',
  exchangeFee: '0.00',
  sourcePaymentRail: 'ach',
  traceId: '110000000000042',
  timeline: [{ status: 'completed', at: earlier }],
};

/** A posting of a journal that moves 4.40. */
function exampleLine(line: number, accountId: string, side: 'debit' | 'credit'): Json {
  return {
    line,
    accountId,
    accountVersion: '1',
    side,
    amount: '4.40',
    currency: 'usdc',
    balanceAfter: '4.40',
  };
}

const activeWebhook: Readonly<Record<string, Json>> = {
  disabledReason: null,
  disabledAt: null,
  previousSecretExpiresAt: null,
  maxConcurrency: null,
  maxPerSecond: null,
};
const replayedDay: Readonly<Record<string, Json>> = {
  status: 'running',
  eventIds: null,
  createdAfter: earlier,
  createdBefore: '2025-01-16T11:00:00.000Z',
  queued: 0,
  completedAt: null,
};

const treasuryPayment: Readonly<Record<string, Json>> = {
  chain: 'base',
  kind: 'transfer',
  address: evmAddress,
};
const requestedAction: Readonly<Record<string, Json>> = {
  chain: 'base',
  kind: 'deposit_write_off',
  subject: uncreditedId,
  reason: 'Nobody claims it, ticket 4711.',
  by: exampleId('ApiKey'),
};

/** Changes by the name of the response's object. */
export const changesByObject: Readonly<Record<string, AnswerChange>> = {
  Counterparty: { omit: ['details'], set: paidToBank },
  CounterpartyValidation: { omit: ['details', 'pixKeyType'], set: { ...paidToBank, country: 'US' } },
  Customer: { omit: ['phone', 'businessName'] },
  Event: {
    set: {
      type: 'transaction.completed',
      data: { id: exampleId('Transaction'), status: 'completed', amount: '10.00' },
      previousAttributes: { status: 'payment_submitted', finalAmount: null },
    },
  },
  LedgerAccount: {
    omit: ['chain', 'lane'],
    set: {
      id: `${exampleId('Wallet')}:available:usdc`,
      kind: 'wallet_available',
      normalSide: 'credit',
      postings: '3',
    },
  },
  LedgerJournal: {
    set: {
      id: exampleId('Journal'),
      kind: 'deposit',
      postings: [
        exampleLine(1, `${exampleId('Environment')}:0:custody:solana:usdc`, 'debit'),
        exampleLine(2, `${exampleId('Wallet')}:available:usdc`, 'credit'),
      ],
    },
  },
  LedgerVerification: {
    set: {
      trialBalance: [
        {
          currency: 'usdc',
          lines: [
            { kind: 'custody', accounts: 1, debit: '4.43', credit: '0.00' },
            { kind: 'fee_revenue', accounts: 1, debit: '0.00', credit: '0.03' },
            { kind: 'wallet_available', accounts: 1, debit: '0.00', credit: '4.40' },
          ],
          debit: '4.43',
          credit: '4.43',
          difference: '0.00',
        },
      ],
    },
  },
  SandboxClock: { set: { now: '2025-01-19T11:00:00.000Z', aheadSeconds: 345_600 } },
  Transaction: { omit: [...depositOnly, ...payoutOnly] },
  TreasuryAction: { set: requestedAction },
  TreasuryDeposit: {
    set: {
      chain: 'base',
      reason: 'unlisted_token',
      txHash: ethereumHash,
      token: evmToken,
      currency: null,
      address: evmAddress,
      amount: '25000000',
      received: '0',
    },
  },
  TreasuryPayment: { set: { ...treasuryPayment, state: 'sent' } },
  TreasuryPaymentDetails: {
    set: {
      ...treasuryPayment,
      status: 'open',
      transferStatus: 'payment_submitted',
      sender: '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
      sequence: '7',
      attempts: [
        { txHash: ethereumHash, terms: '65000/2000000000/1000000000/18000000/0', signedAt: earlier },
      ],
      voids: [],
      actions: [],
    },
  },
  VirtualAccount: { set: paidInDollars },
  VirtualAccountBalance: { set: { balance: '4.40', currency: 'usd', exchangeRate: null } },
  VirtualAccountHistoryEntry: {
    omit: [...onChainOrPayout, 'sourceTxHash'],
    set: { ...arrivedInDollars, senderName: 'Charles Babbage' },
  },
  Webhook: { omit: ['secret'], set: activeWebhook },
  WebhookReplay: { set: replayedDay },
};

/** Changes by operation; they replace those of its object. */
export const changesByOperation: Readonly<Record<string, AnswerChange>> = {
  createCustomer: {
    omit: ['phone', 'businessName'],
    set: {
      kycStatus: 'not_started',
      capabilities: unverified,
      requirements: { missing: ['identity', 'terms_of_service'] },
      kycLink: exampleLink('kyc'),
      tosLink: exampleLink('terms'),
      tosAcceptedAt: null,
    },
  },
  createCryptoDeposit: {
    omit: transferOnly,
    set: {
      type: 'deposit',
      status: 'completed',
      fee: '0.00',
      netAmount: '10.00',
      finalAmount: '10.00',
      timeline: [{ status: 'completed', at: earlier }],
    },
  },
  createFiatDeposit: { omit: [...onChainOrPayout, 'sourceTxHash'], set: arrivedInDollars },
  cancelTransfer: {
    omit: [...depositOnly, ...payoutOnly],
    set: {
      status: 'failed',
      returnReason: 'It was cancelled.',
      timeline: [
        { status: 'in_review', at: earlier },
        { status: 'failed', at: earlier },
      ],
    },
  },
  createWebhook: { set: activeWebhook },
  deactivateCounterparty: { omit: ['details'], set: { ...paidToBank, status: 'inactive' } },
  resendWebhookDelivery: {
    set: {
      status: 'running',
      eventIds: [exampleId('Event')],
      createdAfter: null,
      createdBefore: null,
      queued: 0,
      completedAt: null,
    },
  },
  rotateWebhookSecret: { set: { ...activeWebhook, previousSecretExpiresAt: '2025-01-16T11:00:00.000Z' } },
};
