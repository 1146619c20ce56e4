import { toIsoTime } from '../platform/clock.ts';
import type { Vault } from '../platform/seal.ts';
import type { WebhookRow } from '../store/tables/webhooks.ts';
import { previousSecretsContext, webhookSecretContext } from './seal-contexts.ts';

type SecretColumns = Pick<WebhookRow, 'id' | 'secret' | 'previous_secrets'>;

/** A secret that was replaced, and until when it is valid, by the environment's clock. */
interface PreviousSecret {
  readonly secret: string;
  readonly expiresAt: string;
}

function previousSecrets(row: SecretColumns, vault: Vault, nowMs: number): PreviousSecret[] {
  if (row.previous_secrets === null) return [];
  const all: PreviousSecret[] = JSON.parse(vault.open(row.previous_secrets, previousSecretsContext(row.id)));
  return all.filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs);
}

/** The secrets that deliveries are signed with: the present one, then those replaced that are still valid. */
export function signingSecrets(row: SecretColumns, vault: Vault, nowMs: number): string[] {
  const present = vault.open(row.secret, webhookSecretContext(row.id));
  return [present, ...previousSecrets(row, vault, nowMs).map(({ secret }) => secret)];
}

/**
 * Puts a new secret in the place of the present one.
 *
 * @param overlapSeconds how long the replaced ones stay valid at most
 * @returns the columns that change, and how many secrets are valid now
 */
export function replaceSecret(
  row: SecretColumns,
  secret: string,
  overlapSeconds: number,
  vault: Vault,
  nowMs: number,
): Pick<WebhookRow, 'secret' | 'previous_secrets' | 'previous_secret_expires_at'> & { count: number } {
  const expiresAt = toIsoTime(nowMs + overlapSeconds * 1000);
  const replaced = { secret: vault.open(row.secret, webhookSecretContext(row.id)), expiresAt };
  const older = previousSecrets(row, vault, nowMs).map((old) =>
    old.expiresAt < expiresAt ? old : { ...old, expiresAt },
  );
  const kept = overlapSeconds === 0 ? [] : [replaced, ...older];
  return {
    secret: vault.seal(secret, webhookSecretContext(row.id)),
    previous_secrets:
      kept.length === 0 ? null : vault.seal(JSON.stringify(kept), previousSecretsContext(row.id)),
    previous_secret_expires_at: kept.length === 0 ? null : expiresAt,
    count: kept.length + 1,
  };
}
