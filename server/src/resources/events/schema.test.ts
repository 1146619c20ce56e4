import { expect, it } from 'vitest';
import { createVault, erasedValue } from '../../platform/seal.ts';
import { eventDataContext, previousAttributesContext } from '../../writer/batch.ts';
import { eventJson } from './schema.ts';

const vault = createVault(Buffer.alloc(32, 1));
const id = 'evt_1';
const data = vault.seal('{"name":"Ada"}', eventDataContext(id));
const former = vault.seal('{"name":"Augusta"}', previousAttributesContext(id));

function shown(row: { readonly data: string; readonly previous_attributes: string | null }): unknown {
  const whole = { id, type: 'customer.updated', created_at: '2026-01-01T00:00:00.000Z', ...row };
  const { data, previousAttributes } = JSON.parse(eventJson(whole, vault));
  return [data, previousAttributes];
}

it('shows what was sealed', () => {
  expect(shown({ data, previous_attributes: former })).toEqual([{ name: 'Ada' }, { name: 'Augusta' }]);
  expect(shown({ data, previous_attributes: null })).toEqual([{ name: 'Ada' }, undefined]);
});

it('shows nothing of an event when one of its parts has been erased', () => {
  const erased = { erased: true };
  expect(shown({ data: erasedValue, previous_attributes: former })).toEqual([erased, erased]);
  expect(shown({ data, previous_attributes: erasedValue })).toEqual([erased, erased]);
  expect(shown({ data: erasedValue, previous_attributes: null })).toEqual([erased, undefined]);
});
