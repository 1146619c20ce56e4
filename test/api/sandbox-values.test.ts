import { afterAll, beforeAll, expect, it } from 'vitest';
import { sandboxNames } from '../../server/src/identity/state.ts';
import { sandboxValues } from '../../server/src/simulator/test-values.ts';
import {
  deposit,
  inStatus,
  newCustomer,
  newPayee,
  newWallet,
  ok,
  transferBody,
  usBank,
} from '../support/factories.ts';
import { fillIndividual, submit } from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Each value that the documentation page lists does what the page says. */

let server: TestServer;
let wallet: { id: string; customerId: string };
beforeAll(async () => {
  server = await startServer();
  wallet = await newWallet(server.api);
  await deposit(server.api, wallet.id, '1000.00');
});
afterAll(async () => {
  expect((await ok(server.api.get('/v1/ledger/verify'))).problems).toEqual([]);
  await server.stop();
});

const send = (more: object) => ok(server.api.post('/v1/transfers', transferBody(wallet, more)));

async function payOut(accountNumber: string, more: object = {}) {
  const payee = await newPayee(server.api, wallet.customerId, usBank(accountNumber));
  const bank = { destinationCurrency: 'usd', destinationPaymentRail: 'ach', destinationAddress: payee.id };
  return send({ amount: '10.00', ...bank, ...more });
}

/** Waits until a transfer has a status, and says that it stays there for as long as ten steps take another one. */
async function restsIn(id: string, status: string): Promise<void> {
  await inStatus(server.api, id, status);
  for (let turn = 0; turn < 3; turn += 1) await inStatus(server.api, (await send({})).id, 'completed');
  expect((await ok(server.api.get(`/v1/transfers/${id}`))).status).toBe(status);
}

/** The status that a text says a transfer comes to rest in. */
const lastStatus = (effect: string): string => effect.match(/`(\w+)`(?!.*`)/)?.[1] ?? 'none';

it('the page lists every one of them', async () => {
  const page = await (await fetch(`${server.app.url}/docs`)).text();
  const section = /<section id="sandbox-values".*?<\/section>/s.exec(page)?.[0] ?? '';
  const listed = [...section.matchAll(/<th scope="row"><code>(.*?)<\/code>/g)].map(([, value]) => value);
  expect(listed).toEqual([...sandboxNames, ...sandboxValues].map(({ value }) => value));
  expect(listed.length).toBeGreaterThanOrEqual(6);
  expect(page).toContain('href="#sandbox-values"');
});

it.each(sandboxNames)('the last name $value: $effect', async ({ effect, value: lastName }) => {
  const customer = await newCustomer(server.api, { lastName });
  await fillIndividual(customer.kycLink, { lastName });
  await submit(customer.kycLink, 'approved');
  const { kycStatus } = await ok(server.api.get(`/v1/customers/${customer.id}`));
  expect(kycStatus).toBe(lastStatus(effect));
});

it.each(sandboxValues.filter(({ field }) => field.startsWith('`amount`')))(
  'the amount $value: $effect',
  async ({ effect, value }) => {
    const status = lastStatus(effect);
    await restsIn((await send({ amount: value })).id, status);
    // Payouts are not reviewed.
    const atBank = status === 'in_review' ? 'payment_processed' : status;
    await restsIn((await payOut('123456789', { amount: value })).id, atBank);
    const next = await send({ amount: value.replace(/\d$/, '4') });
    await inStatus(server.api, next.id, 'completed');
  },
);

it.each(sandboxValues.filter(({ field }) => field.includes('destinationAddress')))(
  'the address $value: $effect',
  async ({ effect, value: destinationAddress }) => {
    const chain = destinationAddress.startsWith('0x') ? 'base' : 'solana';
    const sent = await send({ destinationPaymentRail: chain, destinationAddress });
    await restsIn(sent.id, lastStatus(effect));
    if (chain !== 'base') return;
    const lowerCase = destinationAddress.toLowerCase();
    const same = await send({ destinationPaymentRail: chain, destinationAddress: lowerCase });
    await restsIn(same.id, lastStatus(effect));
  },
);

it('account numbers: they come back with the code of their last two digits, other numbers do not', async () => {
  const value = sandboxValues.find(({ field }) => field.includes('us_bank'));
  expect(value?.value).toBe('…10001 to …10029');
  const returning = await Promise.all(['10001', '9910003', '88810029'].map((number) => payOut(number)));
  // A magic amount does not change it.
  returning.push(await payOut('7710016', { amount: '66.13' }));
  const staying = await Promise.all(['10000', '10030', '1000300'].map((number) => payOut(number)));
  for (const { id } of [...returning, ...staying]) await inStatus(server.api, id, 'payment_processed');
  await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 20 * 86_400 }));
  const codes = [];
  for (const { id } of returning) {
    codes.push((await inStatus(server.api, id, lastStatus(value?.effect ?? ''))).returnCode);
  }
  expect(codes).toEqual(['R01', 'R03', 'R29', 'R16']);
  for (const { id } of staying) {
    expect((await ok(server.api.get(`/v1/transfers/${id}`))).status).toBe('payment_processed');
  }
});
