import Type, { type Static } from 'typebox';
import { chains } from '../../chains/registry.ts';
import { oneOf } from '../../http/schema.ts';
import { limits } from '../../platform/limits.ts';
import { kycStatuses, RejectionReason } from '../customers/schema.ts';

export const DecideKycBody = Type.Object({
  kycStatus: oneOf(kycStatuses, '`approved` also accepts the terms'),
  reasons: Type.Optional(
    Type.Array(RejectionReason, {
      maxItems: limits.rejectionReasons,
      description: 'Why, when it is not approved',
    }),
  ),
});
export type DecideKycBody = Static<typeof DecideKycBody>;

export const CryptoDepositBody = Type.Object({
  walletId: Type.String({ minLength: 1, maxLength: limits.shortTextLength }),
  chain: oneOf(chains),
  currency: Type.String({
    minLength: 1,
    maxLength: limits.shortTextLength,
    description: '`usdc`, `usdt`, …',
  }),
  amount: Type.Unsafe<string | number>({ type: ['string', 'number'] }),
});
export type CryptoDepositBody = Static<typeof CryptoDepositBody>;
