import type { References } from '../identity/answers.ts';
import type { ReferenceList } from '../identity/questions.ts';
import { limits } from '../platform/limits.ts';
import {
  industries,
  occupations,
  type ReferenceTable,
  searchReference,
} from '../resources/reference/queries.ts';
import type { ReferenceEntry } from '../resources/reference/schema.ts';

const tables: Readonly<Record<ReferenceList, ReferenceTable>> = { industries, occupations };

const names = {
  industries: new Map(industries.entries.map(({ code, name }) => [code, name])),
  occupations: new Map(occupations.entries.map(({ code, name }) => [code, name])),
};

/** The name of an entry of a reference list. */
export const references: References = (list, code) => names[list].get(code);

/** The result of a search; `more` when there is more than is shown. */
export interface Found {
  readonly entries: readonly ReferenceEntry[];
  readonly more: boolean;
}

/** Searches a reference list. */
export function searchList(list: ReferenceList, search: string): Found {
  const found = searchReference(tables[list], search.slice(0, limits.searchLength));
  return { entries: found.slice(0, limits.searchResults), more: found.length > limits.searchResults };
}
