import { randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import { hashSecret } from '../../http/auth.ts';
import { notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { ApiKeyRow, EnvironmentRow } from '../../store/tables/access.ts';
import type { Command, DecideContext, RowWrite } from '../../writer/command.ts';

/** A complete key. It is shown once; the database stores the hash of its secret. */
export interface NewKey {
  readonly prefix: string;
  readonly secret: string;
}

/** Generates a key: a prefix of 8 random bytes for the look-up, and a secret of 32 random bytes. */
export function drawKey(): NewKey {
  return { prefix: base58.encode(randomBytes(8)), secret: base58.encode(randomBytes(32)) };
}

/** Formats a key as clients send it (contract §1). */
export function printKey(kind: EnvironmentRow['kind'], { prefix, secret }: NewKey): string {
  return `ld_${kind}_${prefix}_${secret}`;
}

function keyRow(
  environment: Pick<EnvironmentRow, 'bucket' | 'id'>,
  name: string,
  key: NewKey,
  context: DecideContext,
): ApiKeyRow {
  return {
    bucket: environment.bucket,
    id: context.newId('key', environment.bucket),
    environment_id: environment.id,
    name,
    prefix: key.prefix,
    secret_hash: hashSecret(key.secret),
    created_at: context.now,
    revoked_at: null,
  };
}

/** Creates an organisation with a test and a live environment and a key for each. */
export function createOrganisation(
  name: string,
  keys: { readonly test: NewKey; readonly live: NewKey },
  bucket: number,
): Command<string> {
  return {
    name: 'create_organisation',
    environmentId: 'deployment',
    bucket,
    reads: () => [],
    decide(_state, context) {
      const organisationId = context.newId('org');
      const writes = (['test', 'live'] as const).flatMap((kind): RowWrite[] => {
        const id = context.newId('env');
        const environment: EnvironmentRow = {
          bucket,
          id,
          organisation_id: organisationId,
          kind,
          created_at: context.now,
          current_id: id,
          clock_offset_ms: 0n,
        };
        return [
          { table: 'environments', row: environment },
          { table: 'api_keys', row: keyRow(environment, 'first key', keys[kind], context) },
        ];
      });
      const row = { bucket, id: organisationId, name, rate_limit: null, created_at: context.now };
      return { result: organisationId, writes: [{ table: 'organisations', row }, ...writes] };
    },
  };
}

/** Creates a key for an environment. The result is the key's id. */
export function createKey(
  environment: Pick<EnvironmentRow, 'bucket' | 'id'>,
  name: string,
  key: NewKey,
): Command<string> {
  return {
    name: 'create_key',
    environmentId: environment.id,
    bucket: environment.bucket,
    reads: () => [],
    decide(_state, context) {
      const row = keyRow(environment, name, key, context);
      return { result: row.id, writes: [{ table: 'api_keys', row }] };
    },
  };
}

/** Revokes a key. Repeating it changes nothing. */
export function revokeKey(environmentId: string, keyId: string): Command<string> {
  const bucket = bucketOfId(keyId);
  return {
    name: 'revoke_key',
    environmentId,
    bucket,
    reads: () => [{ table: 'api_keys', bucket, id: keyId }],
    decide(state, context) {
      const row = state.get('api_keys', keyId);
      if (!row) return { refusal: notFound('key') };
      if (row.revoked_at !== null) return { result: row.id };
      const revocation = { bucket, id: keyId, environment_id: row.environment_id, revoked_at: context.now };
      return {
        result: row.id,
        writes: [
          { table: 'api_keys', row: { ...row, revoked_at: context.now } },
          { table: 'api_key_revocations', row: revocation },
        ],
      };
    },
  };
}

/**
 * Sets the requests per second of each key of an organisation.
 *
 * @param rateLimit `writes/reads`, `off`, or null for the server's own setting
 */
export function setRateLimit(organisationId: string, rateLimit: string | null): Command<string> {
  const bucket = bucketOfId(organisationId);
  return {
    name: 'set_rate_limit',
    environmentId: 'deployment',
    bucket,
    reads: () => [{ table: 'organisations', bucket, id: organisationId }],
    decide(state) {
      const row = state.get('organisations', organisationId);
      if (!row) return { refusal: notFound('organisation') };
      return {
        result: organisationId,
        writes: [{ table: 'organisations', row: { ...row, rate_limit: rateLimit } }],
      };
    },
  };
}
