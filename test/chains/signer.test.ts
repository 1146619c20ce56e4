import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKeyring, masterKeyId } from '../../server/src/platform/keyring.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { changeWithCodes } from '../support/forging.ts';
import { endLaunched, type Launched, launch, makeTempDir, runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A server that has no key pays through a signer of its own process: what happens when that is away, or refuses. */

const stranger = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
const script = new URL('../../cli/bin/openledger.mjs', import.meta.url).pathname;
const masterKey = randomBytes(32);
const nextKey = randomBytes(32);
/** What the server reads its master keys from, as if from a file. */
let keys: Uint8Array[] = [masterKey];
let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let signer: Launched;
let file: { path: string; remove(): void };
let directory: { path: string; remove(): Promise<void> };
let wallet: Awaited<ReturnType<typeof newLiveWallet>>;
const at = (name: string): string => join(directory.path, name);

beforeAll(async () => {
  directory = await makeTempDir();
  anvil = await startAnvil({ chainId: 31_337, blockTimeS: 1 });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  await writeFile(at('passphrase'), 'correct horse battery staple\n');
  const args = ['seed', 'create', at('seed.json'), '--passphrase-file', at('passphrase')];
  const [created] = await Promise.all([runScript('cli/bin/openledger.mjs', { args }), writeProofKey()]);
  expect(created).toMatchObject({ code: 0 });
  await writePolicy('37');
  signer = await startSigner();
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null, confirmations: 1 }) });
  server = await startServer({
    chainsFile: file.path,
    signerSocket: at('signer.sock'),
    masterKey: createKeyring(keys, () => keys),
  });
  wallet = await newLiveWallet(server);
  const treasury = treasuryOf(server, 'base');
  await usdc.send('mint', [wallet.address, 100_000_000n]);
  await usdc.send('mint', [treasury, 25_000_000n]);
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
});
afterAll(async () => {
  await server?.stop();
  await endLaunched();
  await anvil?.stop();
  file?.remove();
  await directory?.remove();
});

async function writePolicy(perDay: string): Promise<void> {
  const token = { address: usdc.address, perTransfer: '20', perDay };
  const base = { chainId: anvil.chainId, maxFee: '0.01', nativePerDay: '1', tokens: { usdc: token } };
  await writeFile(at('policy.json'), JSON.stringify({ base }));
}

/** As an operator does: it comes from the servers' master keys. */
async function writeProofKey(name = 'proof.key', more: Record<string, string> = {}): Promise<void> {
  const env = { OPENLEDGER_MASTER_KEY: masterKey.toString('hex'), ...more };
  const written = await runScript('cli/bin/openledger.mjs', { args: ['proof-key', at(name)], env });
  expect(written).toMatchObject({ code: 0, stderr: '' });
  expect((await stat(at(name))).mode & 0o777).toBe(0o600);
}

async function startSigner(proofKeyFile = 'proof.key'): Promise<Launched> {
  const args = [
    ...[script, 'signer', '--socket', at('signer.sock'), '--seed-file', at('seed.json')],
    ...['--policy', at('policy.json'), '--state-dir', at('state'), '--passphrase-file', at('passphrase')],
    ...['--proof-key-file', at(proofKeyFile)],
  ];
  const running = launch(process.execPath, { args, cwd: directory.path });
  const deadline = Date.now() + 30_000;
  while (!running.stdout().includes('"ready":true')) {
    if (running.child.exitCode !== null || Date.now() > deadline) throw new Error(running.stderr());
    await sleep(20);
  }
  return running;
}

/** Kills the process that holds the keys, which is the child of the one that was started. */
async function killSigner(): Promise<void> {
  const { pid } = signer;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL');
  await signer.exit();
}

const send = async (amount: string) =>
  ok(
    server.live.post(
      '/v1/transfers',
      transferBody(wallet, { amount, destinationPaymentRail: 'base', destinationAddress: stranger }),
    ),
  );
const statusOf = async (id: string): Promise<string> =>
  (await ok(server.live.get(`/v1/transactions/${id}`))).status;
const paid = (): Promise<bigint> => usdc.balanceOf(stranger);

