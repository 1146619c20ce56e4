import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../cli/src/main.ts';
import { escapeUnprintable } from '../../cli/src/print.ts';
import { bucketOfId } from '../../server/src/platform/ids.ts';
import { decideCustomerKyc } from '../../server/src/resources/customers/commands.ts';
import { acceptTerms, addDocument, saveAnswers } from '../../server/src/resources/identity/commands.ts';
import { createTransfer } from '../../server/src/resources/transfers/commands.ts';
import { createCryptoDeposit } from '../../server/src/simulator/crypto-deposits.ts';
import { authenticateRows } from '../../server/src/store/authenticate-rows.ts';
import { address, environmentOf, newCustomer, newWallet, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Clears the screen, colours, reverses and hides what is written, and begins a line of its own. */
const hostile = 'Eve\u001b[2J\u009b31m\u202e\u2066\u200f\u061c\u2028\u2029\ufeff\u{e0041}\r\nroot@host#';
const shown = String.raw`Eve\u001b[2J\u009b31m\u202e\u2066\u200f\u061c\u2028\u2029\ufeff\udb40\udc41\u000d\u000aroot@host#`;

describe('a text as it is printed', () => {
  it('shows every character that does not show itself', () => {
    expect(escapeUnprintable(hostile)).toBe(shown);
    expect(escapeUnprintable('a\ud800b\u00adc')).toBe(String.raw`a\ud800b\u00adc`);
    expect(escapeUnprintable('Zoë Ångström 李 🦊 O’Neil')).toBe('Zoë Ångström 李 🦊 O’Neil');
  });

  it('is the same JSON, when it is JSON', () => {
    const value = { [hostile]: [hostile, 'é\\u202e'] };
    expect(JSON.parse(escapeUnprintable(JSON.stringify(value)))).toEqual(value);
  });

  it('is printed in one place', () => {
    const folder = join(import.meta.dirname, '../../cli/src');
    const writing = readdirSync(folder).filter((name) =>
      /process\.std(out|err)\.write|console\./.test(readFileSync(join(folder, name), 'utf8')),
    );
    expect(writing).toEqual(['print.ts']);
  });
});

describe('what strangers have typed cannot steer a terminal', () => {
  const masterKey = Buffer.alloc(32, 5);
  let server: TestServer;
  let customerId: string;
  let transferId: string;

  beforeAll(async () => {
    server = await startServer({ masterKey });
    vi.stubEnv('DATABASE_URL', server.databaseUrl);
    vi.stubEnv('OPENLEDGER_MASTER_KEY', masterKey.toString('hex'));
    customerId = await hostileCustomer();
    transferId = await hostileTransfer();
    await hostileChain();
    await authenticateRows(server.ownerPool);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    process.exitCode = undefined;
    await server.stop();
  });

  /** Everything that can be typed is hostile; what the pages would refuse is written past them. */
  async function hostileCustomer(): Promise<string> {
    const { id } = await newCustomer(server.live, { firstName: hostile, lastName: hostile });
    const ref = { environmentId: await environmentOf(server, server.liveKey), customerId: id };
    const { writer } = server.app;
    await writer.submit(saveAnswers(ref, { firstName: hostile, city: hostile, addressLine1: hostile }));
    const document = {
      id: `doc_${id.slice(4)}`,
      kind: 'passport',
      fileName: hostile,
      contentType: 'image/png',
      byteSize: 1,
      sha256: Buffer.alloc(32),
    } as const;
    await writer.submit(addDocument(ref, document));
    const evidence = { address: hostile, userAgent: hostile };
    await writer.submit(acceptTerms(ref, { version: hostile, sha256: Buffer.alloc(32) }, evidence));
    return id;
  }

  async function hostileTransfer(): Promise<string> {
    const environment = await environmentOf(server, server.liveKey);
    const { writer } = server.app;
    const { ownerPool: pool } = server;
    const payer = await newCustomer(server.live);
    await writer.submit(decideCustomerKyc(environment, payer.id, 'approved', []));
    const wallet = await newWallet(server.live, payer.id);
    const deposit = {
      chain: 'solana',
      sourceCurrency: 'usdc',
      sourceMinor: 9_000_000n,
      creditedCurrency: 'usdc',
      creditedMinor: 9_000_000n,
      exchangeRate: null,
    } as const;
    await writer.submit(createCryptoDeposit(environment, wallet.id, deposit));
    const sent = { kind: 'chain', chain: 'solana', address: address.solana, sentCurrency: 'usdc' } as const;
    const money = {
      ...sent,
      amountMinor: 1_000_000n,
      feeMinor: 1n,
      mostMinor: 999_999n,
      currency: 'usdc',
    } as const;
    await writer.submit(createTransfer(environment, transferBody(wallet), money, 3_600_000));
    const [{ id }] = await ok(server.live.get('/v1/transfers'));
    await pool.query('update transactions set next_action_at = null where id = $1', [id]);
    await pool.query(
      `insert into screenings (bucket, id, environment_id, verdict, reason, created_at)
        values ($1, $2, $3, 'review', $4, now())`,
      [bucketOfId(id), id, environment, hostile],
    );
    return id;
  }

  async function hostileChain(): Promise<void> {
    const { ownerPool: pool } = server;
    await pool.query(
      `insert into uncredited_deposits (chain, id, tx_hash, height, reason, token, address, amount, received, seen_at)
        values ('solana', 'x', $1, 1, 'unlisted_token', $1, $1, '1', '0', now())`,
      [hostile],
    );
    await pool.query(
      `insert into chain_statuses (chain, network, fault, nodes, checked_at) values ('solana', $1, $1, $2, now())`,
      [hostile, JSON.stringify([{ name: hostile, fault: hostile }])],
    );
    await pool.query('update organisations set name = $1, mac = null', [hostile]);
  }

  /** Runs a command in this process. @returns all that it has printed */
  async function printed(args: readonly string[]): Promise<string> {
    let text = '';
    const collect = (chunk: string | Uint8Array): boolean => {
      text += String(chunk);
      return true;
    };
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation(collect),
    );
    try {
      await main(args);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    return text;
  }

  const commands: readonly [name: string, args: () => string[]][] = [
    ['kyc show', () => ['kyc', 'show', customerId]],
    ['kyc show of nobody', () => ['kyc', 'show', hostile]],
    ['kyc approve of nobody', () => ['kyc', 'approve', hostile]],
    ['keys create', () => ['keys', 'create', '--env', 'test', '--name', hostile]],
    ['keys list', () => ['keys', 'list']],
    ['keys revoke of nothing', () => ['keys', 'revoke', hostile]],
    ['transfers list', () => ['transfers', 'list']],
    ['transfers list --review', () => ['transfers', 'list', '--review']],
    ['transfers reject', () => ['transfers', 'reject', transferId, '--reason', hostile]],
    ['transfers reject of nothing', () => ['transfers', 'reject', hostile, '--reason', 'x']],
    ['chains status', () => ['chains', 'status']],
    ['chains uncredited', () => ['chains', 'uncredited']],
    ['rate-limit', () => ['rate-limit', 'default']],
    ['kyc list', () => ['kyc', 'list']],
    ['kyc documents', () => ['kyc', 'documents', hostile, '--out', 'never-made']],
    ['verify', () => ['verify']],
  ];
  /** These print nothing that anybody has typed. */
  const without = ['keys create', 'transfers reject', 'kyc list', 'verify'];

  it.each(commands)('in `%s`', async (name, args) => {
    const text = await printed(args());
    expect(text).not.toBe('');
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(text).not.toMatch(/^root@host/m);
    if (!without.includes(name)) expect(text).toContain(String.raw`Eve\u001b[2J\u009b31m\u202e\u2066`);
  });
});
