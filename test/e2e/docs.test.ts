import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Device, expectAccessible, keepPicture, openWindow, startBrowser } from '../support/browser.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** The documentation in a real browser: nothing is blocked, nothing is loaded from elsewhere, everybody can use it. */

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

interface Visit {
  readonly page: Page;
  /** Fails if the browser complained or asked another host. */
  end(): Promise<void>;
}

async function visit(path: string, device: Device, colorScheme: ColorScheme): Promise<Visit> {
  const window = await openWindow(browser, device, { colorScheme });
  const page = await window.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    if (message.type() !== 'info') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { host, protocol } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host);
  });
  await page.goto(server.app.url + path);
  return {
    page,
    async end() {
      await window.close();
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([new URL(server.app.url).host]);
    },
  };
}

const windows = [
  ['desktop', 'light'],
  ['desktop', 'dark'],
  ['phone', 'light'],
  ['phone', 'dark'],
] as const;

describe.each(windows)('on a %s, %s', (device, colorScheme) => {
  it.each(['/docs', '/docs/guides/webhooks', '/docs/guides/configuration', '/docs/guides/keys'])(
    '%s can be read by everybody',
    async (path) => {
      const { end, page } = await visit(path, device, colorScheme);
      await keepPicture(page, `docs-${device}-${colorScheme}${path.replaceAll('/', '-')}`);
      await expectAccessible(page);
      await end();
    },
  );

  it('the reference shows operations, examples and events', async () => {
    const { end, page } = await visit('/docs/reference#tag/transfers/POST/v1/transfers', device, colorScheme);
    await page.getByRole('heading', { name: 'Create a transfer' }).first().waitFor();
    await page.getByText('destinationPaymentRail').first().waitFor();
    await keepPicture(page, `docs-${device}-${colorScheme}-reference`);
    await expectAccessible(page);
    await end();
    const events = await visit('/docs/reference#tag/webhooks', device, colorScheme);
    await events.page.getByText('transaction.completed').first().waitFor({ state: 'attached' });
    await events.end();
  });
});

it('a narrow window has a menu that leads to every guide', async () => {
  const { end, page } = await visit('/docs', 'phone', 'light');
  const guide = page.getByRole('navigation').getByRole('link', { name: 'Webhooks' });
  expect(await guide.isVisible()).toBe(false);
  await page.getByRole('link', { name: 'Menu', exact: true }).click();
  await guide.click();
  await page.getByRole('heading', { name: 'Webhooks', level: 1 }).waitFor();
  await end();
});
