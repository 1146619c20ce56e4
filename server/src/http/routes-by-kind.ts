import type { ForEachKind } from '../platform/environments.ts';
import type { ReadRoute, RequestContext, Route, WriteRoute } from './route.ts';

/**
 * Merges the routes of both kinds of environments, which use different pools. A request is served by the routes of its
 * caller's environment; one without a key by those of live.
 *
 * @param routes the same routes for each kind, in the same order
 */
export function routesByKind(routes: ForEachKind<readonly Route[]>): Route[] {
  return routes.live.map((live, index) => {
    const test = routes.test[index] as Route;
    return live.method === 'GET'
      ? readByKind(live, test as ReadRoute)
      : writeByKind(live, test as WriteRoute);
  });
}

function isTest({ caller }: RequestContext): boolean {
  return caller?.environment.kind === 'test';
}

function readByKind(live: ReadRoute, test: ReadRoute): ReadRoute {
  return { ...live, read: (context) => (isTest(context) ? test : live).read(context) };
}

function writeByKind(live: WriteRoute, test: WriteRoute): WriteRoute {
  return {
    ...live,
    write: (context) => (isTest(context) ? test : live).write(context),
    ...(live.done ? { done: async (context) => (isTest(context) ? test : live).done?.(context) } : {}),
  };
}
