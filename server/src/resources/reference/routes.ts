import type { ReadRoute, Route } from '../../http/route.ts';
import { industries, occupations, type ReferenceTable, searchReference } from './queries.ts';
import { ReferenceEntries, ReferenceQuery, referenceJson } from './schema.ts';

export function referenceRoutes(): Route[] {
  return [
    tableRoute(occupations, {
      path: '/v1/reference/occupations',
      operationId: 'listOccupations',
      summary: 'List occupations',
      description:
        'Returns the occupations of the Standard Occupational Classification 2018, all of them or those that `q` ' +
        'finds. An occupation whose code is `q` comes first.',
      okDescription: 'The occupations',
      data: { name: 'Occupations', schema: ReferenceEntries },
    }),
    tableRoute(industries, {
      path: '/v1/reference/industries',
      operationId: 'listIndustries',
      summary: 'List industries',
      description:
        'Returns the industries of the North American Industry Classification System 2022, all of them or those ' +
        'that `q` finds. An industry whose code is `q` comes first.',
      okDescription: 'The industries',
      data: { name: 'Industries', schema: ReferenceEntries },
    }),
  ];
}

type Said = Pick<ReadRoute, 'path' | 'operationId' | 'summary' | 'description' | 'okDescription' | 'data'>;

function tableRoute(table: ReferenceTable, said: Said): ReadRoute {
  const whole = referenceJson(table.entries);
  return {
    ...said,
    method: 'GET',
    tag: 'Reference',
    access: 'key',
    query: ReferenceQuery,
    read: async ({ query: { q } }) => (q === undefined ? whole : referenceJson(searchReference(table, q))),
  };
}
