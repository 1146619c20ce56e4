import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../platform/config.ts';
import type { ScreeningSubject } from './port.ts';
import { applyRules, createRuleScreener, noRules, readRulesFile, type Velocity } from './rules.ts';

const directory = mkdtempSync(join(tmpdir(), 'openledger-rules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const evm = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
const solana = '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM';
const tron = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';

function fileOf(content: unknown): string {
  const path = join(directory, 'rules.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const subject = (amountMinor: bigint, address = evm): ScreeningSubject => ({
  transferId: 'txn_1',
  customerId: 'cus_1',
  chain: 'base',
  currency: 'usdc',
  amountMinor,
  address,
});
const calm: Velocity = { amountMinor: 0n, transfers: 1 };

describe('the rules', () => {
  const rules = readRulesFile(
    fileOf({
      deny: [evm.toLowerCase(), tron],
      review: [solana],
      allow: ['0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'],
      rejectAbove: '1000',
      reviewAbove: '100.50',
      velocity: { hours: 24, amountAbove: '500', transfersAbove: 3 },
    }),
  );
  const other = '0x71C7656EC7ab88b098defB751B7401B5f6d8976F';

  test.each<[string, bigint, string, Velocity, string, RegExp]>([
    ['a denied address, in other letters', 1n, evm, calm, 'reject', /deny list/],
    ['a denied address of Tron', 1n, tron, calm, 'reject', /deny list/],
    ['an amount at the limit', 1_000_000_000n, other, calm, 'review', /exceeds 100\.50/],
    ['an amount above it', 1_000_000_001n, other, calm, 'reject', /exceeds 1000\.00/],
    [
      'above it, to an allowed address',
      1_000_000_001n,
      '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
      calm,
      'reject',
      /exceeds/,
    ],
    [
      'a large amount to an allowed address',
      999_000_000n,
      '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
      calm,
      'allow',
      /allow list/,
    ],
    ['an address on the review list', 1n, solana, calm, 'review', /review list/],
    ['an amount at the limit of review', 100_500_000n, other, calm, 'allow', /No rule/],
    ['an amount above that', 100_500_001n, other, calm, 'review', /100\.50/],
    [
      'the sum of the day at its limit',
      1n,
      other,
      { amountMinor: 500_000_000n, transfers: 3 },
      'allow',
      /No rule/,
    ],
    [
      'the sum of the day above it',
      1n,
      other,
      { amountMinor: 500_000_001n, transfers: 1 },
      'review',
      /500\.00 in 24 hours/,
    ],
    ['too many in a day', 1n, other, { amountMinor: 4n, transfers: 4 }, 'review', /more than 3 transfers/],
  ])('%s', (_, amountMinor, address, velocity, verdict, reason) => {
    const found = applyRules(rules, subject(amountMinor, address), velocity);
    expect(found).toEqual({ verdict, reason: expect.stringMatching(reason) });
  });

  test('letters count in addresses that are not of EVM chains', () => {
    const swapped = solana.replace('W', 'w');
    expect(applyRules(rules, subject(1n, swapped), calm).verdict).toBe('allow');
  });

  test('without rules everything passes, and nobody is asked for what was sent before', async () => {
    const screener = createRuleScreener(noRules, () => Promise.reject(new Error('asked')));
    expect((await screener.screen(subject(10n ** 15n))).verdict).toBe('allow');
  });

  test('what was sent before is asked for the hours of the rules', async () => {
    const asked: number[] = [];
    const screener = createRuleScreener(rules, async (_, hours) => {
      asked.push(hours);
      return { amountMinor: 1n, transfers: 9 };
    });
    expect((await screener.screen(subject(1n, other))).verdict).toBe('review');
    expect(asked).toEqual([24]);
  });
});

describe('a wrong file', () => {
  const faultOf = (path: string): string => {
    try {
      readRulesFile(path);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    throw new Error('It was read');
  };

  test('is told, every fault of it', () => {
    const fault = faultOf(
      fileOf({
        deny: 'x',
        rejectAbove: 5,
        reviewAbove: '-1',
        velocity: { hours: 0, extra: 1 },
        colour: 'red',
      }),
    );
    for (const path of [
      '/deny',
      '/rejectAbove',
      '/reviewAbove',
      '/velocity/hours',
      '/velocity/extra',
      '/colour',
    ]) {
      expect(fault).toContain(`${path}: `);
    }
  });

  test('is one whose rules would never apply', () => {
    const fault = faultOf(fileOf({ deny: [evm, '0x12'], review: ['TR7'], velocity: { hours: 24 } }));
    expect(fault).toContain('/deny/1: It must be an address of a chain.');
    expect(fault).toContain('/review/0: ');
    expect(fault).toContain('/velocity: It must have amountAbove');
    expect(fault).not.toContain('/deny/0');
  });

  test.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a text', '"allow"'],
  ])('%s', (_, text) => {
    expect(faultOf(fileOf(text))).toContain('--screening-file: ');
  });

  test('is one that is not there', () => {
    expect(faultOf(join(directory, 'missing.json'))).toContain('missing.json');
  });
});
