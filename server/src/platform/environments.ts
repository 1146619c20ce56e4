/** The kinds of environments: `test` is a sandbox, `live` has real money. */
export type EnvironmentKind = 'test' | 'live';

/** One value for each kind of environment, so that neither kind can exhaust what the other needs. */
export type ForEachKind<Value> = Readonly<Record<EnvironmentKind, Value>>;

/** Makes a value for each kind. */
export function forEachKind<Value>(make: (kind: EnvironmentKind) => Value): ForEachKind<Value> {
  return { test: make('test'), live: make('live') };
}
