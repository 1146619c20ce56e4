import { expect, it } from 'vitest';
import type { Schema } from './endpoints.ts';
import { exampleAnswer, exampleParameter, exampleRequest } from './example.ts';

function request(properties: Record<string, Schema>, required = Object.keys(properties)): unknown {
  return exampleRequest({}, { type: 'object', properties, required });
}

it('a request has the required fields only, or the first one if none is required', () => {
  const fields: Record<string, Schema> = { email: { type: 'string' }, phone: { type: 'string' } };
  expect(request(fields, ['phone'])).toEqual({ phone: '+14155550100' });
  expect(request(fields, [])).toEqual({ email: 'ada@example.com' });
});

it('prefers the known value of a name if the schema permits it', () => {
  const fields: Record<string, Schema> = {
    currency: { type: 'string', enum: ['eur', 'gbp'] },
    status: { type: 'string', enum: ['disabled', 'active'] },
    amount: { type: 'integer', minimum: 5 },
    externalId: { type: 'string', minLength: 6 },
  };
  expect(request(fields)).toEqual({ currency: 'eur', status: 'active', amount: 5, externalId: 'textxx' });
});

it('ids have the prefix of their kind', () => {
  const parameter = exampleParameter({}, 'walletId', { type: 'string' });
  expect(parameter).toMatch(/^wal_[0-9a-z]{26}$/);
  const answer = {
    name: 'Customer',
    schema: { type: 'object', properties: { id: { type: 'string' } } },
    isList: true,
  };
  expect(exampleAnswer({}, 'listCustomers', answer)).toMatchObject({
    data: [{ id: expect.stringMatching(/^cus_/) }],
    nextCursor: null,
  });
});

it('ends in a schema that contains itself', () => {
  const Tree: Schema = {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } },
  };
  const answer = { name: 'Tree', schema: Tree, isList: false };
  expect(exampleAnswer({ components: { schemas: { Tree } } }, 'getTree', answer)).toMatchObject({ ok: true });
});
