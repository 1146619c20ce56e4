import {
  encodeFunctionData,
  type Hex,
  parseAbi,
  parseTransaction,
  recoverTransactionAddress,
  serializeTransaction,
} from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWriterBench, type WriterBench } from '../../../test/support/writer.ts';
import { SignerRefusal } from '../chains/errors.ts';
import type { Intent, SignRequest } from '../chains/signing.ts';
import { programs } from '../chains/solana/programs.ts';
import type { Clock } from '../platform/clock.ts';
import { createKeyring } from '../platform/keyring.ts';
import type { SignerPolicy } from './policy.ts';
import { seedFromMnemonic } from './seed.ts';
import { createLocalSigner, type Signer } from './signer.ts';
import { createSpendTable } from './spend-table.ts';
import { type ProofKey, proofKeysOf, proveTransfer } from './transfer-proof.ts';

const seed = seedFromMnemonic(`${'abandon '.repeat(11)}about`);
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const bob = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const policy: SignerPolicy = {
  ethereum: {
    networkId: '1',
    maxFeeNative: 10n ** 16n,
    nativePerDay: 10n ** 18n,
    tokens: {
      usdc: { address: usdc, program: undefined, perTransferMinor: 600n, perDayMinor: 1000n },
    },
  },
  solana: {
    networkId: 'mainnet',
    maxFeeNative: 10n ** 7n,
    nativePerDay: 10n ** 9n,
    tokens: {
      usdc: { address: programs.token, program: programs.token, perTransferMinor: 1n, perDayMinor: 1n },
    },
  },
};

let bench: WriterBench;
let nowMs = Date.parse('2026-11-23T12:00:00Z');
const clock: Clock = { now: () => nowMs };
const newSigner = (proofKeys = (): readonly ProofKey[] => [proofKey]): Signer =>
  createLocalSigner(seed, {
    policy,
    book: createSpendTable(bench.pool),
    clock,
    proofKeys,
  });

const proofKey = proofKeysOf(createKeyring([Buffer.alloc(32, 7)]))[0];
const walletId = 'cw_1';
/** As the server would have proven it when it accepted the transfer. */
function proven(request: SignRequest, mostMinor?: bigint): SignRequest {
  const { chain, intent, reference: id } = request;
  if (intent.kind !== 'transfer' || intent.proof) return request;
  const { amountMinor, destination, token } = intent;
  const transfer = {
    id,
    chain,
    token,
    destination,
    mostMinor: mostMinor ?? amountMinor,
    walletId,
    madeAtMs: nowMs,
  };
  return { ...request, intent: { ...intent, proof: { walletId, text: proveTransfer(proofKey, transfer) } } };
}

beforeAll(async () => {
  bench = await createWriterBench();
});
afterAll(() => bench.stop());

const abi = parseAbi(['function transfer(address,uint256)']);
const call = (to: string, amount: bigint) =>
  encodeFunctionData({ abi, functionName: 'transfer', args: [to as Hex, amount] });

function unsigned(more: object = {}): Uint8Array {
  const transaction = {
    type: 'eip1559',
    chainId: 1,
    nonce: 1,
    to: usdc,
    value: 0n,
    data: call(bob, 100n),
    gas: 60_000n,
    maxFeePerGas: 10n,
    maxPriorityFeePerGas: 1n,
    ...more,
  } as const;
  return Buffer.from(serializeTransaction(transaction).slice(2), 'hex');
}

let references = 0;
function transfer(amountMinor: bigint, more: Partial<SignRequest> = {}, fields: object = {}): SignRequest {
  references += 1;
  return proven({
    chain: 'ethereum',
    reference: `txn_${references}`,
    intent: { kind: 'transfer', token: 'usdc', amountMinor, destination: bob },
    unsigned: unsigned({ nonce: references, data: call(bob, amountMinor), ...fields }),
    terms: '',
    ...more,
  });
}

const code = async (signing: Promise<unknown>): Promise<string> => {
  try {
    await signing;
  } catch (error) {
    if (error instanceof SignerRefusal) return error.code;
    throw error;
  }
  return 'signed';
};

const anotherDay = (): void => {
  nowMs += 24 * 60 * 60 * 1000;
};

