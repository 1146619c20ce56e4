/** The two kinds of environments: the sandbox, and the one with real money. */
export type EnvironmentKind = 'test' | 'live';

/** One of something for each kind of environment, so that neither can fill what the other needs. */
export type ForEachKind<Value> = Readonly<Record<EnvironmentKind, Value>>;

/** Makes one for each kind. */
export function forEachKind<Value>(make: (kind: EnvironmentKind) => Value): ForEachKind<Value> {
  return { test: make('test'), live: make('live') };
}
