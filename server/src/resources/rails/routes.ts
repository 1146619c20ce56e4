import type { ReadRoute, Route } from '../../http/route.ts';
import type { Ratio } from '../../platform/money.ts';
import { factsOf } from '../../rails/account-types.ts';
import { railFacts, railNames } from '../../rails/rails.ts';
import { type RailOffer, RailQuery, Rails, railsJson } from './schema.ts';

interface Deps {
  /** The fee of a fiat transfer, as a part of its amount. */
  readonly fiatFee: Ratio;
  /** Milliseconds since the Unix epoch, by the environment's clock. */
  nowIn(environmentId: string): number;
}

/** Every rail in each of its currencies. */
const offers: readonly RailOffer[] = railNames.flatMap((rail) =>
  railFacts(rail).accountTypes.flatMap((accountType) =>
    factsOf(accountType).currencies.map((currency) => ({ rail, currency, accountType })),
  ),
);

export function railRoutes(deps: Deps): Route[] {
  return [listRoute(deps)];
}

function listRoute({ fiatFee, nowIn }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/rails',
    operationId: 'listRails',
    tag: 'Rails',
    summary: 'List bank rails',
    description:
      'Returns each bank rail in each of its currencies: what a counterparty needs that it pays, the references and ' +
      'amounts that it carries, what it costs, when a payment of now would go out and arrive, and why one may come back.',
    access: 'key',
    query: RailQuery,
    okDescription: 'The rails',
    data: { name: 'Rails', schema: Rails },
    async read({ caller, query }) {
      const asked = offers.filter(
        ({ currency, rail }) =>
          (query.currency === undefined || query.currency === currency) &&
          (query.rail === undefined || query.rail === rail),
      );
      return railsJson(asked, fiatFee, nowIn(caller.environment.id));
    },
  };
}
