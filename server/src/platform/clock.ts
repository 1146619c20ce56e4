/** A source of the current time. It is always injected, so that tests and the simulator control it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * Formats a time as the API prints it: ISO 8601, UTC, milliseconds (`2025-01-15T11:00:00.000Z`).
 *
 * @param timeMs milliseconds since the Unix epoch
 */
export function toIsoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
