import { connect, type Socket } from 'node:net';
import { limits } from '../platform/limits.ts';
import { SignerRefusal, type SignerRefusalCode } from '../chains/signing.ts';
import type { Signer } from './signer.ts';
import { protocolVersion, readFrames, writeFrame } from './signer-frames.ts';

/** The signer cannot be reached, or does not answer in time. Whether it has signed is not known; asking again is safe. */
export class SignerUnavailableError extends Error {
  override readonly name = 'SignerUnavailableError';
}

/** A signer behind a socket. */
export interface RemoteSigner extends Signer {
  close(): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Reply {
  readonly id?: number;
  readonly version?: number;
  readonly result?: unknown;
  readonly refusal?: { readonly code: SignerRefusalCode; readonly message: string };
  readonly outOfRange?: string;
  readonly failure?: string;
}

/**
 * Speaks to the signer that listens on a unix socket. It is called when it is needed, and again after a growing rest when
 * it is away; a request fails at once while it rests, and after a time limit when there is no answer.
 */
export function connectSigner(path: string): RemoteSigner {
  const waiting = new Map<number, Waiting>();
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
    if (reply.refusal) call?.reject(new SignerRefusal(reply.refusal.code, reply.refusal.message));
    else if (reply.outOfRange !== undefined) call?.reject(new RangeError(reply.outOfRange));
    else if (reply.failure !== undefined) call?.reject(new SignerUnavailableError(reply.failure));
    else call?.resolve(reply.result);
  };
  const open = (): Promise<Socket> =>
    openSocket(path, onReply, lose).then((socket) => {
      failures = 0;
      return socket;
    });

  const ask = async <Result>(operation: string, argument?: unknown): Promise<Result> => {
    if (!connection && Date.now() < restUntilMs) throw new SignerUnavailableError('The signer is away.');
    connection ??= open();
    const socket = await connection;
    const id = nextId++;
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new SignerUnavailableError('The signer does not answer in time.'));
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
    close() {
      void connection?.then((socket) => socket.destroy()).catch(() => undefined);
    },
  };
}

/** Resolves once the signer has said which protocol it speaks. */
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
    const timer = setTimeout(() => fail('The signer does not greet.'), limits.signerTimeoutMs);
    // What waits for an answer keeps the process alive by its own timer.
    socket.unref();
    socket.on('error', (error: NodeJS.ErrnoException) =>
      fail(`The signer cannot be reached (${error.code}).`),
    );
    socket.on('close', () => {
      clearTimeout(timer);
      fail('The signer has gone.');
    });
    readFrames(
      socket,
      (content) => {
        const reply = (content ?? {}) as Reply;
        if (isGreeted) return onReply(reply);
        clearTimeout(timer);
        if (reply.version !== protocolVersion) return fail('The signer is of another version of OpenLedger.');
        isGreeted = true;
        resolve(socket);
      },
      () => fail('The signer does not keep to its protocol.'),
    );
  });
}
