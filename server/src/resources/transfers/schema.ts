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
  destinationCurrency: Type.String({ ...id, description: 'The currency that arrives' }),
  destinationPaymentRail: Type.String({ ...id, description: 'The chain it is sent on: `solana`, `base`, …' }),
  destinationAddress: Type.String({ ...id, description: 'The address on that chain' }),
  reference: Type.Optional(
    Type.String({ minLength: 1, maxLength: 140, description: 'Kept with the transfer' }),
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
