import Type, { type Static } from 'typebox';
import { chains } from '../../chains/registry.ts';
import { oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { toIsoTime } from '../../platform/clock.ts';
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

export const FiatDepositBody = Type.Object({
  virtualAccountId: Type.String({ minLength: 1, maxLength: limits.shortTextLength }),
  amount: Type.Unsafe<string | number>({
    type: ['string', 'number'],
    description: 'In the account\'s currency: `"100.00"`',
  }),
  paymentRail: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: limits.shortTextLength,
      description: 'How it comes: `ach`, `sepa`, …; an ordinary one when left out',
    }),
  ),
  senderName: Type.Optional(
    Type.String({ minLength: 1, maxLength: limits.nameLength, description: 'Who sends it' }),
  ),
});
export type FiatDepositBody = Static<typeof FiatDepositBody>;

export const AdvanceClockBody = Type.Object(
  {
    seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: limits.clockOffsetMs / 1000, description: 'Forward by so much' }),
    ),
    to: Type.Optional(time('Forward to this time, instead of `seconds`')),
  },
  { examples: [{ seconds: 345_600 }] },
);
export type AdvanceClockBody = Static<typeof AdvanceClockBody>;

export const SandboxClock = Type.Object({
  now: time('What time it is in the sandbox'),
  aheadSeconds: Type.Number({ description: 'How far it is ahead of the real time' }),
});

const serialiseClock = compileSerialiser<Static<typeof SandboxClock>>(SandboxClock);

/** The JSON text of a sandbox's clock. */
export function clockJson(nowMs: number, offsetMs: number): string {
  return serialiseClock({ now: toIsoTime(nowMs), aheadSeconds: offsetMs / 1000 });
}
