import type { ErrorCode } from '../../platform/errors.ts';

/** The parts of the OpenAPI document that no route brings: fixed by the original document, texts by ourselves. */

export const overview = {
  title: 'Ledger API',
  version: '1.0.0',
  license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
  description: `Verified customer records, custodial stablecoin wallets on eight chains, transfers, webhooks, and the
double-entry ledger under them. This server is OpenLedger, an open implementation of the Ledger API.

## Answers

Every answer is an envelope: \`{ ok: true, data }\` on success, \`{ ok: false, error: { code, message } }\` on failure.
\`error\` also has \`reason\` (a stable name such as \`insufficient_funds\`), \`details\` (\`[{ path, message }]\`, every
fault together), \`requestId\` (the same as the \`X-Request-Id\` header) and \`docUrl\`.

## Authentication

Send your key as \`Authorization: Bearer <key>\` or \`X-API-Key: <key>\`. Keys look like
\`ld_<env>_<prefix>_<secret>\`; a \`test\` key sees the sandbox only, a \`live\` key live data only.

## Lists

\`limit\` (1 to 200, default 50) and \`cursor\`. Newest first. While \`nextCursor\` is not null there is another page.

## Bodies

JSON in UTF-8, 64 KiB at most unless the operation says that it takes more. A text whose field names no limit has 255
characters at most, a number 64. What the headers tell to be wrong is refused before a body is read. \`details\` has 50
faults at most; a list, object or text that is too large is one of them, and nothing in it is looked at.

## Idempotency

Send an \`Idempotency-Key\` header (1 to 255 printable characters) with any POST to make it safe to repeat. The first
answer is kept for at least 24 hours and given again, byte for byte, with \`Idempotent-Replayed: true\`. The same key
with another route or body is a 409. A body that is refused unread is the same when its headers are.

## Rate limits

\`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\` come with every answer; a 429 also has
\`Retry-After\`, in seconds.

## Money and time

Amounts are decimal texts, never numbers: \`"4.40"\`. Times are ISO 8601 in UTC with milliseconds.
A request field that does not exist is refused, never ignored.`,
};

/** The failure envelope, exactly as the original document has it. The server adds fields inside \`error\`. */
export const errorSchema = {
  type: 'object',
  required: ['ok', 'error'],
  properties: {
    ok: { type: 'boolean', enum: [false] },
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: {
          type: 'string',
          enum: [
            'UNAUTHORIZED',
            'INVALID_REQUEST',
            'NOT_FOUND',
            'CONFLICT',
            'RATE_LIMITED',
            'INTERNAL_ERROR',
          ],
        },
        message: { type: 'string' },
      },
    },
  },
};

interface RefusalExample {
  readonly code: ErrorCode;
  readonly description: string;
  readonly message: string;
}

/** The failure responses: texts as in the original document, `NOT_FOUND` ours in its style. */
export const refusalExamples: readonly RefusalExample[] = [
  { code: 'INVALID_REQUEST', description: 'Request validation failed', message: 'Validation failed' },
  { code: 'UNAUTHORIZED', description: 'Missing or invalid API key', message: 'Invalid API key' },
  { code: 'NOT_FOUND', description: 'Resource not found', message: 'No such resource' },
  {
    code: 'CONFLICT',
    description: 'Conflict (e.g. duplicate idempotency key)',
    message: 'Resource already exists',
  },
  { code: 'RATE_LIMITED', description: 'Rate limit exceeded', message: 'Too many requests' },
  { code: 'INTERNAL_ERROR', description: 'Internal server error', message: 'An unexpected error occurred' },
];

export const securitySchemes = {
  BearerAuth: {
    type: 'http',
    scheme: 'bearer',
    description: 'Pass your API key as a Bearer token: `Authorization: Bearer ld_live_...`',
  },
  ApiKeyAuth: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'Pass your API key via the `X-API-Key` header',
  },
};
