import { toIsoTime } from '../platform/clock.ts';
import type { Vault } from '../platform/seal.ts';
import type { WebhookRow } from '../store/tables/webhooks.ts';
import { previousSecretsContext, webhookSecretContext } from './seal-contexts.ts';

type SecretColumns = Pick<WebhookRow, 'id' | 'secret' | 'previous_secrets'>;

/** A replaced secret, and when it expires by the environment's clock. */
interface PreviousSecret {
  readonly secret: string;
  readonly expiresAt: string;
}

function previousSecrets(row: SecretColumns, vault: Vault, nowMs: number): PreviousSecret[] {
  if (row.previous_secrets === null) return [];
  const all: PreviousSecret[] = JSON.parse(vault.open(row.previous_secrets, previousSecretsContext(row.id)));
  return all.filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs);
}

/** The secrets that sign deliveries: the current one, then replaced ones that are still valid. */
export function signingSecrets(row: SecretColumns, vault: Vault, nowMs: number): string[] {
  const current = vault.open(row.secret, webhookSecretContext(row.id));
  return [current, ...previousSecrets(row, vault, nowMs).map(({ secret }) => secret)];
}

/**
 * Replaces the current secret.
 *
 * @param overlapSeconds how long replaced secrets stay valid at most
 * @returns the changed columns, and the number of valid secrets
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
