import type { Socket } from 'node:net';
import { limits } from '../platform/limits.ts';

/** The version of the protocol between server and signer. Both must have the same. */
export const protocolVersion = 3;

const lengthBytes = 4;

/** The JSON form of a bigint or of bytes. */
interface Marked {
  readonly $int?: string;
  readonly $hex?: string;
}

/** Writes a frame: a 4-byte length, then JSON in which bigints and bytes are marked. @throws RangeError if it is too long */
export function writeFrame(socket: Socket, content: unknown): void {
  const body = Buffer.from(
    JSON.stringify(content, (_, value) => marked(value)),
    'utf8',
  );
  if (body.length > limits.signerFrameBytes)
    throw new RangeError('A message to the signer must not exceed the maximum frame size');
  const head = Buffer.alloc(lengthBytes);
  head.writeUInt32BE(body.length);
  socket.write(Buffer.concat([head, body]));
}

/**
 * Reads frames as they arrive.
 *
 * @param onFrame receives the decoded content, which is not validated
 * @param onBroken called if the peer violates the protocol; the caller must close the connection
 */
export function readFrames(socket: Socket, onFrame: (content: unknown) => void, onBroken: () => void): void {
  let kept: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    try {
      while (kept.length >= lengthBytes) {
        const length = kept.readUInt32BE();
        if (length > limits.signerFrameBytes) throw new RangeError('The frame is too long');
        if (kept.length < lengthBytes + length) return;
        const body = kept.subarray(lengthBytes, lengthBytes + length);
        kept = kept.subarray(lengthBytes + length);
        onFrame(JSON.parse(body.toString('utf8'), (_, value) => unmarked(value)));
      }
    } catch {
      onBroken();
    }
  });
}

function marked(value: unknown): unknown {
  if (typeof value === 'bigint') return { $int: value.toString() };
  // `Buffer.toJSON` has been applied before the replacer is called.
  if (isBufferJson(value)) return { $hex: Buffer.from(value.data).toString('hex') };
  return value instanceof Uint8Array ? { $hex: Buffer.from(value).toString('hex') } : value;
}

function unmarked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $hex, $int } = value as Marked;
  if (typeof $int === 'string' && /^-?\d{1,80}$/.test($int)) return BigInt($int);
  if (typeof $hex === 'string' && /^([0-9a-f]{2})*$/.test($hex))
    return Uint8Array.from(Buffer.from($hex, 'hex'));
  return value;
}

function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  const { data, type } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data);
}
