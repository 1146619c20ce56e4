import { connect, type Socket } from 'node:net';
import { SignerRefusal, type SignerRefusalCode, SignerUnavailableError } from '../chains/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Signer } from './signer.ts';
import { protocolVersion, readFrames, writeFrame } from './signer-frames.ts';

/** A signer in another process. */
export interface RemoteSigner extends Signer {
  /** Closes the connection. */
  close(): void;
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Reply {
  readonly id?: number;
  readonly version?: number;
  readonly result?: unknown;
  readonly refusal?: {
    readonly code: SignerRefusalCode;
    readonly message: string;
    readonly signedId?: string;
  };
  readonly outOfRange?: string;
  readonly failure?: string;
}

/**
 * Connects to the signer that listens on a Unix socket. Connects on the first request and, after a failure, again with exponential
 * backoff. A request fails immediately during the backoff, and after a timeout if there is no response.
 */
export function connectSigner(path: string): RemoteSigner {
  const waiting = new Map<number, PendingCall>();
  let connection: Promise<Socket> | undefined;
  let nextId = 1;
  let failures = 0;
  let restUntilMs = 0;

  const lose = (error: Error): void => {
    connection = undefined;
    failures += 1;
    restUntilMs = Date.now() + Math.min(limits.signerReconnectMs, 100 * 2 ** (failures - 1));
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const onReply = (reply: Reply): void => {
    const call = waiting.get(reply.id ?? 0);
    waiting.delete(reply.id ?? 0);
    if (reply.refusal) {
      const { code, message, signedId } = reply.refusal;
      call?.reject(new SignerRefusal(code, message, signedId));
    } else if (reply.outOfRange !== undefined) call?.reject(new RangeError(reply.outOfRange));
    else if (reply.failure !== undefined) call?.reject(new SignerUnavailableError(reply.failure));
    else call?.resolve(reply.result);
  };
  const open = (): Promise<Socket> =>
    openSocket(path, onReply, lose).then((socket) => {
      failures = 0;
      return socket;
    });

  const ask = async <Result>(operation: string, argument?: unknown): Promise<Result> => {
    if (!connection && Date.now() < restUntilMs)
      throw new SignerUnavailableError('The signer is unreachable.');
    connection ??= open();
    const socket = await connection;
    const id = nextId++;
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new SignerUnavailableError('The signer did not respond in time.'));
      }, limits.signerTimeoutMs);
      const settle =
        <Value>(then: (value: Value) => void) =>
        (value: Value) => {
          clearTimeout(timer);
          then(value);
        };
      waiting.set(id, { resolve: settle((result) => resolve(result as Result)), reject: settle(reject) });
      writeFrame(socket, { id, operation, argument });
    });
  };

  return {
    depositAddresses: (index) => ask('depositAddresses', index),
    treasuryAddresses: () => ask('treasuryAddresses'),
    sign: (request) => ask('sign', request),
    signAuthorization: (request) => ask('signAuthorization', request),
    lastSigned: (reference) => ask('lastSigned', reference),
    status: () => ask('status'),
    close() {
      void connection?.then((socket) => socket.destroy()).catch(() => undefined);
    },
  };
}

/** Opens a connection. Resolves after the signer has sent its protocol version. */
function openSocket(
  path: string,
  onReply: (reply: Reply) => void,
  onLost: (error: Error) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let isGreeted = false;
    let isLost = false;
    const fail = (message: string): void => {
      if (isLost) return;
      isLost = true;
      socket.destroy();
      const error = new SignerUnavailableError(message);
      onLost(error);
      reject(error);
    };
    const timer = setTimeout(
      () => fail('The signer did not send its protocol version.'),
      limits.signerTimeoutMs,
    );
    // The timer of a pending request keeps the process alive.
    socket.unref();
    socket.on('error', (error: NodeJS.ErrnoException) => fail(`The signer is unreachable (${error.code}).`));
    socket.on('close', () => {
      clearTimeout(timer);
      fail('The signer closed the connection.');
    });
    readFrames(
      socket,
      (content) => {
        const reply = (content ?? {}) as Reply;
        if (isGreeted) return onReply(reply);
        clearTimeout(timer);
        if (reply.version !== protocolVersion)
          return fail('The signer must run the same version of OpenLedger.');
        isGreeted = true;
        resolve(socket);
      },
      () => fail('The signer violated the protocol.'),
    );
  });
}
