import naics from '../../../data/naics-2022.json' with { type: 'json' };
import soc from '../../../data/soc-2018.json' with { type: 'json' };
import type { ReferenceEntry } from './schema.ts';

/** A published table with its source, prepared for search. */
export interface ReferenceTable {
  readonly source: string;
  readonly entries: readonly ReferenceEntry[];
  /** Each entry's code and name in lower case, in the same order. */
  readonly texts: readonly string[];
}

function tableOf(source: string, entries: readonly ReferenceEntry[]): ReferenceTable {
  return { source, entries, texts: entries.map(({ code, name }) => `${code}\n${name}`.toLowerCase()) };
}

/** The 867 detailed occupations of the Standard Occupational Classification, 2018. */
export const occupations: ReferenceTable = tableOf(soc.source, soc.occupations);

/** The 1,012 six-digit industries of the North American Industry Classification System, 2022. */
export const industries: ReferenceTable = tableOf(naics.source, naics.industries);

/**
 * Searches a table. Every word must occur in the code or the name. An entry whose code equals the search comes first, the
 * others in the order of the table.
 *
 * @param search the typed text; without a word, every entry matches
 */
export function searchReference(table: ReferenceTable, search = ''): readonly ReferenceEntry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = table.entries.filter((_entry, index) =>
    words.every((word) => table.texts[index]?.includes(word)),
  );
  const exact = found.find(({ code }) => code === search.trim());
  return exact ? [exact, ...found.filter((entry) => entry !== exact)] : found;
}
