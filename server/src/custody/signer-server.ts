import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { SignerRefusal } from '../chains/errors.ts';
import { isChain, isStablecoin } from '../chains/registry.ts';
import type {
  AuthorizationRequest,
  BlockReference,
  Intent,
  SignRequest,
  TransferProof,
} from '../chains/signing.ts';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Signer } from './signer.ts';
import { protocolVersion, readFrames, writeFrame } from './signer-frames.ts';

interface Call {
  readonly id: number;
  readonly operation: string;
  readonly argument: unknown;
}

/**
 * Serves a signer on a Unix socket, to every process that may open the socket's file.
 *
 * @param mode the file mode of the socket; 0o600 allows only the same user
 * @returns a function that stops the server
 * @throws ConfigError if another process listens on the socket
 */
export async function serveSigner(
  signer: Signer,
  path: string,
  mode: number,
  logger: Logger,
): Promise<() => Promise<void>> {
  if (await isListening(path)) throw new ConfigError(`--socket: another process listens on ${path} already.`);
  await removeSocket(path);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, signer, logger);
  });
  server.maxConnections = limits.signerConnections;
  await listen(server, path, mode);
  return async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}

/** Removes the socket that a killed signer left behind. Any other file, such as a seed file, is kept. */
async function removeSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found && !found.isSocket()) throw new ConfigError(`--socket: ${path} must be a socket or not exist.`);
  await rm(path, { force: true });
}

/** Creates the socket for its owner only, and applies the requested mode afterwards. */
async function listen(server: Server, path: string, mode: number): Promise<void> {
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`--socket: cannot listen on ${path} (${code}).`);
  } finally {
    process.umask(before);
  }
  await chmod(path, mode);
}

async function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function serve(socket: Socket, signer: Signer, logger: Logger): void {
  const end = (): void => void socket.destroy();
  socket.on('error', end);
  writeFrame(socket, { version: protocolVersion });
  readFrames(
    socket,
    (content) => {
      const call = readCall(content);
      if (!call) return end();
      void respond(signer, call, logger).then((reply) => {
        if (!socket.destroyed) writeFrame(socket, { id: call.id, ...reply });
      });
    },
    end,
  );
}

function readCall(content: unknown): Call | undefined {
  const { argument, id, operation } = (content ?? {}) as Partial<Call>;
  if (!Number.isSafeInteger(id) || typeof operation !== 'string') return undefined;
  return { id: id as number, operation, argument };
}

async function respond(signer: Signer, { argument, operation }: Call, logger: Logger) {
  try {
    const result = await execute(signer, operation, argument);
    if (operation === 'sign' || operation === 'signAuthorization')
      logger.info(factsOf(operation, argument), 'signed');
    return { result };
  } catch (error) {
    if (error instanceof SignerRefusal) {
      logger.warn({ ...factsOf(operation, argument), code: error.code }, 'refused');
      return { refusal: { code: error.code, message: error.message, signedId: error.signedId } };
    }
    if (error instanceof RangeError) return { outOfRange: error.message };
    logger.error({ err: error, operation }, 'the request failed');
    return { failure: 'The signer failed; see its log.' };
  }
}

/** The fields of a request that may be logged: no bytes. */
function factsOf(operation: string, argument: unknown) {
  const { chain, intent, reference } = (argument ?? {}) as Partial<SignRequest>;
  return { operation, chain, reference, kind: intent?.kind };
}

async function execute(signer: Signer, operation: string, argument: unknown): Promise<unknown> {
  switch (operation) {
    case 'depositAddresses':
      return signer.depositAddresses(typeof argument === 'number' ? argument : Number.NaN);
    case 'treasuryAddresses':
      return signer.treasuryAddresses();
    case 'sign':
      return signer.sign(readSignRequest(argument));
    case 'lastSigned':
      requireValid(typeof argument === 'string');
      return signer.lastSigned(argument);
    case 'status':
      return signer.status();
    case 'signAuthorization':
      return signer.signAuthorization(readAuthorization(argument));
    default:
      throw new SignerRefusal('invalid_request', 'Unknown operation.');
  }
}

