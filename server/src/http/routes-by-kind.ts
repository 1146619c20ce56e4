import type { ForEachKind } from '../platform/environments.ts';
import type { ReadRoute, RequestContext, Route, WriteRoute } from './route.ts';

/**
 * Makes one list of routes out of two, which differ in what they read from: a request is served by those of its caller's
 * environment. What needs no key is served as live.
 *
 * @param routes the same routes twice, in the same order
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
