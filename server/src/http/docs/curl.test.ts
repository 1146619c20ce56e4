import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { curlCommand } from './curl.ts';
import { type OpenApiDocument, type Schema, tagSections } from './document.ts';
import { firstSteps } from './first-steps.ts';

const hostileUrl = 'http://ledger.test/$(touch /tmp/x)`id`"';

/** Runs a command in a shell in which `curl` only tells what it was given: its arguments, then what it reads. */
function run(command: string): { args: string[]; input: string } {
  const curl = `curl() { for arg; do printf '%s\\0' "$arg"; done; printf '\\1'; case "$*" in *@-*) cat;; esac; }`;
  const script = `${curl}\nKEY=ld_test_x_y CUSTOMER_ID=cus_1 WALLET_ID=wal_1\n${command}`;
  const [args = '', input = ''] = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\x01');
  return { args: args.split('\0').slice(0, -1), input };
}

function commandFor(
  method: string,
  path: string,
  operation: object,
  publicUrl = 'http://ledger.test',
): string {
  const document = { paths: { [path]: { [method]: operation } } } as OpenApiDocument;
  const endpoint = tagSections(document)[0]?.endpoints[0];
  if (!endpoint) throw new Error('The document has no operation');
  return curlCommand(document, endpoint, publicUrl);
}

function withBody(properties: Record<string, Schema>, required = Object.keys(properties)): object {
  const schema: Schema = { type: 'object', properties, required };
  return { requestBody: { required: true, content: { 'application/json': { schema } } } };
}

it('fills ids in from the shell, in path and body', () => {
  const operation = withBody({ walletId: { type: 'string' }, amount: { type: ['string', 'number'] } });
  const { args, input } = run(commandFor('post', '/v1/customers/{customerId}/payments', operation));
  expect(args[1]).toBe('http://ledger.test/v1/customers/cus_1/payments');
  expect(args).toContain('Authorization: Bearer ld_test_x_y');
  expect(JSON.parse(input)).toEqual({ walletId: 'wal_1', amount: '10.00' });
});

it('sends what the document has as it is, whatever the shell would make of it', () => {
  const words = ["it's", '$(id)', '`id`', '\\', '"', '$HOME', 'a\nJSON\nb'];
  for (const word of words) {
    const plain = run(commandFor('put', '/v1/x', withBody({ word: { enum: [word] } }), hostileUrl));
    expect(plain.args.slice(0, 4)).toEqual(['-s', '-X', 'PUT', `${hostileUrl}/v1/x`]);
    expect(JSON.parse(plain.args.at(-1) ?? '')).toEqual({ word });
    const filled = run(
      commandFor('post', '/v1/x', withBody({ customerId: { type: 'string' }, word: { const: word } })),
    );
    expect(JSON.parse(filled.input)).toEqual({ customerId: 'cus_1', word });
  }
});

it('sends required fields only, or the first where none is required', () => {
  const fields: Record<string, Schema> = { email: { type: 'string' }, phone: { type: 'string' } };
  const body = (required: string[]): unknown =>
    JSON.parse(run(commandFor('post', '/v1/x', withBody(fields, required))).args.at(-1) ?? '');
  expect(body(['phone'])).toEqual({ phone: '+14155550100' });
  expect(body([])).toEqual({ email: 'ada@example.com' });
});

it('prefers a value that is known for the name, where the schema allows it', () => {
  const fields: Record<string, Schema> = {
    currency: { type: 'string', enum: ['eur', 'gbp'] },
    status: { type: 'string', enum: ['disabled', 'active'] },
    events: { type: 'array', items: { type: 'string', enum: ['*', 'a.b'] } },
    amount: { type: 'integer', minimum: 5 },
    externalId: { type: 'string', minLength: 6 },
  };
  const { args } = run(commandFor('post', '/v1/x', withBody(fields)));
  const sent = { currency: 'eur', status: 'active', events: ['*'], amount: 5, externalId: 'textxx' };
  expect(JSON.parse(args.at(-1) ?? '')).toEqual(sent);
});

it('gives the query parameters that are required, and a limit', () => {
  const parameters = [
    { name: 'from', in: 'query', required: true, schema: { type: 'string' } },
    { name: 'customerId', in: 'query', required: true, schema: { type: 'string' } },
    { name: 'status', in: 'query', schema: { type: 'string' } },
    { name: 'limit', in: 'query', schema: { type: 'integer' } },
  ];
  const { args } = run(commandFor('get', '/v1/x', { parameters, security: [] }));
  expect(args).toEqual(['-s', 'http://ledger.test/v1/x?from=usd&customerId=cus_1&limit=10']);
});

it('walks from a customer to a transfer in one shell', () => {
  const answers = `case "$*" in *customers*) echo '{"id":"cus_9"}';; *transfers*) cat >&2; echo '{"id":"txn_9"}';; *) echo "$*";; esac`;
  const commands = firstSteps('http://ledger.test').map(({ command }) => command);
  const script = [`curl() { ${answers}; }`, 'KEY=k', ...commands].join('\n');
  const output = execFileSync('sh', ['-euc', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(output).toContain('cus_9\n');
  expect(output).toContain('http://ledger.test/v1/transactions/txn_9');
});
