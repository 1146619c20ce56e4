/** The parts of a PostgreSQL error that may be shown: names of the schema, and no values. */
interface DatabaseFacts {
  readonly code: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
}

/** Deeper causes are not followed, so that a cycle ends. */
const deepestCause = 8;

/** The parts of a PostgreSQL error; undefined for other errors, which have no severity. */
function databaseFacts(error: unknown): DatabaseFacts | undefined {
  const { code, column, constraint, severity, table } = (error ?? {}) as Record<string, unknown>;
  if (typeof severity !== 'string' || typeof code !== 'string') return undefined;
  const named = Object.entries({ constraint, table, column }).filter(([, name]) => typeof name === 'string');
  return { code, ...(Object.fromEntries(named) as Partial<DatabaseFacts>) };
}

function messageOf(facts: DatabaseFacts): string {
  const { code, ...names } = facts;
  const known = Object.entries(names).map(([kind, name]) => `, ${kind} ${name}`);
  return `database error ${code}${known.join('')}`;
}

/** The errors inside an error: its cause, and those that an AggregateError collects. */
function innerErrors(error: Error): unknown[] {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  return [...(cause === undefined ? [] : [cause]), ...(Array.isArray(errors) ? errors : [])];
}

/** The messages of database errors inside an error, each with its replacement. */
function unsafeTexts(error: unknown, depth = 0): [unsafe: string, safe: string][] {
  if (!(error instanceof Error) || depth > deepestCause) return [];
  const facts = databaseFacts(error);
  const own: [string, string][] = facts && error.message !== '' ? [[error.message, messageOf(facts)]] : [];
  return [...own, ...innerErrors(error).flatMap((inner) => unsafeTexts(inner, depth + 1))];
}

function withoutUnsafe(text: string, unsafe: readonly (readonly [string, string])[]): string {
  return unsafe.reduce((clean, [part, safe]) => clean.replaceAll(part, () => safe), text);
}

/**
 * The message of an error without values. PostgreSQL's messages contain values (`invalid input syntax for type uuid:
 * "…"`), so that they are replaced by code and names, also where another error repeats them.
 */
export function safeMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return withoutUnsafe(error.message, unsafeTexts(error));
}

/** The stack of an error without values; undefined if it has none. */
export function safeStack(error: Error): string | undefined {
  return error.stack === undefined ? undefined : withoutUnsafe(error.stack, unsafeTexts(error));
}

/**
 * An error as it is logged, with its causes: name, message, stack, code and names of the schema. Other properties (of pg:
 * detail, where, hint, internalQuery) are left out.
 */
export function serializeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const facts: Partial<DatabaseFacts> = databaseFacts(error) ?? {};
  const { code = (error as { code?: unknown }).code, ...names } = facts;
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const isDeep = depth >= deepestCause;
  return {
    type: error.name,
    message: safeMessage(error),
    stack: safeStack(error),
    ...(typeof code === 'string' ? { code } : {}),
    ...names,
    ...(cause === undefined || isDeep ? {} : { cause: serializeError(cause, depth + 1) }),
    ...(!Array.isArray(errors) || isDeep
      ? {}
      : { errors: errors.map((inner) => serializeError(inner, depth + 1)) }),
  };
}
