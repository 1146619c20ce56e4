import { validationFailed } from '../../http/validate.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import type { Queryable } from '../../store/pool.ts';
import { decodePositions, type Positions } from './positions.ts';
import { endOfEvents } from './queries.ts';

/**
 * Parses the cursor that reading forward starts from.
 *
 * @param cursor a cursor of an earlier answer, `start` or `end`
 * @param path the field that gave the cursor, for the fault
 * @throws ApiError 400 if it is invalid, or from before the sandbox was reset
 */
export async function parseCursor(
  db: Queryable,
  environmentId: string,
  cursor: string,
  path: string,
): Promise<Positions> {
  if (cursor === 'start') return new Map();
  if (cursor === 'end') return endOfEvents(db, environmentId);
  const positions = decodePositions(environmentId, cursor);
  if (positions === 'malformed') {
    const message = '`cursor` must be a cursor of an earlier answer, unchanged, or `start`, or `end`.';
    throw new ApiError(validationFailed([{ path, message }]));
  }
  if (positions === 'outdated') {
    const message =
      'The cursor belongs to another environment, or the sandbox has been reset since; begin at `start`.';
    throw new ApiError(invalidRequest('cursor_outdated', message, [{ path, message }]));
  }
  return positions;
}
