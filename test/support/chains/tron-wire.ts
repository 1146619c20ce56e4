import { createHash } from 'node:crypto';
import { TronWeb, utils } from 'tronweb';

/** A signed transaction, as TronWeb reads it: nothing of ours has a say in it. */
export interface WireTransaction {
  readonly id: string;
  readonly bytes: number;
  readonly refBlockBytes: string;
  readonly refBlockHash: string;
  readonly expirationMs: number;
  readonly feeLimitSun: number;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  /** Undefined for TRX. */
  readonly contract: string | undefined;
  /** Whose key has signed it. */
  readonly signer: string;
}

interface Message {
  serializeBinary(): Uint8Array;
}

interface SignedMessage {
  getRawData(): Message | undefined;
  getSignatureList_asU8(): readonly Uint8Array[];
}

const messages = (
  globalThis as unknown as {
    TronWebProto: { Transaction: { deserializeBinary(bytes: Uint8Array): SignedMessage } };
  }
).TronWebProto;

/** @throws Error when it is no signed transfer */
export function readWire(hex: string): WireTransaction {
  const signed = messages.Transaction.deserializeBinary(Buffer.from(hex, 'hex'));
  const raw = Buffer.from(signed.getRawData()?.serializeBinary() ?? []);
  const [signature] = signed.getSignatureList_asU8();
  if (!signature || !hex.includes(raw.toString('hex'))) throw new Error('It is no signed transaction');
  const id = createHash('sha256').update(raw).digest('hex');
  const isCall = raw.includes('protocol.TriggerSmartContract');
  const type = isCall ? 'TriggerSmartContract' : 'TransferContract';
  const data = utils.deserializeTx.deserializeTransaction(type, raw.toString('hex'));
  const { value } = data.contract[0].parameter;
  const address = (text: string): string => TronWeb.address.fromHex(text.toLowerCase());
  const call = String(value.data ?? '').toLowerCase();
  if (isCall && !call.startsWith('a9059cbb')) throw new Error('It is no transfer');
  return {
    id,
    bytes: hex.length / 2,
    refBlockBytes: data.ref_block_bytes.toLowerCase(),
    refBlockHash: data.ref_block_hash.toLowerCase(),
    expirationMs: data.expiration,
    feeLimitSun: data.fee_limit ?? 0,
    from: address(value.owner_address),
    to: address(isCall ? `41${call.slice(32, 72)}` : value.to_address),
    amount: isCall ? BigInt(`0x${call.slice(72)}`) : BigInt(value.amount),
    contract: isCall ? address(value.contract_address) : undefined,
    signer: TronWeb.address.fromHex(utils.crypto.ecRecover(id, Buffer.from(signature).toString('hex'))),
  };
}

/** An address in 21 bytes of hexadecimal. */
export function hexOf(address: string): string {
  return TronWeb.address.toHex(address).toLowerCase();
}

/** An address from 21 bytes of hexadecimal. */
export function addressOf(hex: string): string {
  return TronWeb.address.fromHex(hex);
}
