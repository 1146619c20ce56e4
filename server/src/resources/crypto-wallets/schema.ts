import Type, { type Static } from 'typebox';
import { oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';

export const walletStatuses = ['active', 'frozen', 'closed'] as const;

/** As in the original document. */
export const CreateWalletBody = Type.Object({
  customerId: Type.String({ description: 'The customer ID to associate this wallet with' }),
});
export type CreateWalletBody = Static<typeof CreateWalletBody>;

export const UpdateWalletBody = Type.Object({
  status: oneOf(walletStatuses, '`closed` is final and needs an empty wallet'),
});
export type UpdateWalletBody = Static<typeof UpdateWalletBody>;

/** As in the original document. */
export const Wallet = Type.Object({
  id: Type.String(),
  customerId: Type.String(),
  status: Type.String(),
  createdAt: time(),
  updatedAt: time(),
});

export const WalletBalance = Type.Object({
  walletId: Type.String(),
  balance: Type.String({ description: 'The available USDC' }),
  balances: Type.Array(
    Type.Object({
      currency: Type.String(),
      available: Type.String({ description: 'What can be spent now' }),
      pending: Type.String({ description: 'What has been seen on a chain and is not credited yet' }),
      total: Type.String({ description: 'Available and pending' }),
    }),
  ),
});

export const DepositAddresses = Type.Array(
  Type.Object({
    chain: Type.String(),
    address: Type.String(),
    currencies: Type.Array(Type.String(), { description: 'What may be sent to this address on this chain' }),
  }),
);

const serialiseWallet = compileSerialiser<Static<typeof Wallet>>(Wallet);
export const balanceJson = compileSerialiser<Static<typeof WalletBalance>>(WalletBalance);
export const depositAddressesJson = compileSerialiser<Static<typeof DepositAddresses>>(DepositAddresses);

/** A wallet as the API shows it, as JSON text. */
export function walletJson(row: WalletRow): string {
  return serialiseWallet({
    id: row.id,
    customerId: row.customer_id,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}