function readSignRequest(argument: unknown): SignRequest {
  const { block, chain, entries, intent, reference, replaces, terms, unsigned } = (argument ??
    {}) as SignRequest;
  requireValid(typeof chain === 'string' && isChain(chain) && typeof reference === 'string');
  requireValid(unsigned instanceof Uint8Array && typeof intent === 'object' && intent !== null);
  requireValid(typeof terms === 'string' && (replaces === undefined || typeof replaces === 'string'));
  requireValid(entries === undefined || Number.isSafeInteger(entries));
  const of = { chain, reference, unsigned, terms, replaces, entries };
  return { ...of, intent: readIntent(intent), block: readBlock(block) };
}

function readBlock(block: BlockReference | undefined): BlockReference | undefined {
  if (block === undefined) return undefined;
  const { height, id, timeMs } = block ?? {};
  requireValid([height, timeMs].every((value) => Number.isSafeInteger(value) && value >= 0));
  requireValid(typeof id === 'string' && id.length <= 128);
  return { height, id, timeMs };
}

function readIntent(intent: Intent): Intent {
  const { kind } = intent;
  if (kind === 'top_up') {
    const { amountNative, index } = intent;
    requireValid(typeof amountNative === 'bigint' && typeof index === 'number');
    return { kind, amountNative, index };
  }
  if (kind === 'nonce_fill') {
    requireValid(intent.index === null || typeof intent.index === 'number');
    return { kind, index: intent.index };
  }
  if (kind === 'deposit_return') return readReturn(intent);
  const { amountMinor, token } = intent;
  requireValid(typeof token === 'string' && isStablecoin(token) && typeof amountMinor === 'bigint');
  if (kind === 'transfer') {
    requireValid(typeof intent.destination === 'string');
    return { kind, token, amountMinor, destination: intent.destination, proof: readProof(intent.proof) };
  }
  requireValid((kind === 'sweep' || kind === 'authorised_sweep') && typeof intent.index === 'number');
  return { kind, token, amountMinor, index: intent.index };
}

function readReturn(intent: Intent & { kind: 'deposit_return' }): Intent {
  const { amountMinor, contract, destination, index, kind, proof, token } = intent;
  requireValid(token === null || (typeof token === 'string' && isStablecoin(token)));
  requireValid(typeof amountMinor === 'bigint' && typeof contract === 'string');
  requireValid(typeof destination === 'string' && (index === null || typeof index === 'number'));
  requireValid(proof === undefined || typeof proof === 'string');
  return { kind, token, contract, amountMinor, destination, index, proof };
}

function readProof(proof: TransferProof | undefined): TransferProof | undefined {
  if (proof === undefined) return undefined;
  const { text, walletId } = proof ?? {};
  requireValid(typeof walletId === 'string' && (typeof text === 'string' || text === null));
  return { walletId, text };
}

function readAuthorization(argument: unknown): AuthorizationRequest {
  const request = (argument ?? {}) as AuthorizationRequest;
  const { amountMinor, chain, index, name, nonce, token, validAfter, validBefore, version } = request;
  requireValid(
    typeof chain === 'string' && isChain(chain) && typeof token === 'string' && isStablecoin(token),
  );
  requireValid([amountMinor, validAfter, validBefore].every((value) => typeof value === 'bigint'));
  requireValid(typeof index === 'number' && typeof name === 'string' && typeof version === 'string');
  requireValid(nonce instanceof Uint8Array);
  return { chain, token, amountMinor, index, name, version, validAfter, validBefore, nonce };
}

function requireValid(condition: boolean): asserts condition {
  if (!condition) throw new SignerRefusal('invalid_request', 'A field of the request is missing or invalid.');
}
