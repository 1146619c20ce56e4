import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readChainsFile } from '../../../server/src/chains/config.ts';
import type { SignRequest } from '../../../server/src/chains/signing.ts';
import type { SignerPolicy } from '../../../server/src/custody/policy.ts';
import { recordKeyOf } from '../../../server/src/custody/record-lines.ts';
import { createSeed, seedFromMnemonic } from '../../../server/src/custody/seed.ts';
import { createLocalSigner } from '../../../server/src/custody/signer.ts';
import { serveSigner } from '../../../server/src/custody/signer-server.ts';
import { signingPolicy } from '../../../server/src/custody/signing-policy.ts';
import { openSpendFile, type SpendFile } from '../../../server/src/custody/spend-file.ts';
import { proofKeysOf } from '../../../server/src/custody/transfer-proof.ts';
import { systemClock } from '../../../server/src/platform/clock.ts';
import { createKeyring } from '../../../server/src/platform/keyring.ts';
import { createLogger } from '../../../server/src/platform/logger.ts';

/** A separate signer, whose record, socket and protocol are the real ones, in the process of the test. */
export interface OwnSigner {
  readonly socket: string;
  readonly directory: string;
  /** Every request to sign, the oldest first. */
  readonly requests: SignRequest[];
  /** So many of the next signatures are made and recorded, and their answers are lost. */
  loses: number;
  /** Its record, as long as it runs. */
  book(): SpendFile;
  /** Stops it, lets something happen to its files, and starts it. */
  restart(policy?: (policy: SignerPolicy) => SignerPolicy, between?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** @param policy changes what follows from the file of chains */
export async function startOwnSigner(
  chainsFile: string,
  masterKey: Uint8Array,
  policy: (policy: SignerPolicy) => SignerPolicy = (all) => all,
): Promise<OwnSigner> {
  const directory = await mkdtemp(join(tmpdir(), 'openledger-signer-'));
  const seed = seedFromMnemonic(createSeed());
  const socket = join(directory, 'signer.sock');
  const keys = proofKeysOf(createKeyring([masterKey]));
  let book: SpendFile;
  let stop: () => Promise<void>;
  const start = async (change: (policy: SignerPolicy) => SignerPolicy): Promise<void> => {
    book = await openSpendFile(directory, recordKeyOf(seed), systemClock);
    const allowed = change(signingPolicy(readChainsFile(chainsFile)));
    const settings = { policy: allowed, book, clock: systemClock, proofKeys: () => keys };
    const { depositAddresses, lastSigned, sign, signAuthorization, status, treasuryAddresses } =
      createLocalSigner(seed, settings);
    const losing = {
      ...{ depositAddresses, lastSigned, signAuthorization, status, treasuryAddresses },
      async sign(request: SignRequest) {
        own.requests.push(request);
        const signed = await sign(request);
        if (own.loses === 0) return signed;
        own.loses -= 1;
        throw new Error('The answer is lost');
      },
    };
    stop = await serveSigner(losing, socket, 0o600, createLogger('silent'));
  };
  const own: OwnSigner = {
    socket,
    directory,
    requests: [],
    loses: 0,
    book: () => book,
    async restart(change = policy, between = async () => undefined) {
      await stop();
      await book.close();
      await between();
      await start(change);
    },
    async stop() {
      await stop();
      await book.close();
      await rm(directory, { recursive: true });
    },
  };
  await start(policy);
  return own;
}
