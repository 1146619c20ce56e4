import {
  encodeTronRaw,
  encodeTronTransaction,
  readTronEnvelope,
  type TronEnvelope,
  tronDigest,
} from '../chains/tron/transaction.ts';
import { type Movement, requireSame, type SignedTransaction, type TransactionFacts } from '../chains/signing.ts';

/** TRX that the bandwidth of a transfer costs at most, in sun: 1,000 sun a byte, and no transfer has 500 bytes. */
const bandwidthSun = 500_000n;
/** What sending TRX to an address that is not there yet costs, in sun: 1 TRX and 0.1 TRX for its bandwidth. */
const newAccountSun = 1_100_000n;

/**
 * Checks that raw data is the expected transfer: the signer encodes the transfer itself, with the block reference, times
 * and fee limit that the bytes have, and compares.
 *
 * @throws SignerRefusal `meaning_differs`
 */
export function checkTronTransaction(unsigned: Uint8Array, expected: Movement): TransactionFacts {
  requireSame(expected.kind !== 'authorised', 'Tron has no authorised transfers');
  let envelope: TronEnvelope;
  try {
    envelope = readTronEnvelope(unsigned);
  } catch {
    requireSame(false, 'they are no raw data');
  }
  requireSame(Buffer.from(encodeTronRaw(envelope, expected)).equals(unsigned), 'they are not this transfer');
  return { maxFeeNative: envelope.feeLimitSun + bandwidthSun + newAccountSun, nonce: null };
}

/** Signs checked raw data. The recovery id is written as 27 or 28, as TronWeb does. */
export function signTronTransaction(
  unsigned: Uint8Array,
  sign: (digest: Uint8Array) => Uint8Array,
): SignedTransaction {
  const digest = tronDigest(unsigned);
  const signature = sign(digest);
  signature[64] = (signature[64] as number) + 27;
  return {
    transaction: encodeTronTransaction(unsigned, signature),
    id: Buffer.from(digest).toString('hex'),
  };
}
