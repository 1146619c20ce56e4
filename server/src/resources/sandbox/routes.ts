import type { Route } from '../../http/route.ts';
import { writeRoute } from '../../http/route.ts';
import { ApiError } from '../../platform/errors.ts';
import type { RateProvider } from '../../rates/sandbox-rates.ts';
import { decideCustomerKyc } from '../customers/commands.ts';
import { Customer } from '../customers/schema.ts';
import { Transaction } from '../transactions/schema.ts';
import { type ClockDeps, clockRoutes } from './clock-routes.ts';
import { createCryptoDeposit, readDeposit } from './deposits.ts';
import { CryptoDepositBody, DecideKycBody } from './schema.ts';

export function sandboxRoutes({ rates, ...deps }: { rates: RateProvider } & ClockDeps): Route[] {
  const tag = 'Sandbox';
  return [
    writeRoute<DecideKycBody>({
      method: 'POST',
      path: '/v1/sandbox/customers/{customerId}/kyc',
      operationId: 'decideCustomerKyc',
      tag,
      summary: "Decide a customer's verification",
      description: 'Sets `kycStatus` as a verification would. `approved` also accepts the terms.',
      access: 'test',
      params: { customerId: 'The customer ID' },
      body: DecideKycBody,
      okDescription: 'The customer',
      data: { name: 'Customer', schema: Customer },
      sensitive: true,
      write: ({ body, caller, params: { customerId = '' } }) =>
        decideCustomerKyc(caller.environment.id, customerId, body.kycStatus, body.reasons ?? []),
    }),
    writeRoute<CryptoDepositBody>({
      method: 'POST',
      path: '/v1/sandbox/crypto-deposits',
      operationId: 'createCryptoDeposit',
      tag,
      summary: 'Let a crypto deposit arrive',
      description:
        'Tokens arrive at the wallet on a simulated chain and are credited. USDT is converted into USDC.',
      access: 'test',
      body: CryptoDepositBody,
      okDescription: 'The deposit',
      data: { name: 'Transaction', schema: Transaction },
      write({ body, caller }) {
        const read = readDeposit(body, rates);
        if ('refusal' in read) throw new ApiError(read.refusal);
        return createCryptoDeposit(caller.environment.id, body.walletId, read.terms);
      },
    }),
    ...clockRoutes(deps),
  ];
}
