import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { checkAddress } from '../../server/src/chains/addresses.ts';
import { chains } from '../../server/src/chains/registry.ts';
import { readUrlEncoded } from '../../server/src/hosted/form-body.ts';
import { readUploadForm } from '../../server/src/hosted/upload-form.ts';
import { presentedKey } from '../../server/src/http/auth.ts';
import { hashJson, idempotencyKey } from '../../server/src/http/idempotency.ts';
import { parseJsonBody } from '../../server/src/http/json-body.ts';
import { assertBodyHeaders } from '../../server/src/http/read-body.ts';
import { compileBodyValidator, compileQueryValidator } from '../../server/src/http/validate.ts';
import { isId } from '../../server/src/platform/ids.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { parseAmount } from '../../server/src/platform/money.ts';
import { checkBic } from '../../server/src/rails/identifiers/bic.ts';
import { checkBrCode } from '../../server/src/rails/identifiers/br-code.ts';
import { checkCnpj, checkCpf } from '../../server/src/rails/identifiers/brazil-tax-id.ts';
import { checkClabe } from '../../server/src/rails/identifiers/clabe.ts';
import { checkGhanaAccountNumber } from '../../server/src/rails/identifiers/ghana-account.ts';
import { checkIban } from '../../server/src/rails/identifiers/iban.ts';
import { checkMobileNumber } from '../../server/src/rails/identifiers/mobile-money.ts';
import { checkNuban } from '../../server/src/rails/identifiers/nuban.ts';
import { checkPixKey } from '../../server/src/rails/identifiers/pix-key.ts';
import { checkAccountShape } from '../../server/src/rails/identifiers/swift-account.ts';
import { checkSortCode } from '../../server/src/rails/identifiers/uk-account.ts';
import { checkRoutingNumber } from '../../server/src/rails/identifiers/us-account.ts';
import { checkReference, railNames } from '../../server/src/rails/rails.ts';
import { parseAccount } from '../../server/src/resources/counterparties/request.ts';
import { decodePositions } from '../../server/src/resources/events/positions.ts';
import { decodeCursor } from '../../server/src/store/paging.ts';
import { checkWebhookUrl } from '../../server/src/webhooks/targets.ts';
import type { Frame, Target } from './worst-inputs.ts';

/** An ordinary JSON body of about that size, against which all others are measured. */
export function plainBody(bytes: number): string {
  const pairs = Array.from({ length: Math.max(1, Math.floor(bytes / 34)) }, (_, index): [string, string] => [
    `field${index}`,
    'an ordinary value',
  ]);
  return JSON.stringify(Object.fromEntries(pairs));
}

/** Strings that V8 keeps in one table, by their value if they are whole numbers: these would all fall into one place. */
const collidingNumbers = Array.from({ length: 4000 }, (_, index) => `"${(index + 4000) * 2 ** 18}",`).join(
  '',
);

const jsonTokens = [
  ...[
    '{',
    '[',
    '}',
    ']',
    ',',
    ':',
    '"',
    '\\',
    ' ',
    '\n',
    '0',
    '1',
    '-',
    '.',
    'e',
    '1.0',
    '1e1',
    'null',
    '"a"',
  ],
  ...['{},', '[],', '"",', '0,', '-0,', '1e1,', '0.1,', 'null,', 'true,', '[[]],', '{"a":1},', '"\\u0000",'],
  ...[
    '"\\ud800",',
    '"é",',
    '"😀",',
    '"\\ud83d\\ude00",',
    '"#",',
    '#,',
    '1.#,',
    '0.00000000000000001,',
    '"\\"",',
  ],
  ...['"a":1,', '"#":1,', '"k#":{},', '"k#":[],', '"__proto__":1,', '"":"",', '"x#":"\\u0000",', '"~/":1,'],
  ...[
    '{"a":',
    '[{"a":[',
    '1.00000000000000000000000000000000000000000000000000000000001,',
    '9',
    '0'.repeat(60),
  ],
];

