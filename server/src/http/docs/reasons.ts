import type { ErrorCode } from '../../platform/errors.ts';

/** A stable sub-code of an error, as the page explains it. */
export interface ReasonEntry {
  readonly reason: string;
  /** The codes it comes with; most have one. */
  readonly codes: readonly ErrorCode[];
  readonly meaning: string;
  readonly whatToDo: string;
}

/** The six codes, in the order of their statuses. */
export const codeMeanings: readonly (readonly [ErrorCode, string])[] = [
  ['INVALID_REQUEST', 'The request is wrong. The same request will fail again: change it first.'],
  ['UNAUTHORIZED', 'There is no API key, or none that is valid.'],
  [
    'NOT_FOUND',
    'There is no such thing: it never was, belongs to someone else, or is in the other environment.',
  ],
  ['CONFLICT', 'The request is right, but the state of things forbids it now.'],
  ['RATE_LIMITED', 'Too much at once. Wait for the seconds in `Retry-After`, then send it again.'],
  ['INTERNAL_ERROR', 'Our fault. Send it again with the same `Idempotency-Key`, and keep the `requestId`.'],
];

/** Every reason that the server gives, by code and name. */
export const reasons: readonly ReasonEntry[] = [
  ...of('INVALID_REQUEST', [
    [
      'amount_too_large',
      'More would arrive than the rail pays at once, or than can be credited at once.',
      'Send it in several parts.',
    ],
    [
      'amount_too_small',
      'The fee or the conversion would leave nothing of the amount, or less than the rail pays.',
      'Send a larger amount.',
    ],
    ['body_incomplete', 'The connection broke off in the middle of the body.', 'Send it again.'],
    [
      'body_too_large',
      'The body has more bytes than the operation takes: 64 KiB, where the document does not say more.',
      'Send less.',
    ],
    [
      'clock_backwards',
      'The time to move the sandbox’s clock to has passed already.',
      'Give a later time; only a reset takes the clock back.',
    ],
    [
      'clock_too_far',
      'The sandbox’s clock would be more than ten years ahead.',
      'Move it less far, or reset the sandbox.',
    ],
    [
      'cursor_outdated',
      'The cursor of events is of another environment, or the sandbox has been reset since.',
      'Begin again with `cursor=start`.',
    ],
    [
      'insufficient_funds',
      'The wallet has less of the currency available than the transfer takes.',
      'Read the balance; wait for a deposit or send less.',
    ],
    [
      'invalid_address',
      'The destination address is no address of that chain.',
      'Check the chain and copy the address again; `details` says what is wrong.',
    ],
    [
      'invalid_amount',
      'The amount is no plain positive decimal, or has more decimals than the currency.',
      'Send a text such as `"10.00"`.',
    ],
    ['invalid_encoding', 'The body is not valid UTF-8.', 'Encode it as UTF-8.'],
    [
      'invalid_idempotency_key',
      'The `Idempotency-Key` header is empty, too long or not printable.',
      'Use 1 to 255 printable ASCII characters, a UUID for example.',
    ],
    [
      'invalid_json',
      'The body is not JSON, has a key twice, or is nested too deeply.',
      'Let a JSON library write it; `details` names the place where it can.',
    ],
    [
      'invalid_reference',
      'The reference is too long for the rail, or has a character that it does not carry.',
      'Shorten it; `GET /v1/rails` tells what each rail carries.',
    ],
    [
      'invalid_return_code',
      'The rail returns nothing with this code, or nothing was paid out by a bank.',
      'Choose a code that the message names.',
    ],
    [
      'invalid_webhook_url',
      'Webhooks cannot be sent to this URL.',
      'Use an `https` URL of a public host; the message says what is wrong with this one.',
    ],
    [
      'malformed_request',
      'The request is not valid HTTP, or its URL cannot be read.',
      'Check path and headers.',
    ],
    [
      'rail_not_configured',
      'This server has nothing set up to send live money on that rail.',
      'Use a test key, or ask whoever runs the server.',
    ],
    [
      'rates_not_configured',
      'This server has no source of live exchange rates.',
      'Use a test key, or ask whoever runs the server.',
    ],
    [
      'request_timeout',
      'The request did not come whole within half a minute, or its headers within ten seconds.',
      'Send it again, without pauses.',
    ],
    ['unsupported_charset', 'The `Content-Type` names another charset than UTF-8.', 'Send UTF-8.'],
    [
      'unsupported_content_type',
      'The body is not declared as JSON.',
      'Send `Content-Type: application/json`.',
    ],
    [
      'unsupported_currency',
      'The currency does not exist here, or not together with the chain or the other currency.',
      'Choose one that the message names.',
    ],
    ['unsupported_encoding', 'The body is compressed.', 'Send it without `Content-Encoding`.'],
    [
      'unsupported_pair',
      'There is no exchange rate between these two currencies.',
      'Choose a pair that the message names; codes are in lower case.',
    ],
    [
      'unsupported_rail',
      'The payment rail does not exist, or does not carry the currency.',
      'Choose one that the message names.',
    ],
    [
      'validation_failed',
      'Fields are missing, unknown or out of their limits.',
      'Correct every place that `details` names; it has all of them at once.',
    ],
  ]),
  ...of('UNAUTHORIZED', [
    [
      'invalid_api_key',
      'The key is unknown, revoked or not well formed.',
      'Copy the whole key again, `ld_test_` or `ld_live_` included.',
    ],
    [
      'missing_api_key',
      'There is no key in the request.',
      'Send `Authorization: Bearer <key>` or `X-API-Key: <key>`.',
    ],
    ['two_api_keys', 'The two headers for the key carry different keys.', 'Send one of them.'],
  ]),
  ...of('NOT_FOUND', [
    ['event_not_found', 'There is no such event.', 'Check the id and which environment the key is for.'],
    ['key_not_found', 'There is no such API key.', 'List the keys and check the id.'],
    ['organisation_not_found', 'There is no such organisation.', 'List the organisations and check the id.'],
    ['route_not_found', 'There is no such path, or not with this method.', 'Compare both with this page.'],
    ['sandbox_not_found', 'There is no sandbox behind this key.', 'Use a test key.'],
    ['sandbox_only', 'The operation belongs to the sandbox and the key is a live one.', 'Use a test key.'],
    [
      'transaction_not_found',
      'There is no such transaction.',
      'Check the id and which environment the key is for.',
    ],
    [
      'transfer_not_found',
      'There is no such transfer; a deposit is none.',
      'Check the id and which environment the key is for.',
    ],
    [
      'delivery_not_found',
      'The webhook has no such delivery.',
      'List its deliveries; they are kept for 30 days.',
    ],
    ['webhook_not_found', 'There is no such webhook.', 'Check the id; it may have been deleted.'],
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
    meaning: 'The source of exchange rates has given none for the pair lately.',
    whatToDo: 'Try again later; if it stays so, ask whoever runs the server.',
  },
  {
    reason: 'wallet_not_found',
    codes: ['NOT_FOUND', 'INVALID_REQUEST'],
    meaning:
      'There is no such wallet, or it is another customer’s: 404 for an id in the path, 400 for one in the body.',
    whatToDo: 'Check both ids and which environment the key is for.',
  },
  ...of('CONFLICT', [
    ['counterparty_inactive', 'The counterparty was deactivated.', 'Create it again, or pay to another one.'],
    [
      'customer_erased',
      'The customer was erased: nothing of them can be changed, and answers about them are gone.',
      'Create another customer if they come back.',
    ],
    [
      'customer_has_money',
      'A customer with money, or with transactions that have not ended, cannot be erased.',
      'Move the money out of their wallets, wait for what is on its way, then erase them.',
    ],
    [
      'retention_duty',
      'The customer’s data must still be kept.',
      'Erase them after the time that `message` names; the operator can do so before.',
    ],
    [
      'customer_rejected',
      'The customer was rejected for good.',
      'Leave `status` out; the other fields can still be changed.',
    ],
    [
      'idempotency_key_reused',
      'The `Idempotency-Key` was used for another operation or another body.',
      'Make a new key for each new intention, and repeat requests unchanged.',
    ],
    [
      'identity_verified',
      'The names of a customer whose identity was approved stay as they were verified.',
      'Leave out what `details` names; e-mail address, phone, `externalId` and `metadata` can be changed.',
    ],
    [
      'deposit_changed',
      'Another process has recorded the deposit meanwhile.',
      'Nothing: the server reads it again by itself.',
    ],
    [
      'kyc_required',
      'The customer has not been verified, or has not accepted the terms.',
      'See `details` for what is missing; in the sandbox, decide the verification yourself.',
    ],
    [
      'not_due',
      'The transfer has nothing to do at this time.',
      'Read it again: it may have gone on already.',
    ],
    [
      'request_in_progress',
      'The first request with this `Idempotency-Key` is still running.',
      'Send it again after `Retry-After`; it never runs twice.',
    ],
    [
      'too_many_secrets',
      'The webhook’s secret was rotated so often that too many are valid at once.',
      'End the ones before with `overlapSeconds`: 0, or wait until one has expired.',
    ],
    [
      'too_many_webhooks',
      'The environment has as many webhooks as it may have.',
      'Delete one that is not needed.',
    ],
    [
      'transfer_not_cancelable',
      'The transfer has left its review.',
      'Wait for its end; only `in_review` can be cancelled.',
    ],
    [
      'transition_not_allowed',
      'The transaction cannot get to this status from the one it has.',
      'The message names what can follow.',
    ],
    ['wallet_closed', 'The wallet is closed, for good.', 'Create a new wallet.'],
    [
      'wallet_frozen',
      'The wallet is frozen: money comes in, none goes out.',
      'Set its status to `active` first.',
    ],
    [
      'webhook_disabled',
      'A disabled webhook is sent nothing.',
      'Set its `status` to `active` first; `disabledReason` says why it is disabled.',
    ],
    ['wallet_not_empty', 'Only an empty wallet can be closed.', 'Transfer everything out of it first.'],
  ]),
  ...of('RATE_LIMITED', [
    ['rate_limited', 'The key or the address has sent more than its rate allows.', 'Wait for `Retry-After`.'],
    [
      'server_busy',
      'More writes are waiting than the server takes on.',
      'Wait for `Retry-After`, then send it again.',
    ],
    [
      'environment_busy',
      'More requests of test keys, or of live keys, are under way than the server takes on. Test keys wait while live keys are used.',
      'Wait for `Retry-After`, then send it again; send fewer requests concurrently.',
    ],
    [
      'too_many_streams',
      'The sandbox or the server has as many event streams open as it may have.',
      'Close one that is not needed, or wait for `Retry-After`.',
    ],
  ]),
  ...of('INTERNAL_ERROR', [
    [
      'internal_error',
      'Something went wrong in the server; its log has more under the `requestId`.',
      'Send it again with the same `Idempotency-Key`.',
    ],
  ]),
];

function of(code: ErrorCode, rows: readonly (readonly [string, string, string])[]): readonly ReasonEntry[] {
  return rows.map(([reason, meaning, whatToDo]) => ({ reason, codes: [code], meaning, whatToDo }));
}
