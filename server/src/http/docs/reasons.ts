import type { ErrorCode } from '../../platform/errors.ts';

/** A stable sub-code of an error, as the documentation explains it. */
export interface ReasonEntry {
  readonly reason: string;
  /** The codes that it occurs with; most occur with one. */
  readonly codes: readonly ErrorCode[];
  readonly meaning: string;
  readonly whatToDo: string;
}

/** The six codes, in the order of their statuses. */
export const codeMeanings: readonly (readonly [ErrorCode, string])[] = [
  ['INVALID_REQUEST', 'The request is invalid. It fails again if you repeat it unchanged.'],
  ['UNAUTHORIZED', 'The API key is missing or invalid.'],
  [
    'NOT_FOUND',
    'The object does not exist, belongs to another organisation, or is in the other environment.',
  ],
  ['CONFLICT', 'The request is valid, but the current state does not permit it.'],
  [
    'RATE_LIMITED',
    'There are too many requests. Wait for the seconds in `Retry-After`, then repeat the request.',
  ],
  [
    'INTERNAL_ERROR',
    'The server failed. Repeat the request with the same `Idempotency-Key`, and keep the `requestId`.',
  ],
];

/** Every reason that the server gives, by code and name. */
export const reasons: readonly ReasonEntry[] = [
  ...of('INVALID_REQUEST', [
    [
      'reason_required',
      'An order of the treasury gives no reason, or one that is too long.',
      'Say why you order it.',
    ],
    [
      'tx_hash_invalid',
      'The transaction that paid a payment is missing, malformed, or given for a payment that was not paid.',
      'Give the id of the transaction with `paid` only.',
    ],
    [
      'address_own',
      'A deposit would be returned to an address of this deployment.',
      'Credit it, or name an address of the sender.',
    ],
    [
      'address_not_own',
      'The address is neither the treasury nor a deposit address.',
      'Name the sender whose nonces have the gap.',
    ],
    [
      'wallet_required',
      'The address that received the deposit belongs to no wallet.',
      'Name the wallet to credit.',
    ],
    [
      'amount_not_allowed',
      'The amount of a deposit of a configured token is what arrived.',
      'Leave `amount` and `currency` out.',
    ],
    [
      'amount_required',
      'The token of the deposit is not configured, so it has no price.',
      'Give `amount` and `currency`.',
    ],
    [
      'credit_invalid',
      'What a customer should be credited is no positive amount in a currency that wallets hold.',
      'Give a decimal with at most 6 places, in usdc, pyusd or eurc.',
    ],
    ['chain_without_nonces', 'Only EVM chains have nonces.', 'Name an EVM chain.'],
    [
      'amount_too_large',
      'More would arrive than the rail pays in one payment, or than can be credited in one deposit.',
      'Send several smaller amounts.',
    ],
    [
      'amount_too_small',
      'After the fee or the conversion nothing is left of the amount, or less than the rail pays; or its fee does not cover what the network charges.',
      'Send a larger amount.',
    ],
    ['body_incomplete', 'The connection ended in the middle of the body.', 'Repeat the request.'],
    [
      'body_too_large',
      'The body is larger than the operation permits: 64 KiB unless the reference states more.',
      'Send a smaller body.',
    ],
    [
      'clock_backwards',
      'The time to which the sandbox’s clock should advance is in the past.',
      'Set a later time; only a reset moves the clock back.',
    ],
    [
      'clock_too_far',
      'The sandbox’s clock would be more than ten years ahead.',
      'Advance it less, or reset the sandbox.',
    ],
    [
      'cursor_outdated',
      'The cursor of events belongs to another environment, or the sandbox was reset after it.',
      'Start again with `cursor=start`.',
    ],
    [
      'insufficient_funds',
      'The wallet has less of the currency available than the transfer needs.',
      'Read the balance. Wait for a deposit or send less.',
    ],
    [
      'invalid_address',
      'The destination address is not an address of that chain.',
      'Check the chain and the address; `details` states the fault.',
    ],
    [
      'invalid_amount',
      'The amount must be a positive decimal with at most the decimals of the currency.',
      'Send a string such as `"10.00"`.',
    ],
    ['invalid_encoding', 'The body is not valid UTF-8.', 'Encode the body in UTF-8.'],
    [
      'invalid_idempotency_key',
      'The `Idempotency-Key` header must have 1 to 255 printable ASCII characters.',
      'Use a UUID, for example.',
    ],
    [
      'invalid_json',
      'The body is not JSON, contains a key twice, or is nested too deeply.',
      'Use a JSON library; `details` contains the position if it is known.',
    ],
    [
      'invalid_reference',
      'The reference is too long for the rail, or contains a character that the rail does not support.',
      'Change it; `GET /v1/rails` states what each rail supports.',
    ],
    [
      'invalid_return_code',
      'The rail has no such return code, or the transaction is not a payout.',
      'Use a code that the message lists.',
    ],
    [
      'invalid_webhook_url',
      'The server does not send webhooks to this URL.',
      'Use an `https` URL of a public host; the message states the fault.',
    ],
    [
      'malformed_request',
      'The request is not valid HTTP, or its URL cannot be decoded.',
      'Check the path and the headers.',
    ],
    [
      'rail_not_configured',
      'This server is not configured to send live money on that rail.',
      'Use a test key, or ask the operator of the server.',
    ],
    [
      'rates_not_configured',
      'This server has no source of live exchange rates.',
      'Use a test key, or ask the operator of the server.',
    ],
    [
      'request_timeout',
      'The request did not arrive completely within 30 seconds, or its headers within 10 seconds.',
      'Repeat the request without pauses.',
    ],
    ['unsupported_charset', 'The charset in `Content-Type` must be UTF-8.', 'Send UTF-8.'],
    [
      'unsupported_content_type',
      'The `Content-Type` must be JSON.',
      'Send `Content-Type: application/json`.',
    ],
    [
      'unsupported_currency',
      'The currency is not supported, or not in combination with the chain or the other currency.',
      'Use one that the message lists.',
    ],
    ['unsupported_encoding', 'The body is compressed.', 'Send the body without `Content-Encoding`.'],
    [
      'unsupported_pair',
      'These two currencies have no exchange rate.',
      'Use a pair that the message lists; codes are in lower case.',
    ],
    [
      'unsupported_rail',
      'The payment rail does not exist, or does not support the currency.',
      'Use one that the message lists.',
    ],
    [
      'unusable_address',
      'Nobody can spend what is sent to the destination: it is a token contract or mint, a system address or program, or an address of the server itself.',
      'Send to the address of a wallet.',
    ],
    [
      'validation_failed',
      'Fields are missing, unknown or outside their limits.',
      'Correct every field in `details`, which lists all of them.',
    ],
  ]),
  ...of('UNAUTHORIZED', [
    [
      'invalid_api_key',
      'The key is unknown, revoked or malformed.',
      'Copy the whole key, including `ld_test_` or `ld_live_`.',
    ],
    [
      'missing_api_key',
      'The request contains no key.',
      'Send `Authorization: Bearer <key>` or `X-API-Key: <key>`.',
    ],
    ['two_api_keys', 'The two headers for the key contain different keys.', 'Send one of them.'],
  ]),
  ...of('NOT_FOUND', [
    ['event_not_found', 'There is no such event.', 'Check the id and which environment the key is for.'],
    ['key_not_found', 'There is no such API key.', 'List the keys and check the id.'],
    ['organisation_not_found', 'There is no such organisation.', 'List the organisations and check the id.'],
    [
      'route_not_found',
      'The path does not exist, or not with this method.',
      'Compare both with the reference.',
    ],
    ['sandbox_not_found', 'The key does not belong to a sandbox.', 'Use a test key.'],
    ['sandbox_only', 'The operation is for the sandbox and the key is a live key.', 'Use a test key.'],
    [
      'transaction_not_found',
      'There is no such transaction.',
      'Check the id and which environment the key is for.',
    ],
    [
      'transfer_not_found',
      'There is no such transfer. A deposit is not a transfer.',
      'Check the id and which environment the key is for.',
    ],
    [
      'delivery_not_found',
      'The webhook has no such delivery.',
      'List its deliveries; the server keeps them for 30 days.',
    ],
    ['webhook_not_found', 'There is no such webhook.', 'Check the id; it may have been deleted.'],
    [
      'treasury_not_found',
      'The key may not use the routes of the treasury.',
      'Name it in `--treasury-keys`.',
    ],
    ['treasury_action_not_found', 'There is no such order.', 'Check the id.'],
    ['payment_not_found', 'There is no such payment.', 'Check the id.'],
    ['uncredited_deposit_not_found', 'There is no such uncredited deposit.', 'Check the id.'],
  ]),
  {
    reason: 'customer_not_found',
    codes: ['NOT_FOUND', 'INVALID_REQUEST'],
    meaning: 'There is no such customer: 404 for an id in the path, 400 for one in the body.',
    whatToDo: 'Check the id and which environment the key is for.',
  },
  {
    reason: 'counterparty_not_found',
    codes: ['NOT_FOUND', 'INVALID_REQUEST'],
    meaning:
      'There is no such counterparty, or it is another customer’s: 404 for an id in the path, 400 for one in the body.',
    whatToDo: 'Check both ids and which environment the key is for.',
  },
  {
    reason: 'virtual_account_not_found',
    codes: ['NOT_FOUND', 'INVALID_REQUEST'],
    meaning: 'There is no such virtual account: 404 for an id in the path, 400 for one in the body.',
    whatToDo: 'Check the id and which environment the key is for.',
  },
  {
    reason: 'rate_unavailable',
    codes: ['INVALID_REQUEST', 'CONFLICT'],
    meaning: 'The source of exchange rates has no recent rate for the pair.',
    whatToDo: 'Try again later. If the error persists, ask the operator of the server.',
  },
  {
    reason: 'wallet_not_found',
    codes: ['NOT_FOUND', 'INVALID_REQUEST'],
    meaning:
      'There is no such wallet, or it is another customer’s: 404 for an id in the path, 400 for one in the body.',
    whatToDo: 'Check both ids and which environment the key is for.',
  },
  ...of('CONFLICT', [
    [
      'action_open',
      'Another order about the same payment or deposit has not ended.',
      'Wait until it has ended.',
    ],
    [
      'transfer_in_review',
      'The transfer is under review, and is no payment yet.',
      'Approve, reject or cancel the transfer.',
    ],
    ['payment_ended', 'The payment has ended.', 'Look at the transfer.'],
    [
      'payment_not_bumpable',
      'The payment is not signed, or its chain has no nonces.',
      'Wait until it is signed, or cancel it.',
    ],
    [
      'payment_not_resolvable',
      'Only payments of transfers are resolved as paid.',
      'State that it was not paid, or wait.',
    ],
    ['deposit_decided', 'An operator has decided about the deposit already.', 'Look at the order about it.'],
    ['deposit_known', 'The deposit is pending or credited already.', 'Look at the deposits of the wallet.'],
    ['deposit_is_funding', 'The treasury was funded with it.', 'Credit it to a wallet, or return it.'],
    ['nothing_received', 'Nothing of the deposit arrived.', 'Write it off.'],
    [
      'wallet_differs',
      'The address that received the deposit belongs to another wallet.',
      'Leave the wallet out.',
    ],
    ['no_live_environment', 'The deployment has no live environment.', 'Create a live key.'],
    [
      'too_many_orders',
      'There are too many orders about the same payment or deposit.',
      'Look at why they were refused.',
    ],
    ['counterparty_inactive', 'The counterparty is deactivated.', 'Create it again, or use another one.'],
    [
      'customer_erased',
      'The customer is erased: they cannot be changed, and earlier responses about them are deleted.',
      'Create a new customer if they return.',
    ],
    [
      'customer_has_money',
      'A customer with money or with pending transactions cannot be erased.',
      'Transfer the money out of their wallets, wait for pending transactions, then erase them.',
    ],
    [
      'retention_duty',
      'The retention period of the customer’s data has not ended.',
      'Erase them after the time in `message`; the operator can do so earlier.',
    ],
    [
      'customer_rejected',
      'The customer is rejected permanently.',
      'Omit `status`; you can still change the other fields.',
    ],
    [
      'idempotency_key_reused',
      'The `Idempotency-Key` was already used with another operation or another body.',
      'Use a new key for each new request, and repeat requests unchanged.',
    ],
    [
      'identity_verified',
      'The names of a customer whose identity is approved cannot be changed.',
      'Omit the fields in `details`; you can change email, phone, `externalId` and `metadata`.',
    ],
    [
      'deposit_changed',
      'Another process recorded the deposit concurrently.',
      'No action is necessary: the server reads it again.',
    ],
    [
      'kyc_required',
      'The customer is not verified, or has not accepted the terms.',
      '`details` lists what is missing. In the sandbox, decide the verification yourself.',
    ],
    ['not_due', 'The transfer has no step that is due.', 'Read it again: its status may have changed.'],
    [
      'request_in_progress',
      'The first request with this `Idempotency-Key` is still in progress.',
      'Repeat the request after `Retry-After`; it never runs twice.',
    ],
    [
      'too_many_secrets',
      'The webhook has too many valid secrets, because its secret was rotated too often.',
      'Rotate with `overlapSeconds` 0, which ends the earlier secrets, or wait until one expires.',
    ],
    [
      'too_many_webhooks',
      'The environment has the maximum number of webhooks.',
      'Delete one that you do not need.',
    ],
    [
      'transfer_not_cancelable',
      'The transfer is no longer in review.',
      'Wait for its terminal status; only an `in_review` transfer can be cancelled.',
    ],
    [
      'transition_not_allowed',
      'The transaction cannot reach this status from its current one.',
      'The message lists the possible statuses.',
    ],
    ['wallet_closed', 'The wallet is closed permanently.', 'Create a new wallet.'],
    [
      'wallet_frozen',
      'The wallet is frozen: it can receive money but not send it.',
      'Set its status to `active` first.',
    ],
    [
      'webhook_disabled',
      'The server sends nothing to a disabled webhook.',
      'Set its `status` to `active` first; `disabledReason` states why it is disabled.',
    ],
    ['wallet_not_empty', 'Only an empty wallet can be closed.', 'Transfer everything out of it first.'],
  ]),
  ...of('RATE_LIMITED', [
    ['rate_limited', 'The key or the address exceeded its rate limit.', 'Wait for `Retry-After`.'],
    [
      'server_busy',
      'The server’s queue of writes is full.',
      'Wait for `Retry-After`, then repeat the request.',
    ],
    [
      'environment_busy',
      'The server has too many requests in progress for test keys, or for live keys. Test keys wait while live keys are used.',
      'Wait for `Retry-After`, then repeat the request; send fewer requests concurrently.',
    ],
    [
      'too_many_streams',
      'The environment or the server has the maximum number of open event streams.',
      'Close one that you do not need, or wait for `Retry-After`.',
    ],
  ]),
  ...of('INTERNAL_ERROR', [
    [
      'internal_error',
      'The server failed. Its log contains the details under the `requestId`.',
      'Repeat the request with the same `Idempotency-Key`.',
    ],
  ]),
];

function of(code: ErrorCode, rows: readonly (readonly [string, string, string])[]): readonly ReasonEntry[] {
  return rows.map(([reason, meaning, whatToDo]) => ({ reason, codes: [code], meaning, whatToDo }));
}
