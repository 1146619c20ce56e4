import Type, { type TSchema } from 'typebox';
import { time } from '../http/schema.ts';
import { validationFailed } from '../http/validate.ts';
import { toIsoTime } from '../platform/clock.ts';
import { ApiError } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type CreatedSpan, decodeCursor, type PageRequest } from '../store/paging.ts';

/**
 * Parses `limit` (already validated) and `cursor` of a list's query.
 *
 * @throws ApiError 400 if the cursor is invalid
 */
export function pageOf(query: Readonly<Record<string, string>>): PageRequest {
  const { cursor } = query;
  const afterId = cursor === undefined ? undefined : decodeCursor(cursor);
  if (cursor !== undefined && afterId === undefined) {
    const message = '`cursor` must be `nextCursor` of the page before, unchanged.';
    throw new ApiError(validationFailed([{ path: 'query.cursor', message }]));
  }
  return { limit: pageLimit(query), afterId };
}

/** Parses `limit` (already validated) of a list's query. */
export function pageLimit({ limit }: Readonly<Record<string, string>>): number {
  return limit === undefined ? limits.pageDefault : Number(limit);
}

/** Query parameters that limit a list to a time span. */
export const createdRange: { createdAfter: TSchema; createdBefore: TSchema } = {
  createdAfter: Type.Optional(time('Only what was created at or after this time')),
  createdBefore: Type.Optional(time('Only what was created before this time')),
};

/**
 * Parses the time span of a list's query.
 *
 * @throws ApiError 400 if a time is outside of the years 1970 to 9999
 */
export function createdSpan(query: Readonly<Record<string, string>>): CreatedSpan {
  const read = (name: 'createdAfter' | 'createdBefore'): string | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    const timeMs = Date.parse(text);
    if (timeMs >= 0 && timeMs < endOfTimeMs) return toIsoTime(timeMs);
    const message = 'It must be a time between 1970 and 9999.';
    throw new ApiError(validationFailed([{ path: `query.${name}`, message }]));
  };
  return { createdAfter: read('createdAfter'), createdBefore: read('createdBefore') };
}

const endOfTimeMs = Date.UTC(10_000, 0);
