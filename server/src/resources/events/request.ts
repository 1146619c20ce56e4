import { validationFailed } from '../../http/validate.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import type { Queryable } from '../../store/pool.ts';
import { decodePositions, type Positions } from './positions.ts';
import { endOfEvents } from './queries.ts';

/**
 * Where reading forward goes on.
 *
 * @param cursor a cursor of ours, `start` or `end`
 * @param path where the cursor was given, for the fault
 * @throws ApiError 400 when it is no such thing, or from before the sandbox was reset
 */
export async function positionsAt(
  db: Queryable,
  environmentId: string,
  cursor: string,
  path: string,
): Promise<Positions> {
  if (cursor === 'start') return new Map();
  if (cursor === 'end') return endOfEvents(db, environmentId);
  const positions = decodePositions(environmentId, cursor);
  if (positions === 'malformed') {
    const message = 'Give the cursor that you were given, unchanged, or `start`, or `end`.';
    throw new ApiError(validationFailed([{ path, message }]));
  }
  if (positions === 'outdated') {
    const message =
      'The cursor is of another environment, or the sandbox has been reset since. Begin at `start`.';
    throw new ApiError(invalidRequest('cursor_outdated', message, [{ path, message }]));
  }
  return positions;
}
