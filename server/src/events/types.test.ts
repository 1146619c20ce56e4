import { expect, it } from 'vitest';
import { chosenTypes, eventTypes, isChosen } from './types.ts';

it('types are chosen by their names, by patterns and by *', () => {
  expect(chosenTypes(['*'])).toEqual({ ok: true, types: eventTypes });
  expect(chosenTypes(['customer.*', 'wallet.created'])).toEqual({
    ok: true,
    types: ['customer.created', 'customer.updated', 'customer.erased', 'wallet.created'],
  });
  expect(chosenTypes([])).toEqual({ ok: true, types: [] });
  expect(isChosen(['wallet.*'], 'virtual_account.created')).toBe(false);
});

it('a word that means nothing is named', () => {
  for (const word of ['customer', 'customer.', 'cust.*', '*.created', 'customer.exploded', '']) {
    expect(chosenTypes(['*', word])).toEqual({ ok: false, unknown: word });
  }
});
