import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../platform/limits.ts';
import type { Pool, PoolClient } from './pool.ts';

/** The SQLSTATE of an error from PostgreSQL; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * Whether the transaction can be run again: after a serialization failure, a deadlock, or the violation of a constraint named
 * `…_drawn_…`, on a random number that is drawn again.
 */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  if (state === '23505') return /_drawn_/.test((error as { constraint?: string }).constraint ?? '');
  return state === '40001' || state === '40P01';
}

/**
 * Whether the connection or the whole server was lost, so that the outcome of a running commit is unknown.
 * Class 08 is connection exceptions, 57P0x is shutdown and crash (PostgreSQL documentation, Appendix A).
 */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined && !/^E[A-Z]+$/.test(state)) return /^(08|57P0)/.test(state) || state === '53300';
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND)/.test(code)) return true;
  const message = error instanceof Error ? error.message : '';
  return /connection (terminated|ended|error)|not queryable|client was closed|timeout e?xceeded|read timeout|Connection terminated/i.test(
    message,
  );
}

/** A random wait in milliseconds, which doubles with each attempt up to `limits.writeRetryMaxDelayMs`. */
export function backoffMs(attempt: number): number {
  return Math.min(limits.writeRetryMaxDelayMs, 5 * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/**
 * Runs `work` in a database transaction, and again after a retryable error (`isRetryable`).
 *
 * @param work must have no effect outside the transaction
 * @param begin the statement that begins the transaction
 * @throws the error of the last attempt
 */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
  begin = 'begin',
): Promise<Result> {
  return withRetries(async () => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      // On a lost connection a rollback would wait for its timeout.
      if (isConnectionLoss(error)) broken = error as Error;
      else
        await client.query('rollback').catch((cause: Error) => {
          broken = cause;
        });
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

/**
 * Runs a statement or a transaction, and again after a retryable error (`isRetryable`).
 *
 * @param run has no effect if it fails with such an error
 * @throws the error of the last attempt
 */
export async function withRetries<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isRetryable(error) || attempt + 1 >= limits.writeAttempts) throw error;
    }
    await sleep(backoffMs(attempt));
  }
}
