import { once } from 'node:events';
import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  encodeFunctionData,
  type Hex,
  parseAbi,
  recoverTransactionAddress,
  serializeTransaction,
} from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SignerRefusal } from '../../server/src/chains/errors.ts';
import type { SignRequest, TransferProof } from '../../server/src/chains/signing.ts';
import { connectSigner, type RemoteSigner } from '../../server/src/custody/remote-signer.ts';
import { proofKeysOf, proveTransfer, writeProofKeys } from '../../server/src/custody/transfer-proof.ts';
import { createKeyring } from '../../server/src/platform/keyring.ts';
import { createClient } from '../support/client.ts';
import { newCustomer, ok } from '../support/factories.ts';
import {
  endLaunched,
  type Launched,
  launch,
  makeTempDir,
  runScript,
  startServerProcess,
} from '../support/process.ts';

let directory: { path: string; remove(): Promise<void> };
const at = (name: string): string => join(directory.path, name);
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const bob = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const proofKey = proofKeysOf(createKeyring([Buffer.alloc(32, 7)]))[0];
const passphrase = 'correct horse battery staple';

beforeAll(async () => {
  directory = await makeTempDir();
  await writeFile(at('passphrase'), `${passphrase}\n`);
  const token = { address: usdc, perTransfer: '100', perDay: '150' };
  const ethereum = { chainId: 1, maxFee: '0.01', nativePerDay: '1', tokens: { usdc: token } };
  await writeFile(at('policy.json'), JSON.stringify({ ethereum }));
  await writeFile(at('proof.key'), writeProofKeys([proofKey]), { mode: 0o600 });
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

/** Runs `openledger …` on the data directory of the test. */
const openledger = (args: readonly string[], env: Record<string, string> = {}) =>
  runScript('cli/bin/openledger.mjs', {
    args,
    env: {
      OPENLEDGER_DATA_DIR: at('data'),
      OPENLEDGER_SEED_PASSPHRASE_FILE: at('passphrase'),
      ...env,
    },
    cwd: directory.path,
  });

async function succeeds(args: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await openledger(args);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function fails(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await openledger(args, env);
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  return stderr;
}

const signerArgs = (): string[] => [
  'signer',
  ...['--socket', at('signer.sock'), '--seed-file', at('seed.json')],
  ...['--policy', at('policy.json'), '--state-dir', at('state'), '--passphrase-file', at('passphrase')],
  ...['--proof-key-file', at('proof.key')],
];

const script = new URL('../../cli/bin/openledger.mjs', import.meta.url).pathname;

async function startSigner(...more: string[]): Promise<Launched> {
  const args = [script, ...signerArgs(), ...more];
  const running = launch(process.execPath, { args, cwd: directory.path });
  const deadline = Date.now() + 30_000;
  while (!running.stdout().includes('"ready":true')) {
    if (running.child.exitCode !== null || Date.now() > deadline) throw new Error(running.stderr());
    await sleep(20);
  }
  return running;
}

/** The process that holds the keys: the child of the one that was started. */
async function keyHolder({ pid }: Launched): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}

/** As the server would have proven it when it accepted the transfer. */
function proofOf(id: string, mostMinor: bigint): TransferProof {
  const transfer = { id, chain: 'ethereum', token: 'usdc', destination: bob, mostMinor } as const;
  const walletId = 'cw_1';
  return { walletId, text: proveTransfer(proofKey, { ...transfer, walletId, madeAtMs: Date.now() }) };
}

let nonce = 0;
function transfer(amountMinor: bigint, reference = `txn_${nonce}`): SignRequest {
  nonce += 1;
  const abi = parseAbi(['function transfer(address,uint256)']);
  const unsigned = serializeTransaction({
    type: 'eip1559',
    chainId: 1,
    nonce,
    to: usdc,
    data: encodeFunctionData({ abi, functionName: 'transfer', args: [bob, amountMinor] }),
    gas: 60_000n,
    maxFeePerGas: 10n,
    maxPriorityFeePerGas: 1n,
  });
  return {
    chain: 'ethereum',
    reference,
    intent: {
      kind: 'transfer',
      token: 'usdc',
      amountMinor,
      destination: bob,
      proof: proofOf(reference, amountMinor),
    },
    unsigned: Buffer.from(unsigned.slice(2), 'hex'),
    terms: '',
  };
}

async function codeOf(signing: Promise<unknown>): Promise<string> {
  return signing.then(
    () => 'signed',
    (error: Error) => (error instanceof SignerRefusal ? error.code : error.name),
  );
}

describe('a seed', () => {
  let wallet: string;

  test('is backed up, checked and restored; another one is refused', async () => {
    const server = await startServerProcess({ args: ['--data-dir', at('data')] });
    const api = await createClient(server.url, server.testKey ?? '');
    const customer = await newCustomer(api);
    await ok(api.post(`/v1/sandbox/customers/${customer.id}/kyc`, { kycStatus: 'approved' }));
    wallet = (await ok(api.post('/v1/crypto-wallets', { customerId: customer.id }))).id;

    expect(await succeeds(['seed', 'backup', at('seed.json')])).toContain('contains the seed');
    expect((await stat(at('seed.json'))).mode & 0o777).toBe(0o600);
    expect(await fails(['seed', 'backup', at('seed.json')])).toContain('exists already');
    expect(await succeeds(['seed', 'check', at('seed.json')])).toContain('all 1 recorded wallets');

    const shown = await openledger(['seed', 'backup', '--words']);
    expect(shown.stderr).toContain('These words give access to all funds');
    expect(shown.stdout.trim().split(' ')).toHaveLength(24);
    expect(await readFile(at('seed.json'), 'utf8')).not.toContain(shown.stdout.split(' ')[0]);
    await writeFile(at('words'), shown.stdout);
    expect(await succeeds(['seed', 'check', '--words-file', at('words')])).toContain(
      'all 1 recorded wallets',
    );

    await succeeds(['seed', 'create', at('other.json')]);
    for (const command of ['check', 'restore']) {
      expect(await fails(['seed', command, at('other.json')])).toContain(
        `The addresses of ${wallet} must derive from the seed`,
      );
    }
    expect(await fails(['seed', 'detach', at('other.json')])).toContain(
      'must contain the seed of the database',
    );
    expect(await succeeds(['seed', 'restore', at('seed.json')])).toContain('The seed is restored');
    await writeFile(at('wrong'), 'some other passphrase\n');
    expect(await fails(['seed', 'check', at('seed.json'), '--passphrase-file', at('wrong')])).toContain(
      'passphrase',
    );
    await writeFile(at('bad-words'), shown.stdout.replace(/^\S+/, 'zzzz'));
    const refused = await fails(['seed', 'check', '--words-file', at('bad-words')]);
    expect(refused).toContain('a valid checksum (BIP-39)');
    for (const word of new Set(
      shown.stdout
        .trim()
        .split(' ')
        .filter((text) => text.length > 4),
    )) {
      expect(refused).not.toContain(word);
    }
    expect((await server.stop()).code).toBe(0);
  }, 90_000);

  test('moves to a signer apart: the server asks it for addresses, and has no seed any more', async () => {
    expect(await succeeds(['seed', 'detach', at('seed.json')])).toContain('removed from the database');
    expect(await fails(['seed', 'backup', at('again.json')])).toContain('The database has no seed');
    const alone = await openledgerServer();
    expect(alone).toContain(
      'OPENLEDGER_SIGNER_SOCKET: must be set, because a separate signer keeps the seed',
    );
    expect(await openledgerServer('--signer-socket', at('signer.sock'))).toContain('is unreachable');

    const signer = await startSigner();
    expect((await stat(at('signer.sock'))).mode & 0o777).toBe(0o600);
    const server = await startServerProcess({
      args: ['--data-dir', at('data'), '--signer-socket', at('signer.sock')],
    });
    const api = await createClient(server.url, server.testKey ?? '');
    const { customerId } = await ok(api.get(`/v1/crypto-wallets/${wallet}`));
    const made = await ok(api.post('/v1/crypto-wallets', { customerId }));
    expect(await ok(api.get(`/v1/crypto-wallets/${made.id}/crypto-deposit-addresses`))).toHaveLength(8);
    expect(await succeeds(['seed', 'check', at('seed.json')])).toContain('all 2 recorded wallets');

    // It comes back after the signer was killed.
    process.kill(await keyHolder(signer), 'SIGKILL');
    await signer.exit();
    await startSigner().then(async (next) => {
      await expect
        .poll(
          async () => {
            const answer = await fetch(`${server.url}/v1/crypto-wallets`, {
              method: 'POST',
              headers: { authorization: `Bearer ${server.testKey}`, 'content-type': 'application/json' },
              body: JSON.stringify({ customerId }),
            });
            return answer.status;
          },
          { timeout: 10_000 },
        )
        .toBe(200);
      next.child.kill('SIGTERM');
      expect(await next.exit()).toMatchObject({ code: 0 });
    });
    expect((await server.stop()).code).toBe(0);
    expect(server.stderr()).not.toMatch(/mnemonic|xprv/);
  }, 120_000);
});

async function openledgerServer(...args: string[]): Promise<string> {
  const running = await runScript('scripts/start.mjs', {
    args: ['--json', '--port', '0', '--data-dir', at('data'), ...args],
    cwd: directory.path,
  });
  expect(running.code).toBe(1);
  return running.stderr;
}

describe('the signer process', () => {
  let running: Launched;
  let signer: RemoteSigner;
  beforeAll(async () => {
    running = await startSigner();
    signer = connectSigner(at('signer.sock'));
  });
  afterAll(() => signer.close());

  test('signs within its policy, and remembers after SIGKILL what it has signed', async () => {
    const first = transfer(100_000_000n);
    const { transaction } = await signer.sign(first);
    const raw = `0x${Buffer.from(transaction).toString('hex')}` as `0x02${string}`;
    const treasury = (await signer.treasuryAddresses()).find(({ chain }) => chain === 'ethereum');
    expect(await recoverTransactionAddress({ serializedTransaction: raw })).toBe(treasury?.address as Hex);
    expect(await codeOf(signer.sign(transfer(100_000_001n)))).toBe('over_transfer_limit');
    expect(await codeOf(signer.sign({ ...transfer(1n), chain: 'base' }))).toBe('chain_not_allowed');
    const unproven = transfer(1n);
    const { proof: _, ...intent } = unproven.intent as Extract<SignRequest['intent'], { kind: 'transfer' }>;
    expect(await codeOf(signer.sign({ ...unproven, intent }))).toBe('not_proven');
    expect(await codeOf(signer.sign({ ...unproven, reference: 'txn_other' }))).toBe('not_proven');
    expect(await codeOf(signer.sign(transfer(60_000_000n)))).toBe('over_day_limit');

    process.kill(await keyHolder(running), 'SIGKILL');
    await running.exit();
    expect(await codeOf(signer.sign(transfer(1n)))).toBe('SignerUnavailableError');
    running = await startSigner();
    await expect.poll(() => codeOf(signer.sign(first)), { timeout: 10_000 }).toBe('signed');
    // The same bytes get the same signature, and are not counted again.
    expect((await signer.sign(first)).transaction).toEqual(Uint8Array.from(transaction));
    expect((await signer.lastSigned(first.reference))?.unsigned).toEqual(Uint8Array.from(first.unsigned));
    expect(await codeOf(signer.sign(transfer(60_000_000n)))).toBe('over_day_limit');
    expect(await codeOf(signer.sign(transfer(1n, first.reference)))).toBe('reference_reused');
    const codes = await Promise.all(
      Array.from({ length: 10 }, () => codeOf(signer.sign(transfer(10_000_000n)))),
    );
    expect(codes.filter((code) => code === 'signed')).toHaveLength(5);
  });

  test('shows its limits, what is spent of them, and its record, without secrets', async () => {
    const shown = await succeeds(['signer', 'status', '--socket', at('signer.sock'), '--json']);
    const { chains, record } = JSON.parse(shown);
    expect(record).toMatchObject({ entries: 6, bytes: (await stat(at('state/signed.record'))).size });
    expect(chains[0]).toMatchObject({ chain: 'ethereum', maxFee: '0.01' });
    expect(chains[0].limits[0]).toEqual({
      ...{ asset: 'usdc', perTransfer: '100.00', perDay: '150.00' },
      ...{ spentToday: '150.00', signedAgainToday: '0.00' },
    });
    const text = await succeeds(['signer', 'status', '--socket', at('signer.sock')]);
    expect(text).toContain('usdc    150.00 of 150.00 spent today, 100.00 per transfer');
    expect(await fails(['signer', 'status', '--socket', at('nobody.sock')])).toContain('is unreachable');
  });

  test('refuses a record that was changed, and one that was restored until that is accepted', async () => {
    const record = at('state/signed.record');
    const whole = await readFile(record, 'utf8');
    const signing = (amount: bigint, entries: number) => signer.sign({ ...transfer(amount), entries });
    running.child.kill('SIGTERM');
    await running.exit();
    await writeFile(record, whole.replace('"entries":3', '"entries":4'));
    expect(await fails(signerArgs())).toMatch(/line 4 of .*signed\.record is not authentic/);
    // An hour ago, before all but the first were signed.
    await writeFile(record, whole.split('\n').slice(0, 2).concat('').join('\n'));
    running = await startSigner();
    await expect.poll(() => codeOf(signing(1n, 6)), { timeout: 10_000 }).toBe('record_behind');
    running.child.kill('SIGTERM');
    await running.exit();
    running = await startSigner('--accept-restored-record', '6');
    await expect.poll(() => codeOf(signing(1n, 6)), { timeout: 10_000 }).toBe('over_day_limit');
    running.child.kill('SIGTERM');
    await running.exit();
    await writeFile(record, whole);
    running = await startSigner();
    await expect.poll(() => codeOf(signing(1n, 6)), { timeout: 10_000 }).toBe('over_day_limit');
  });

  test('ends with its parent, also if that is killed', async () => {
    const pid = await keyHolder(running);
    running.child.kill('SIGKILL');
    await running.exit();
    const isRunning = () =>
      stat(`/proc/${pid}`).then(
        () => true,
        () => false,
      );
    await expect.poll(isRunning, { timeout: 10_000 }).toBe(false);
    running = await startSigner();
    await expect.poll(() => codeOf(signer.sign(transfer(1n))), { timeout: 10_000 }).toBe('over_day_limit');
    const alone = await openledger(signerArgs(), { OPENLEDGER_SIGNER_WITHOUT_CORES: '1' });
    expect(alone.stderr).toContain('OPENLEDGER_SIGNER_WITHOUT_CORES: must not be set');
  });

  test('leaves no core, no debugger, and no second signer on its memory', async () => {
    const pid = await keyHolder(running);
    expect(await readFile(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size +([01]) +\1 /);
    process.kill(pid, 'SIGUSR1');
    await sleep(200);
    expect(running.stderr()).not.toMatch(/Debugger listening/);
    const second = await openledger(signerArgs());
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('in use by process');
    const debugged = await openledger(signerArgs(), { NODE_OPTIONS: '--report-on-signal' });
    expect(debugged.stderr).toContain('must not enable a debugger');
    expect(running.stdout() + running.stderr()).not.toMatch(/xprv|[0-9a-f]{128}/);
  });

  test('ends connections that do not keep to the protocol, and stays', async () => {
    for (const bytes of [
      Buffer.from('ffffffff', 'hex'),
      Buffer.from('00000003', 'hex'),
      Buffer.from('GET / HTTP'),
    ]) {
      const socket = connect(at('signer.sock'));
      socket.on('error', () => undefined);
      await once(socket, 'data');
      socket.write(Buffer.concat([bytes, Buffer.from('{{{{')]));
      await once(socket, 'close');
    }
    expect(await signer.depositAddresses(3)).toHaveLength(8);
    await expect(signer.depositAddresses(-1)).rejects.toThrow(RangeError);
    const broken = { ...transfer(1n), intent: { kind: 'steal' } } as unknown as SignRequest;
    expect(await codeOf(signer.sign(broken))).toBe('invalid_request');
  });

  test('a wrong policy is reported with a clear message, every field of it', async () => {
    await copyFile(at('policy.json'), at('good.json'));
    const wrong = {
      ethereum: { chainId: 'x', maxFee: 1, tokens: { usdc: { address: 'y', extra: 1 } } },
      mars: {},
    };
    await writeFile(at('policy.json'), JSON.stringify(wrong));
    const { code, stderr } = await openledger([
      ...signerArgs().slice(0, -6),
      ...['--state-dir', at('state2'), '--passphrase-file', at('passphrase')],
      ...['--proof-key-file', at('proof.key')],
    ]);
    await copyFile(at('good.json'), at('policy.json'));
    expect(code).toBe(1);
    for (const path of [
      '/mars',
      '/ethereum/chainId',
      '/ethereum/maxFee',
      '/ethereum/nativePerDay',
      'usdc/address',
      'usdc/extra',
      'usdc/perDay',
    ]) {
      expect(stderr).toContain(path);
    }
  });
});
