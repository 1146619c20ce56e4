/** An error that PostgreSQL reported, as far as it may be shown: names of the schema, and no values. */
interface DatabaseFacts {
  readonly code: string;
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
}

/** Deeper causes are not followed: nothing of ours wraps an error so often, and a cycle must end. */
const deepestCause = 8;

/** What PostgreSQL reported, if the error is from there; pg gives those a severity. */
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

/** The texts of database errors in an error, each with what may be shown in its place. */
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
 * The message of an error as it may be shown and logged. PostgreSQL's messages hold values (`invalid input syntax for type
 * uuid: "…"`), so that its errors are told by code and names only, also where another error repeats their message.
 */
export function safeMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return withoutUnsafe(error.message, unsafeTexts(error));
}

/** The stack of an error, cleaned in the same way; undefined when it has none. */
export function safeStack(error: Error): string | undefined {
  return error.stack === undefined ? undefined : withoutUnsafe(error.stack, unsafeTexts(error));
}

/**
 * An error as it is logged: name, message, stack, code and names of the schema, for its causes too. Everything else that an
 * error carries (pg: detail, where, hint, internalQuery; ours: what a caller attached) stays out.
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
