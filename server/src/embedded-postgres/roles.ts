import { createPool, type PoolClient } from '../store/pool.ts';
import { grantWithin } from '../store/roles.ts';
import { inTransaction } from '../store/transaction.ts';
import { type Cluster, closeOthers, keepPasswords, newPassword, ownerRole, servingRole } from './cluster.ts';
import type { Postmaster } from './postmaster.ts';

/**
 * The URLs of the cluster's two roles. In a cluster without an owner role, where the serving role owns everything, the owner role
 * is added: one transaction transfers ownership, and leaves the serving role its grants only.
 *
 * @param dataDir where the passwords are stored
 */
export async function openRoles(
  dataDir: string,
  { passwords }: Cluster,
  postmaster: Postmaster,
): Promise<{ readonly url: string; readonly migrationUrl: string }> {
  const url = postmaster.url(servingRole, passwords.openledger);
  if (passwords.owner !== undefined) return { url, migrationUrl: postmaster.url(ownerRole, passwords.owner) };
  const owner = newPassword();
  const superuser = createPool(postmaster.url('postgres', passwords.superuser), 'openledger start', {
    max: 1,
  });
  try {
    await inTransaction(superuser, (client) => addOwner(client, owner));
  } finally {
    await superuser.end();
  }
  // If the process ends before this is written, the next start gives the role another password.
  await keepPasswords(dataDir, { ...passwords, owner });
  return { url, migrationUrl: postmaster.url(ownerRole, owner) };
}

async function addOwner(client: PoolClient, password: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [ownerRole]);
  if (rowCount === 0) await client.query(`create role ${ownerRole} login`);
  await client.query(
    [
      `alter role ${ownerRole} password '${password}';`,
      `reassign owned by ${servingRole} to ${ownerRole};`,
      `alter role ${servingRole} nocreatedb;`,
      ...closeOthers,
    ].join('\n'),
  );
  await grantWithin(client, servingRole);
}