describe('the policy, where the key is', () => {
  test('a transfer is signed by the treasury, whoever asks', async () => {
    const signer = newSigner();
    const { id, transaction } = await signer.sign(transfer(100n));
    const raw: Hex = `0x${Buffer.from(transaction).toString('hex')}`;
    const [, treasury] = await signer.treasuryAddresses();
    expect(await recoverTransactionAddress({ serializedTransaction: raw as `0x02${string}` })).toBe(
      treasury?.address,
    );
    expect(parseTransaction(raw)).toMatchObject({ to: usdc.toLowerCase(), data: call(bob, 100n) });
    expect(id).toMatch(/^0x[0-9a-f]{64}$/);
  });

  test('a proof is checked with the keys of now, which a rotation of the master key changes', async () => {
    anotherDay();
    let keys = proofKeysOf(createKeyring([Buffer.alloc(32, 6)]));
    const signer = newSigner(() => keys);
    const request = transfer(1n);
    expect(await code(signer.sign(request))).toBe('not_proven');
    keys = [proofKey, ...keys];
    expect(await code(signer.sign(request))).toBe('signed');
  });

  test('a deposit address signs for the treasury only', async () => {
    const signer = newSigner();
    const [, treasury] = await signer.treasuryAddresses();
    const [, deposit] = await signer.depositAddresses(5);
    const intent: Intent = { kind: 'sweep', token: 'usdc', amountMinor: 9000n, index: 5 };
    const sweep = (to: string) => transfer(1n, { intent, unsigned: unsigned({ data: call(to, 9000n) }) });
    const { transaction } = await signer.sign(sweep(treasury?.address ?? ''));
    const raw: Hex = `0x${Buffer.from(transaction).toString('hex')}`;
    expect(await recoverTransactionAddress({ serializedTransaction: raw as `0x02${string}` })).toBe(
      deposit?.address,
    );
    expect(await code(signer.sign(sweep(bob)))).toBe('meaning_differs');
  });

  test('what the policy does not name is refused', async () => {
    const signer = newSigner();
    expect(await code(signer.sign(transfer(1n, { chain: 'polygon' })))).toBe('chain_not_allowed');
    expect(await code(signer.sign(transfer(1n, { chain: 'constructor' as 'base' })))).toBe(
      'chain_not_allowed',
    );
    const intent: Intent = { kind: 'transfer', token: 'usdt', amountMinor: 1n, destination: bob };
    expect(await code(signer.sign(transfer(1n, { intent })))).toBe('token_not_allowed');
  });

  test.each<[string, Partial<SignRequest>]>([
    ['a reference with a blank', { reference: 'a b' }],
    ['no reference', { reference: '' }],
    ['no amount', { intent: { kind: 'transfer', token: 'usdc', amountMinor: 0n, destination: bob } }],
    [
      'a destination of another chain',
      {
        intent: {
          kind: 'transfer',
          token: 'usdc',
          amountMinor: 1n,
          destination: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
        },
      },
    ],
    ['an endless transaction', { unsigned: new Uint8Array(5000) }],
  ])('%s is refused', async (_, more) => {
    expect(await code(newSigner().sign(transfer(1n, more)))).toBe('invalid_request');
  });

  test('limits hold for one transfer, for the fee and for the day, and what is refused counts nothing', async () => {
    anotherDay();
    const signer = newSigner();
    expect(await code(signer.sign(transfer(601n)))).toBe('over_transfer_limit');
    expect(await code(signer.sign(transfer(1n, {}, { maxFeePerGas: 10n ** 12n })))).toBe('over_fee_limit');
    expect(await code(signer.sign(transfer(100n, { unsigned: unsigned({ data: call(bob, 99n) }) })))).toBe(
      'meaning_differs',
    );
    expect(await code(signer.sign(transfer(600n)))).toBe('signed');
    expect(await code(signer.sign(transfer(401n)))).toBe('over_day_limit');
    expect(await code(signer.sign(transfer(400n)))).toBe('signed');
    // Another signer, as after a restart, knows the same.
    expect(await code(newSigner().sign(transfer(1n)))).toBe('over_day_limit');
    anotherDay();
    expect(await code(newSigner().sign(transfer(1n)))).toBe('signed');
  });

  test('signing again at a higher fee is the same payment; another payment or place is not', async () => {
    anotherDay();
    const signer = newSigner();
    const first = transfer(600n);
    const fields = { nonce: references, data: call(bob, 600n) };
    expect(await code(signer.sign(first))).toBe('signed');
    for (const maxFeePerGas of [20n, 30n, 40n]) {
      expect(await code(signer.sign({ ...first, unsigned: unsigned({ ...fields, maxFeePerGas }) }))).toBe(
        'signed',
      );
    }
    expect(await code(signer.sign(transfer(400n)))).toBe('signed');
    const elsewhere = { ...first, unsigned: unsigned({ ...fields, nonce: 999 }) };
    expect(await code(signer.sign(elsewhere))).toBe('reference_reused');
    const { reference } = first;
    expect(await code(signer.sign(transfer(1n, { reference })))).toBe('reference_reused');
  });

  test('twenty sent concurrently by two processes never go over the limit of the day', async () => {
    anotherDay();
    const signers = [newSigner(), newSigner()];
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => code((signers[at % 2] as Signer).sign(transfer(100n)))),
    );
    expect(codes.filter((found) => found === 'signed')).toHaveLength(10);
    expect(codes.filter((found) => found === 'over_day_limit')).toHaveLength(10);
  });

  test('an authorisation moves a deposit to the treasury, on EVM chains', async () => {
    const signer = newSigner();
    const request = {
      chain: 'ethereum',
      token: 'usdc',
      amountMinor: 7n,
      index: 5,
      name: 'USD Coin',
      version: '2',
      validAfter: 0n,
      validBefore: 99n,
      nonce: Buffer.alloc(32, 1),
    } as const;
    const signature = await signer.signAuthorization(request);
    const { recoverTypedDataAddress } = await import('viem');
    const [, treasury] = await signer.treasuryAddresses();
    const [, deposit] = await signer.depositAddresses(5);
    const kinds = [
      'from address',
      'to address',
      'value uint256',
      'validAfter uint256',
      'validBefore uint256',
      'nonce bytes32',
    ];
    const recovered = await recoverTypedDataAddress({
      domain: { name: 'USD Coin', version: '2', chainId: 1, verifyingContract: usdc },
      types: {
        ReceiveWithAuthorization: kinds.map((kind) => {
          const [name = '', type = ''] = kind.split(' ');
          return { name, type };
        }),
      },
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: deposit?.address,
        to: treasury?.address,
        value: 7n,
        validAfter: 0n,
        validBefore: 99n,
        nonce: `0x${'01'.repeat(32)}`,
      },
      signature: `0x${Buffer.from(signature).toString('hex')}`,
    });
    expect(recovered).toBe(deposit?.address);
    expect(await code(signer.signAuthorization({ ...request, chain: 'solana' }))).toBe('invalid_request');
    expect(await code(signer.signAuthorization({ ...request, nonce: Buffer.alloc(31) }))).toBe(
      'invalid_request',
    );
  });
});
