import type { ReadDocument } from './operations.ts';

const keptPerName = 200;
const recent = 12;

/** The ids that answers have shown, by the name of the field that would hold them (`customerId`). */
export interface KnownIds {
  /** Takes the ids out of an answer's data. */
  learn(path: string, data: unknown): void;
  /**
   * Starts choosing ids for one request. Those that were seen together in an object are mostly chosen together: a
   * wallet with its own customer.
   *
   * @returns gives one of the ids of a name, or of all when there is none; undefined before anything was learned
   */
  chooser(): (name: string, number: number) => string | undefined;
}

interface NamedId {
  readonly name: string;
  readonly id: string;
}

export function createKnownIds({ idNameOf }: Pick<ReadDocument, 'idNameOf'>): KnownIds {
  const known = new Map<string, string[]>();
  const seenWith = new Map<string, NamedId[]>();

  const learnObject = (value: object, ownName: string | undefined): void => {
    const ids = Object.entries(value).flatMap(([field, inner]): NamedId[] => {
      const name = field === 'id' ? ownName : /[a-z]Id$/.test(field) ? field : undefined;
      return typeof inner === 'string' && name !== undefined ? [{ name, id: inner }] : [];
    });
    for (const { id, name } of ids) {
      addOnce(known, name, id, (other) => other === id);
      for (const other of ids) {
        if (other.id !== id) addOnce(seenWith, id, other, (seen) => seen.id === other.id);
      }
    }
  };
  const walk = (value: unknown, ownName: string | undefined): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      // Lists have the newest first.
      for (const item of value.toReversed()) walk(item, ownName);
      return;
    }
    learnObject(value, ownName);
    for (const inner of Object.values(value)) walk(inner, undefined);
  };
  /** What was made last is most likely to be there still, and what has other things gets furthest. */
  const likely = (ids: readonly string[], number: number): string | undefined => {
    const rich = ids.filter((id) => seenWith.has(id));
    const latest = (rich.length > 0 ? rich : ids).slice(-recent);
    return latest[number % latest.length];
  };
  return {
    learn: (path, data) => walk(data, idNameOf(path)),
    chooser() {
      const chosen: string[] = [];
      return (name, number) => {
        const together = chosen
          .flatMap((id) => seenWith.get(id) ?? [])
          .filter((other) => other.name === name)
          .map(({ id }) => id);
        const own = known.get(name) ?? [...known.values()].flat();
        const ids = together.length > 0 && number % 5 > 0 ? together : own;
        const id = number % 2 === 0 ? likely(ids, number / 2) : ids[number % ids.length];
        if (id !== undefined) chosen.push(id);
        return id;
      };
    },
  };
}

function addOnce<Value>(
  lists: Map<string, Value[]>,
  name: string,
  value: Value,
  isSame: (other: Value) => boolean,
): void {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  if (list.some(isSame)) return;
  list.push(value);
  if (list.length > keptPerName) list.shift();
}
