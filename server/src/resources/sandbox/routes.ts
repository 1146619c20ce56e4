import { createFiatDeposit } from '../../fiat/deposits/commands.ts';
import { parseFiatDeposit } from '../../fiat/deposits/request.ts';
import type { Route } from '../../http/route.ts';
import { writeRoute } from '../../http/route.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import type { Ratio } from '../../platform/money.ts';
import { conversionRate } from '../../rates/conversion.ts';
import { createCryptoDeposit, parseCryptoDeposit } from '../../simulator/crypto-deposits.ts';
import { findRow } from '../../store/find.ts';
import { decideCustomerKyc } from '../customers/commands.ts';
import { Customer } from '../customers/schema.ts';
import { Transaction } from '../transactions/schema.ts';
import { type ClockDeps, clockRoutes } from './clock-routes.ts';
import { type ForceStatusDeps, forceStatusRoute } from './force-status-routes.ts';
import { CryptoDepositBody, DecideKycBody, FiatDepositBody } from './schema.ts';

type Deps = ClockDeps & ForceStatusDeps & { readonly fiatFee: Ratio };

export function sandboxRoutes(deps: Deps): Route[] {
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
        const parsed = parseCryptoDeposit(body, deps.rates, deps.clocks.nowIn(caller.environment.id));
        if ('refusal' in parsed) throw new ApiError(parsed.refusal);
        return createCryptoDeposit(caller.environment.id, body.walletId, parsed.terms);
      },
    }),
    fiatDepositRoute(deps),
    forceStatusRoute(deps),
    ...clockRoutes(deps),
  ];
}

function fiatDepositRoute({ clocks, db, fiatFee, rates }: Deps): Route {
  return writeRoute<FiatDepositBody>({
    method: 'POST',
    path: '/v1/sandbox/fiat-deposits',
    operationId: 'createFiatDeposit',
    tag: 'Sandbox',
    summary: 'Let a fiat deposit arrive',
    description:
      'Money arrives on a virtual account, is converted into USDC and credited. On a deactivated account it goes back ' +
      'to its sender.',
    access: 'test',
    body: FiatDepositBody,
    okDescription: 'The deposit',
    data: { name: 'Transaction', schema: Transaction },
    async write({ body, caller }) {
      const { id } = caller.environment;
      const account = await findRow(db, 'virtual_accounts', id, body.virtualAccountId);
      if (!account) throw new ApiError(accountNotFound());
      const { source_currency: currency } = account;
      const conversion = conversionRate(rates, currency, 'usdc', clocks.nowIn(id));
      const parsed = parseFiatDeposit(body, currency, conversion, fiatFee);
      if ('refusal' in parsed) throw new ApiError(parsed.refusal);
      return createFiatDeposit(id, account, parsed.terms);
    },
  });
}

function accountNotFound() {
  const message = '`virtualAccountId` must be a virtual account of the environment.';
  return invalidRequest('virtual_account_not_found', message, [{ path: '/virtualAccountId', message }]);
}
