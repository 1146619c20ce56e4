import { conflict, type Refusal } from '../platform/errors.ts';
import { isSealed, unlessErased, type Vault } from '../platform/seal.ts';
import type { IdempotencyKeyRow } from '../store/tables/lanes.ts';
import type { IdempotencyClaim, Outcome, StoredAnswer } from './command.ts';

/** The name of an idempotency key within the whole deployment. */
export function keyName(environmentId: string, key: string): string {
  return `${environmentId}\n${key}`;
}

/** The sealing context of a stored response. */
export function answerSealContext(environmentId: string, key: string): string {
  return `idempotency_keys.body:${keyName(environmentId, key)}`;
}

/** A stored response, and the request that it belongs to. */
export interface GivenAnswer extends Omit<StoredAnswer, 'body'> {
  readonly body: string | undefined;
  readonly route: string;
  readonly requestHash: Buffer;
}

/** Opens a stored response if it is sealed. The body is undefined if its customer was erased. */
export function openAnswer(row: IdempotencyKeyRow, vault: Vault): GivenAnswer {
  const context = answerSealContext(row.environment_id, row.key);
  const body = isSealed(row.body) ? unlessErased(() => vault.open(row.body, context), undefined) : row.body;
  return { route: row.route, requestHash: row.request_hash, status: row.status, body };
}

/**
 * The outcome of a repeated key (contract §2): the stored response for the same request, 409 for any other.
 */
export function answerAgain(claim: IdempotencyClaim, given: GivenAnswer): Outcome<never> {
  if (given.route !== claim.route) {
    return refusedReuse(
      `This Idempotency-Key was used for ${given.route}; use a new key for another request.`,
    );
  }
  if (!given.requestHash.equals(claim.requestHash)) {
    return refusedReuse(
      'This Idempotency-Key was used with another body; use a new key for another request.',
    );
  }
  if (given.body === undefined) {
    const message =
      'This Idempotency-Key was used for a customer who has been erased since: the response was deleted with their data.';
    return { kind: 'refused', refusal: conflict('customer_erased', message) };
  }
  return { kind: 'replayed', answer: { status: given.status, body: given.body } };
}

function refusedReuse(message: string): Outcome<never> {
  const refusal: Refusal = conflict('idempotency_key_reused', message, [
    { path: 'header.Idempotency-Key', message },
  ]);
  return { kind: 'refused', refusal };
}

/** The keys whose requests are running in this process, and the most recent responses. */
export interface KeyRegistry {
  /** Resolves when the request that holds this key has ended; undefined if no request holds it. */
  running(name: string): Promise<void> | undefined;
  /** Acquires a key; the returned function releases it. */
  hold(name: string): () => void;
  /** @param nowMs the time in the key's environment */
  recent(name: string, nowMs: number): GivenAnswer | undefined;
  remember(name: string, answer: GivenAnswer, nowMs: number): void;
  /** Drops all responses; the store has them. */
  forget(): void;
}

/**
 * @param capacity how many responses are cached; the oldest are dropped first
 * @param rememberMs for how long; after that the store is asked
 */
export function createKeyRegistry(capacity: number, rememberMs: number): KeyRegistry {
  const holders = new Map<string, Promise<void>>();
  const answers = new Map<string, GivenAnswer & { readonly untilMs: number }>();
  return {
    running: (name) => holders.get(name),
    hold(name) {
      let release = (): void => undefined;
      holders.set(name, new Promise((resolve) => (release = resolve)));
      return () => {
        holders.delete(name);
        release();
      };
    },
    recent(name, nowMs) {
      const answer = answers.get(name);
      return answer && answer.untilMs > nowMs ? answer : undefined;
    },
    forget: () => answers.clear(),
    remember(name, answer, nowMs) {
      if (answers.size >= capacity) {
        const oldest = answers.keys().next();
        if (!oldest.done) answers.delete(oldest.value);
      }
      answers.delete(name);
      answers.set(name, { ...answer, untilMs: nowMs + rememberMs });
    },
  };
}
