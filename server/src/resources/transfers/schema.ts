import Type, { type Static } from 'typebox';
import { metadata } from '../../http/schema.ts';
import { limits } from '../../platform/limits.ts';

const id = { minLength: 1, maxLength: limits.shortTextLength };

export const CreateTransferBody = Type.Object({
  customerId: Type.String({ ...id, description: 'Whose money it is' }),
  walletId: Type.String({ ...id, description: 'Where it comes from' }),
  amount: Type.Unsafe<string | number>({
    type: ['string', 'number'],
    description: 'What leaves the wallet, fee included: `"10.00"`',
  }),
  sourceCurrency: Type.Optional(Type.String({ ...id, description: '`usdc` when left out' })),
  destinationCurrency: Type.String({
    ...id,
    description: 'The currency that arrives: `usdc`, `usdt`, `eur`, …',
  }),
  destinationPaymentRail: Type.String({
    ...id,
    description: 'The chain it is sent on (`solana`, `base`, …) or the bank rail (`ach`, `sepa`, …)',
  }),
  destinationAddress: Type.String({
    ...id,
    description: 'The address on that chain, or the counterparty that is paid (`pa_…`)',
  }),
  reference: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: limits.referenceLength,
      description: 'What the beneficiary reads; each bank rail has its own length and characters',
    }),
  ),
  clientReferenceId: Type.Optional(
    Type.String({ ...id, description: 'Your own id; transactions can be found by it' }),
  ),
  metadata: Type.Optional(
    metadata({
      pairs: limits.metadataPairs,
      keyLength: limits.metadataKeyLength,
      valueLength: limits.metadataValueLength,
    }),
  ),
});
export type CreateTransferBody = Static<typeof CreateTransferBody>;
