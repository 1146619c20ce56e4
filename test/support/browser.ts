import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { chromiumMissing, findChromium } from '../../scripts/chromium.mjs';

/** A real browser, headless. */

const screenshots = fileURLToPath(new URL('../../artifacts/screenshots/', import.meta.url));

/**
 * Starts the browser.
 *
 * @throws Error saying how to get one when there is none: the tests fail then, they are never skipped
 */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(chromiumMissing);
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

export type Device = 'phone' | 'desktop';

/** A fresh window, as on a phone or on a desktop. */
export function openWindow(
  browser: Browser,
  device: Device,
  more: { javaScriptEnabled?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<BrowserContext> {
  const phone = {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  };
  const desktop = { viewport: { width: 1280, height: 900 } };
  return browser.newContext({ ...(device === 'phone' ? phone : desktop), ...more });
}

/** Keeps a picture of the whole page where CI finds it. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  const picture = { path: join(screenshots, `${name}.png`), fullPage: true };
  // On a busy machine the browser now and then takes no picture of a page; the next one succeeds.
  await page.screenshot(picture).catch(() => page.screenshot(picture));
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Looks for whatever keeps people from using the page (axe-core, all of its rules for WCAG 2.2 A and AA, and more). */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: Violation[];
  };
  const told = found.violations.map(({ id, nodes }) => [
    id,
    nodes.map(({ failureSummary, html }) => [html, failureSummary]),
  ]);
  expect(told, page.url().replace(/\/[^/]{80,}/, '/…')).toEqual([]);
  // Nothing may stick out sideways: nobody wants to scroll two ways.
  const overflow = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  expect(overflow, 'the page is wider than the window').toBe(0);
}
