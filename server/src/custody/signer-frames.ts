import type { Socket } from 'node:net';
import { limits } from '../platform/limits.ts';

/** What both ends of the signer's socket speak. Another number is another protocol. */
export const protocolVersion = 2;

const lengthBytes = 4;

/** What stands for a bigint or for bytes in JSON. */
interface Marked {
  readonly $int?: string;
  readonly $hex?: string;
}

/** Writes a frame: four bytes of length, then JSON. Bigints and bytes are marked as what they are. */
export function writeFrame(socket: Socket, content: unknown): void {
  const body = Buffer.from(
    JSON.stringify(content, (_, value) => marked(value)),
    'utf8',
  );
  if (body.length > limits.signerFrameBytes) throw new RangeError('The message to the signer is too long');
  const head = Buffer.alloc(lengthBytes);
  head.writeUInt32BE(body.length);
  socket.write(Buffer.concat([head, body]));
}

/**
 * Reads frames as they come in.
 *
 * @param onFrame gets what `writeFrame` was given; the other end is believed nothing else about it
 * @param onBroken the other end does not keep to the protocol; the connection is of no use any more
 */
export function readFrames(socket: Socket, onFrame: (content: unknown) => void, onBroken: () => void): void {
  let kept: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    try {
      while (kept.length >= lengthBytes) {
        const length = kept.readUInt32BE();
        if (length > limits.signerFrameBytes) throw new RangeError('too long');
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
  // A Buffer has made itself into JSON before it gets here.
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
