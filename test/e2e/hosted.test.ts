import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, expectAccessible, keepPicture, openWindow, startBrowser } from '../support/browser.ts';
import { decideKyc, newCustomer, ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let browser: Browser;
beforeAll(async () => {
  server = await startServer();
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

type ColorScheme = 'light' | 'dark';

/** A walk through pages in a window of its own. */
interface Walk {
  readonly page: Page;
  /** Looks at the page as everybody does: it can be used by all, and its picture is kept. */
  look(name: string): Promise<void>;
  press(label: string): Promise<void>;
  end(): Promise<void>;
}

async function startWalk(
  name: string,
  device: Device,
  javaScriptEnabled: boolean,
  colorScheme: ColorScheme,
): Promise<Walk> {
  const window = await openWindow(browser, device, { javaScriptEnabled, colorScheme });
  const page = await window.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // A form that was refused is an answer like any other.
    if (!message.text().includes('422')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  let pictures = 0;
  return {
    page,
    async look(what) {
      pictures += 1;
      const number = String(pictures).padStart(2, '0');
      await keepPicture(
        page,
        `${name}-${device}-${colorScheme}${javaScriptEnabled ? '' : '-no-scripts'}-${number}-${what}`,
      );
      // The checker is a script itself.
      if (javaScriptEnabled) await expectAccessible(page);
    },
    press: (label) => page.getByRole('button', { name: label, exact: true }).click(),
    async end() {
      expect(complaints).toEqual([]);
      await window.close();
    },
  };
}

const title = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

async function fillBirthday(
  page: Page,
  [day, month, year]: readonly [string, string, string],
): Promise<void> {
  await page.getByLabel('Day').fill(day);
  await page.getByLabel('Month').fill(month);
  await page.getByLabel('Year').fill(year);
}

async function fillAddress({ look, page, press }: Walk): Promise<void> {
  await page.getByLabel('Street and number').fill('12 St James Square');
  await page.getByLabel('Town or city').fill('London');
  await page.getByLabel('Postal code').fill('SW1Y 4JH');
  await page.getByLabel('Country').selectOption({ label: 'United Kingdom' });
  await look('address');
  await press('Save and continue');
}

/** Searches with the Enter key, as people do, and chooses what was found. */
async function choose(page: Page, search: string, found: string): Promise<void> {
  await page.getByLabel(/^Search: /).fill(search);
  await page.getByLabel(/^Search: /).press('Enter');
  await page.getByLabel(found, { exact: true }).check();
}

/** A picture of one point, whole and valid. */
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function upload({ look, page, press }: Walk, kind: string, fileName: string): Promise<void> {
  await page.getByLabel(kind, { exact: true }).check();
  await page.getByLabel('File').setInputFiles({ name: fileName, mimeType: 'image/png', buffer: picture });
  await press('Upload');
  await look('documents-sent');
}

async function acceptTerms({ look, page, press }: Walk): Promise<void> {
  expect(await title(page)).toBe('Terms of service');
  await look('terms');
  await press('I accept these terms');
  expect(await title(page)).toBe('You have accepted the terms');
  await look('terms-accepted');
}

const tours: [Device, scripts: boolean, ColorScheme][] = [
  ['phone', true, 'light'],
  ['phone', false, 'light'],
  ['desktop', true, 'dark'],
];

describe.each(tours)('on a %s, scripts %s, %s', (device, scripts, colorScheme) => {
  it('a person is verified, from the first page to the last', async () => {
    const customer = await newCustomer(server.api);
    const walk = await startWalk('person', device, scripts, colorScheme);
    const { look, page, press } = walk;
    await page.goto(customer.kycLink);
    expect(await title(page)).toBe('About you');
    await look('you');

    await page.getByLabel('First and middle names').fill('');
    await press('Save and continue');
    await look('you-wrong');
    await page.getByRole('link', { name: 'Enter your first name.' }).click();
    expect(page.url()).toMatch(/#field-firstName$/);
    await page.getByLabel('First and middle names').fill('Augusta Ada');
    await page.getByLabel('Last name').fill('Lovelace');
    await fillBirthday(page, ['10', '12', '1985']);
    await page.getByLabel('Nationality').selectOption({ label: 'United Kingdom' });
    await press('Save and continue');
    expect(await title(page)).toBe('Your home address');
    await fillAddress(walk);

    await page.getByLabel('Tax number').fill('12345 67890');
    await choose(page, 'software', 'Software Developers');
    await look('work');
    await page.getByLabel('Salary or wages').check();
    await press('Save and continue');

    expect(await title(page)).toBe('Your documents');
    await look('documents');
    await press('Upload');
    await look('documents-wrong');
    await upload(walk, 'Passport', 'my passport.png');
    await upload(walk, 'Proof of address, not older than three months', 'bill.png');
    await page.getByRole('button', { name: /^Remove Proof of address/ }).click();
    expect(await page.getByRole('listitem').filter({ hasText: 'bill.png' }).count()).toBe(0);
    await press('Continue');

    expect(await title(page)).toBe('Check your answers');
    await look('review');
    await page.getByRole('link', { name: 'Change About you' }).click();
    expect(await page.getByLabel('First and middle names').inputValue()).toBe('Augusta Ada');
    await press('Save and continue');
    expect(await title(page)).toBe('Check your answers');
    await press('Send and leave under review');
    expect(await title(page)).toBe('We are checking your details');
    await look('under-review');
    await press('Approve');
    expect(await title(page)).toBe('Your identity is verified');
    await look('approved');

    await page.getByRole('link', { name: 'Read the terms' }).click();
    await acceptTerms(walk);
    const done = await ok(server.api.get(`/v1/customers/${customer.id}`));
    expect(done.capabilities).toEqual({ wallets: true, virtualAccounts: true, transfers: true });
    await walk.end();
  });

  it('a business is verified, with its owners', async () => {
    const customer = await newCustomer(server.api, {
      type: 'business',
      businessName: 'Analytical Engines Ltd',
    });
    const walk = await startWalk('business', device, scripts, colorScheme);
    const { look, page, press } = walk;
    await page.goto(customer.tosLink);
    await acceptTerms(walk);
    // A link to the terms leads nowhere else.
    expect(await page.getByRole('main').getByRole('link').count()).toBe(0);
    await page.goto(customer.kycLink);

    expect(await title(page)).toBe('About the business');
    expect(await page.getByLabel('Legal name').inputValue()).toBe('Analytical Engines Ltd');
    await page.getByLabel('Registration number').fill('04711');
    await page.getByLabel('Country of registration').selectOption({ label: 'United Kingdom' });
    await look('business');
    await press('Save and continue');
    await fillAddress(walk);

    await page.getByLabel('Tax number').fill('GB 123');
    await choose(page, 'zzzz', 'Sales of goods or services');
    await look('activity-nothing-found');
    await choose(page, 'computer systems design', 'Computer Systems Design Services');
    await page.getByLabel('Sales of goods or services').check();
    await look('activity');
    await press('Save and continue');

    expect(await title(page)).toBe('Who owns the business');
    await press('Add this person');
    await look('owners-wrong');
    for (const [firstName, share] of [
      ['Ada', '60'],
      ['Charles', '40'],
    ] as const) {
      await page.getByLabel('First and middle names').fill(firstName);
      await page.getByLabel('Last name').fill('Babbage');
      await fillBirthday(page, ['10', '12', '1985']);
      await page.getByLabel('Country where they live').selectOption({ label: 'United Kingdom' });
      await page.getByLabel('Share of the business, in percent').fill(share);
      await press(firstName === 'Ada' ? 'Add this person' : 'Add another owner');
    }
    await look('owners');
    await press('That is everyone: continue');
    await upload(walk, 'Certificate of incorporation or register extract', 'extract.png');
    await press('Continue');
    await look('review');
    await press('Send and approve');
    expect(await title(page)).toBe('Your identity is verified');
    const done = await ok(server.api.get(`/v1/customers/${customer.id}`));
    expect(done.capabilities).toEqual({ wallets: true, virtualAccounts: true, transfers: true });
    await walk.end();
  });

  it('whoever is asked for more, refused, or has a broken link is told so plainly', async () => {
    const customer = await newCustomer(server.api);
    const walk = await startWalk('standing', device, scripts, colorScheme);
    const { look, page } = walk;
    const reason = {
      code: 'blurred',
      message: 'blurred',
      customerMessage: 'Please send a sharper photo of your passport.',
    };
    await decideKyc(server.api, customer.id, 'incomplete', { reasons: [reason] });
    await page.goto(customer.kycLink);
    expect(await title(page)).toBe('We need something more');
    expect(await page.getByText(reason.customerMessage).count()).toBe(1);
    await look('incomplete');
    await decideKyc(server.api, customer.id, 'rejected', { reasons: [reason] });
    await page.reload();
    expect(await title(page)).toBe('We could not verify your identity');
    await look('rejected');
    const live = await newCustomer(server.live);
    await page.goto(live.kycLink);
    expect(await page.getByText('give no real data').count()).toBe(0);
    await look('live');
    await walk.end();

    const broken = await startWalk('broken', device, scripts, colorScheme);
    const answer = await broken.page.goto(`${customer.kycLink.slice(0, -3)}abc`);
    expect([answer?.status(), await title(broken.page)]).toEqual([404, 'This link does not work']);
    await broken.look('link');
  });
});

it('everything can be done with the keyboard alone', async () => {
  const customer = await newCustomer(server.api);
  const { end, look, page } = await startWalk('keyboard', 'desktop', true, 'light');
  await page.goto(`${customer.kycLink}/you`);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await look('skip-link');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.name')).toBe('firstName');
  await look('focus');
  for (const text of ['Ada', 'Lovelace', '10', '12', '1985']) {
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type(text);
    await page.keyboard.press('Tab');
  }
  await page.keyboard.type('United K');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/address(#|$)/);
  await end();
});

it('an answer that comes before the file has been sent is shown', async () => {
  const customer = await newCustomer(server.api);
  const { page, press } = await startWalk('early-answer', 'desktop', false, 'light');
  const choosePicture = (bytes: number) =>
    page.getByLabel('File').setInputFiles({
      name: 'scan.png',
      mimeType: 'image/png',
      buffer: Buffer.concat([picture, Buffer.alloc(bytes)]),
    });
  await page.goto(`${customer.kycLink}/documents`);
  await page.getByLabel('Passport', { exact: true }).check();
  await choosePicture(12 * 1024 * 1024);
  await press('Upload');
  expect(await page.getByRole('link', { name: 'Choose a file of 8 MB at most.' }).count()).toBe(1);
  await page.getByLabel('Passport', { exact: true }).check();
  await choosePicture(6 * 1024 * 1024);
  await decideKyc(server.api, customer.id, 'approved');
  await press('Upload');
  expect(await title(page)).toBe('Your identity is verified');
  await page.context().close();
});
