import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { openMasterSeed } from '../../../server/src/custody/seed-store.ts';
import type { DepositAddress } from '../../../server/src/custody/signer.ts';
import { systemClock } from '../../../server/src/platform/clock.ts';
import { createKeyring, type Keyring } from '../../../server/src/platform/keyring.ts';
import { createMetrics, type Metrics } from '../../../server/src/platform/metrics.ts';
import { createVault } from '../../../server/src/platform/seal.ts';
import { type ChainsContent, liveCustomer, writeChains } from '../../support/chains/live.ts';
import { dropDatabase, runSql } from '../../support/database.ts';
import { environmentOf, newWallet, ok } from '../../support/factories.ts';
import { startServer } from '../../support/server.ts';
import type { SimulatedChain } from './chain-model.ts';

/** A customer's wallet, and where it takes deposits. */
export interface FixtureWallet {
  readonly id: string;
  readonly customerId: string;
  readonly addresses: Readonly<Record<SimulatedChain, string>>;
}

/** The accounts that every run starts with, and what belongs to them. */
export interface Accounts {
  /** The name of the database that they are in. */
  readonly database: string;
  readonly servingUrl: string;
  readonly keyring: Keyring;
  readonly seed: Uint8Array;
  readonly environmentId: string;
  readonly wallets: readonly FixtureWallet[];
  readonly treasuries: readonly DepositAddress[];
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

/** The accounts, and the databases that runs clone. */
export interface Fixture extends Accounts {
  /** By chain: the chain is followed already, and every wallet has money. */
  readonly templates: Readonly<Record<SimulatedChain, string>>;
}

/**
 * Makes customers and wallets over the API, with a server that has stopped by the time this returns.
 *
 * @param chains the server's file of chains; none of their nodes needs to run
 */
export async function createAccounts(walletCount: number, chains: ChainsContent): Promise<Accounts> {
  const masterKey = randomBytes(32);
  const file = writeChains(chains);
  const server = await startServer({ masterKey, chainsFile: file.path });
  const { app, live, liveKey } = server;
  const environmentId = await environmentOf({ app }, liveKey);
  const wallets: FixtureWallet[] = [];
  for (let index = 0; index < walletCount; index += 1) {
    const { id: customerId } = await liveCustomer(app, live, liveKey);
    const { id } = await newWallet(live, customerId);
    const listed: DepositAddress[] = await ok(live.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`));
    const on = (chain: string): string => listed.find((one) => one.chain === chain)?.address ?? '';
    wallets.push({ id, customerId, addresses: { base: on('base'), tron: on('tron') } });
  }
  const { treasuries } = app;
  const keyring = createKeyring([masterKey]);
  const seed = await openMasterSeed(app.pool, createVault(keyring), systemClock);
  await app.stop();
  file.remove();
  await server.ownerPool.end();
  return {
    database: nameOf(server.databaseUrl),
    servingUrl: server.servingUrl,
    keyring,
    seed,
    environmentId,
    wallets,
    treasuries,
    metrics: createMetrics(() => 0),
    stop: () => dropDatabase(nameOf(server.databaseUrl)),
  };
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** A database of its own, which can be copied and restored. */
export interface RunDatabase {
  readonly name: string;
  /** As the role that serves. */
  readonly url: string;
  /** Keeps a copy. Nobody may be connected. */
  backUp(): Promise<void>;
  /** Puts the copy in its place. Nobody may be connected. */
  restore(): Promise<void>;
  drop(): Promise<void>;
}

/** Clones a database that nobody is connected to. */
export async function cloneDatabase({ servingUrl }: Accounts, template: string): Promise<RunDatabase> {
  const name = `chains_${randomBytes(6).toString('hex')}`;
  const backup = `${name}_backup`;
  const copy = async (from: string, to: string): Promise<void> => {
    await runSql(inject('databaseUrl'), `create database ${to} template ${from}`);
    // PostgreSQL itself never crashes in a run.
    await runSql(inject('databaseUrl'), `alter database ${to} set synchronous_commit = off`);
  };
  await copy(template, name);
  const url = new URL(servingUrl);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    async backUp() {
      await dropDatabase(backup);
      await copy(name, backup);
    },
    async restore() {
      await dropDatabase(name);
      await copy(backup, name);
    },
    async drop() {
      await dropDatabase(backup);
      await dropDatabase(name);
    },
  };
}
