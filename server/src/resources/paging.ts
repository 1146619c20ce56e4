import Type, { type TSchema } from 'typebox';
import { time } from '../http/schema.ts';
import { validationFailed } from '../http/validate.ts';
import { toIsoTime } from '../platform/clock.ts';
import { ApiError } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type CreatedSpan, decodeCursor, type PageRequest } from '../store/paging.ts';

/**
 * Reads `limit` (checked already) and `cursor` of a list's query.
 *
 * @throws ApiError 400 when the cursor is not one of ours
 */
export function pageOf(query: Readonly<Record<string, string>>): PageRequest {
  const { cursor } = query;
  const afterId = cursor === undefined ? undefined : decodeCursor(cursor);
  if (cursor !== undefined && afterId === undefined) {
    const message = 'Give `nextCursor` of the page before, unchanged.';
    throw new ApiError(validationFailed([{ path: 'query.cursor', message }]));
  }
  return { limit: pageLimit(query), afterId };
}

/** Reads `limit` (checked already) of a list's query. */
export function pageLimit({ limit }: Readonly<Record<string, string>>): number {
  return limit === undefined ? limits.pageDefault : Number(limit);
}

/** Query parameters that narrow a list to a time span. */
export const createdRange: { createdAfter: TSchema; createdBefore: TSchema } = {
  createdAfter: Type.Optional(time('Only what was created at or after this time')),
  createdBefore: Type.Optional(time('Only what was created before this time')),
};

/**
 * Reads the time span of a list's query.
 *
 * @throws ApiError 400 for a time that no row can have
 */
export function createdSpan(query: Readonly<Record<string, string>>): CreatedSpan {
  const read = (name: 'createdAfter' | 'createdBefore'): string | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    const timeMs = Date.parse(text);
    if (timeMs >= 0 && timeMs < endOfTimeMs) return toIsoTime(timeMs);
    const message = 'It must be a time from 1970 to 9999.';
    throw new ApiError(validationFailed([{ path: `query.${name}`, message }]));
  };
  return { createdAfter: read('createdAfter'), createdBefore: read('createdBefore') };
}

const endOfTimeMs = Date.UTC(10_000, 0);
