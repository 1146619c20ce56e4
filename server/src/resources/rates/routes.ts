import type { Route } from '../../http/route.ts';
import { ApiError } from '../../platform/errors.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import { findRate } from './queries.ts';
import { Rate, RateQuery, rateJson } from './schema.ts';

interface RateDeps {
  readonly clocks: EnvironmentClocks;
  providerFor(kind: 'test' | 'live'): RateProvider | undefined;
}

export function rateRoutes({ clocks, providerFor }: RateDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/rates',
      operationId: 'getRate',
      tag: 'Rates',
      summary: 'Get an exchange rate',
      description:
        'Returns the rates of a pair of currencies, fees included. There is a new one about every 30 seconds, and it ' +
        'is indicative: a conversion applies the `sellRate` of its own moment. One of the two is always `usd`; an ' +
        'unknown pair is answered with the list of all.',
      access: 'key',
      query: RateQuery,
      okDescription: 'The rates of the pair',
      data: { name: 'Rate', schema: Rate },
      async read({ caller: { environment }, query: { from = '', to = '' } }) {
        const read = findRate(providerFor(environment.kind), from, to, clocks.nowIn(environment.id));
        if ('refusal' in read) throw new ApiError(read.refusal);
        const { buyRate, sellRate } = read.quote;
        return rateJson({ from, to, buyRate, sellRate });
      },
    },
  ];
}