test('a transfer waits while the signer is unreachable, and is paid once when it is back', async () => {
  await expect.poll(() => balanceOf(server.live, wallet.id), { timeout: 20_000 }).toBe('100.00');
  const first = await send('10.00');
  await inStatus(server.live, first.id, 'completed');
  expect(await paid()).toBe(9_970_000n);

  await killSigner();
  const second = await send('10.00');
  const third = await send('10.00');
  await expect.poll(() => statusOf(second.id), { timeout: 10_000 }).toBe('funds_received');
  await sleep(1500);
  expect(await statusOf(second.id)).toBe('funds_received');
  // The treasury can pay one of the two, and a reserved payment is signed whatever the balance is then.
  const { rows } = await server.app.pool.query("select from chain_payments where status = 'open'");
  expect(rows).toHaveLength(1);
  const list = await runScript('cli/bin/openledger.mjs', {
    args: ['transfers', 'list'],
    env: { DATABASE_URL: server.servingUrl },
  });
  expect(list.stdout).toContain(`${second.id}  sending`);
  signer = await startSigner();
  await inStatus(server.live, second.id, 'completed');
  expect(await paid()).toBe(19_940_000n);
  expect(await statusOf(third.id)).toBe('funds_received');
  await usdc.send('mint', [treasuryOf(server, 'base'), 100_000_000n]);
  await inStatus(server.live, third.id, 'completed');
  expect(await paid()).toBe(29_910_000n);
});

test('a transfer that was changed in the database is refused by the separate signer too, and is not paid', async () => {
  await killSigner();
  const turned = await send('2.00');
  const reserved = async () =>
    (await server.app.pool.query('select from chain_payments where id = $1', [turned.id])).rowCount;
  await expect.poll(reserved, { timeout: 30_000 }).toBe(1);
  const thief = '0x71C7656EC7ab88b098defB751B7401B5f6d8976F';
  await changeWithCodes(
    server.ownerPool,
    `update transactions set destination_address = '${thief}' where id = '${turned.id}';
     update chain_payments set address = '${thief}' where id = '${turned.id}'`,
    [
      ['transactions', turned.id],
      ['chain_payments', turned.id],
    ],
  );
  signer = await startSigner();
  await expect.poll(() => signer.stderr(), { timeout: 30_000 }).toContain('not_proven');
  expect(await statusOf(turned.id)).toBe('funds_received');
  expect(await usdc.balanceOf(thief)).toBe(0n);
  // It is put right, and is paid.
  await changeWithCodes(
    server.ownerPool,
    `update transactions set destination_address = '${stranger}' where id = '${turned.id}'`,
    [['transactions', turned.id]],
  );
  await inStatus(server.live, turned.id, 'completed');
});

test('a transfer over the limit of one fails and comes back; one over the limit of the day waits', async () => {
  const before = await paid();
  const tooLarge = await send('30.00');
  const refunded = await inStatus(server.live, tooLarge.id, 'refunded');
  expect(JSON.stringify(refunded)).toContain('The amount exceeds the limit for one transfer.');

  const late = await send('16.00');
  await expect.poll(() => statusOf(late.id), { timeout: 10_000 }).toBe('funds_received');
  // What still fits into the day passes it by.
  const small = await send('5.00');
  await inStatus(server.live, small.id, 'completed');
  expect(await statusOf(late.id)).toBe('funds_received');
  expect(signer.stderr()).toContain('over_day_limit');

  // The day is another one, or the operator gives it more.
  await killSigner();
  await writePolicy('60');
  signer = await startSigner();
  await inStatus(server.live, late.id, 'completed');
  expect(await paid()).toBe(before + 4_985_000n + 15_952_000n);
  expect(await balanceOf(server.live, wallet.id)).toBe('47.00');
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});

test('after the master key was rotated the signer has both proof keys, and pays what either proves', async () => {
  const proofKeyOf = async (id: string): Promise<string> => {
    const text = 'select transfer_proof as proof from transactions where id = $1';
    return (await server.app.pool.query<{ proof: string }>(text, [id])).rows[0]?.proof.split('.')[2] ?? '';
  };
  await writePolicy('200');
  await killSigner();
  const before = await paid();
  const underPrevious = await send('5.00');
  keys = [nextKey, masterKey];
  const current = () => server.app.pool.guard.macOf('organisations', {}).split('.')[2];
  await expect.poll(current, { timeout: 10_000 }).toBe(masterKeyId(nextKey));
  const underNext = await send('5.00');
  expect(await proofKeyOf(underNext.id)).not.toBe(await proofKeyOf(underPrevious.id));

  await writeProofKey('both-proofs.key', {
    OPENLEDGER_MASTER_KEY: nextKey.toString('hex'),
    OPENLEDGER_PREVIOUS_MASTER_KEYS: masterKey.toString('hex'),
  });
  signer = await startSigner('both-proofs.key');
  for (const { id } of [underPrevious, underNext]) await inStatus(server.live, id, 'completed');
  expect(await paid()).toBe(before + 2n * 4_985_000n);

  // With the proof key of before only, what is proven under the next one waits.
  await killSigner();
  signer = await startSigner();
  const late = await send('5.00');
  await expect.poll(() => signer.stderr(), { timeout: 30_000 }).toContain('not_proven');
  expect(await statusOf(late.id)).toBe('funds_received');
  await killSigner();
  signer = await startSigner('both-proofs.key');
  await inStatus(server.live, late.id, 'completed');
}, 120_000);