const jsonFrames: readonly Frame[] = [
  { start: '[', end: ']' },
  { start: '{', end: '}' },
  { start: '', end: '' },
  { start: '"', end: '"' },
  { start: '{"a":', end: '}' },
  { start: '[1.', end: '1]' },
  { start: `[${'['.repeat(30)}`, end: `${']'.repeat(30)}]` },
  { start: '{"metadata":{', end: '}}' },
  { start: `[${collidingNumbers}`, end: '""]' },
];

/** From the bytes of a body to its fingerprint. */
export function readJson(text: string): unknown {
  const parsed = parseJsonBody(Buffer.from(text));
  if (!parsed.ok) return undefined;
  hashJson(parsed.value);
  return parsed.value;
}

/** Refusals are what is looked for. */
function quietly(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if ((error as Error).name === 'ApiError' || (error as Error).name === 'PageError') return undefined;
    throw error;
  }
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly description?: string;
    readonly content: { readonly 'application/json': { readonly schema: Schema } };
  };
}

/** Each operation's body, from its bytes to the last fault. */
function bodyTargets(): Target[] {
  const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
  const operations = Object.values(document.paths as Record<string, Record<string, Operation>>).flatMap(
    (methods) => Object.values(methods),
  );
  return operations.flatMap(({ operationId, requestBody }) => {
    if (!requestBody) return [];
    const { schema } = requestBody.content['application/json'];
    const more = /Counterparty/.test(operationId) ? (body: unknown) => parseAccount(body).faults : undefined;
    const validate = compileBodyValidator(schema, more);
    const names = Object.keys(schema.properties ?? {});
    const kib = Number(/(\d+) KiB/.exec(requestBody.description ?? '')?.[1] ?? 64);
    return {
      name: `body of ${operationId}`,
      maxBytes: kib * 1024,
      frames: [
        ...names.flatMap((name) => [
          { start: `{"${name}":[`, end: ']}' },
          { start: `{"${name}":{`, end: '}}' },
          { start: `{"${name}":"`, end: '"}' },
        ]),
        { start: '{', end: '}' },
        { start: '[', end: ']' },
      ],
      tokens: [...jsonTokens, ...textTokens.filter((token) => !/["\\\p{Cc}]/u.test(token))],
      run: (text: string) => quietly(() => validate(readJson(text) ?? null)),
    };
  });
}

const textTokens = [
  ...[...'0123456789aAzZxX@.-_+%&=:;/?#~ ,\\"\'()[]{}<>|!$*^`\0\t\n\r'],
  ...[
    'aa',
    'a@',
    '@a',
    'a.',
    '.a',
    '..',
    '-a',
    'a-',
    '00',
    '11',
    '6304',
    '0014',
    '26',
    '01',
    'BR',
    'DE',
    'GB82',
  ],
  ...[
    '%00',
    '%25',
    '%zz',
    '%F0%9F',
    'é',
    '😀',
    '\ud800',
    '٣',
    '\u0301',
    'ß',
    '::',
    '0:',
    ':0',
    '[::1]',
    '//',
    'http://',
  ],
  ...[
    'a=1&',
    '&&',
    '==',
    '; ',
    'a;',
    'charset=',
    'T',
    'Z',
    '+00:00',
    '2020-01-01',
    'c1.',
    'ev1.',
    'usdc',
    '1.',
    '0.',
    '.0',
  ],
];

const textFrames: readonly Frame[] = [
  '',
  '1',
  'a',
  '0x',
  'http://',
  'http://a',
  'a@a',
  'BR',
  'DE',
  '0002',
  '+1',
  'T',
].flatMap((start) => ['', 'a', '!', '@', '.com', '\n'].map((end) => ({ start, end })));

interface TextTarget {
  readonly name: string;
  readonly maxBytes: number;
  run(text: string): unknown;
  readonly frames?: readonly Frame[];
}

function textTarget({ frames = textFrames, maxBytes, name, run }: TextTarget): Target {
  return {
    name,
    maxBytes,
    frames,
    tokens: textTokens,
    run: (text) => quietly(() => run(text)),
  };
}

/** The head of a request has 16 KiB. */
const headBytes = limits.headersBytes;
/** Far more than any of these texts may have: what grows too fast shows. */
const textBytes = 4096;

const formats = compileQueryValidator({
  type: 'object',
  properties: { email: { format: 'email' }, time: { format: 'date-time' }, uri: { format: 'uri' } },
});
const phone = compileQueryValidator({
  type: 'object',
  properties: { phone: { pattern: '^\\+[1-9][0-9]{6,14}$' }, name: { pattern: '\\S' } },
});
const policy = { allowHttp: false, allowLoopback: false };

const identifiers: readonly [string, (text: string) => unknown][] = [
  ['BIC', checkBic],
  ['BR Code', checkBrCode],
  ['CPF', checkCpf],
  ['CNPJ', checkCnpj],
  ['CLABE', checkClabe],
  ['Ghanaian account', checkGhanaAccountNumber],
  ['IBAN', checkIban],
  ['mobile number', (text) => checkMobileNumber(text, 'kes')],
  ['NUBAN', (text) => checkNuban(text, '044')],
  ['Pix key', checkPixKey],
  ['Swift account', checkAccountShape],
  ['sort code', checkSortCode],
  ['routing number', checkRoutingNumber],
  ['id', (text) => isId(text, 'cus')],
  ['amount', (text) => parseAmount(text, 6)],
  ...railNames.map((rail): [string, (text: string) => unknown] => [
    `reference of ${rail}`,
    (text) => checkReference(rail, text),
  ]),
  ...chains.map((chain): [string, (text: string) => unknown] => [
    `address of ${chain}`,
    (text) => checkAddress(chain, text),
  ]),
];

const inHead: readonly [string, (text: string) => unknown][] = [
  ['cursor', decodeCursor],
  ['cursor of events', (text) => decodePositions('env_1', text)],
  ['e-mail, time and URL', (text) => formats({ email: text, time: text, uri: text })],
  ['phone and name', (text) => phone({ phone: text, name: text })],
  ['URL of a webhook', (text) => checkWebhookUrl(text, policy)],
  ['Authorization', (text) => presentedKey({ authorization: text })],
  ['X-API-Key', (text) => presentedKey({ 'x-api-key': text })],
  ['Idempotency-Key', (text) => idempotencyKey({ 'idempotency-key': text })],
  ['Content-Type', (text) => assertBodyHeaders({ 'content-type': text }, limits.bodyBytes)],
];

const boundary = 'x7';
const part = `--${boundary}\r\ncontent-disposition: form-data; name="`;

const multipart: Target = {
  name: 'multipart form',
  minBytes: 4096,
  maxBytes: limits.largestBodyBytes / 4,
  frames: [
    { start: `${part}a"\r\n\r\n`, end: `\r\n--${boundary}--\r\n` },
    { start: `${part}a"; filename="b"\r\n\r\n`, end: `\r\n--${boundary}--\r\n` },
    { start: part, end: `"\r\n\r\nb\r\n--${boundary}--\r\n` },
    { start: '', end: '' },
  ],
  tokens: [
    ...textTokens,
    part,
    `--${boundary}`,
    '\r\n',
    `\r\n--${boundary}`,
    '\r\n--x',
    `${part}#"\r\n\r\nb\r\n`,
  ],
  run: (text) =>
    readUploadForm(uploadOf(text), new AbortController().signal, async (_form, file) => {
      for await (const _piece of file?.content ?? []);
    }).catch(() => undefined),
};

function uploadOf(text: string): IncomingMessage {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return Object.assign(Readable.from([Buffer.from(text)]), { headers, complete: true }) as IncomingMessage &
    Readable;
}

/** Every parser and validator that what clients send comes to. */
export function parserTargets(): Target[] {
  return [
    {
      name: 'JSON',
      maxBytes: limits.largestBodyBytes / 4,
      frames: jsonFrames,
      tokens: jsonTokens,
      run: readJson,
    },
    ...bodyTargets(),
    ...identifiers.map(([name, run]) => textTarget({ name, run, maxBytes: textBytes })),
    ...inHead.map(([name, run]) => textTarget({ name, run, maxBytes: headBytes })),
    multipart,
    textTarget({
      name: 'form',
      maxBytes: limits.formBytes,
      run: readUrlEncoded,
    }),
  ];
}
