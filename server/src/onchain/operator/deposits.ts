import { checkAddress } from '../../chains/addresses.ts';
import type { BlockingReason } from '../../chains/errors.ts';
import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import { transferId } from '../deposits/classify.ts';
import { creditOf } from '../deposits/credit.ts';
import { readUncredited, type StoredUncredited } from '../deposits/uncredited.ts';
import type { FollowDeps } from '../payments/follow.ts';
import { ownTransactions } from '../payments/queries.ts';
import { type Booked, creditByOrder, writeOffByOrder } from './deposit-commands.ts';
import { findTransfer } from './evidence.ts';
import { findAddressIndex } from './nonce-fill.ts';
import { type ActionHandler, endAction } from './payments.ts';
import { parametersOf } from './state.ts';

/** An uncredited deposit as as many nodes as must agree report it now. */
export interface Confirmed {
  readonly stored: StoredUncredited;
  readonly transfer: SeenTransfer;
  /** What of a configured token arrived and belongs to nobody; null for any other token, and if nothing arrived. */
  readonly booked: Booked;
  /** The address in the registry's form. */
  readonly address: string;
}

/** Reads an uncredited deposit from the chain again: its stored row is no evidence. */
export async function confirmDeposit(
  { pool, port }: FollowDeps,
  action: OperatorActionRow,
): Promise<Confirmed | { readonly refusal: string } | { readonly waits: string }> {
  const { chain } = port;
  const stored = await readUncredited(pool, chain, action.subject);
  if (!stored) return { refusal: `There is no uncredited deposit ${action.subject}.` };
  const found = await findTransfer(
    port,
    stored.txHash,
    stored.address,
    (one) => transferId(chain, one) === stored.id,
  );
  if (!('transfer' in found)) return found;
  const { transfer } = found;
  const address = canonical(chain, stored.address);
  const { currency } = transfer;
  const received = BigInt(stored.received);
  if (currency === undefined || received === 0n) return { stored, transfer, booked: null, address };
  const measured = await port.reader.received([transfer], (hashes) => ownTransactions(pool, hashes));
  if (measured && !measured.isAgreed) return { waits: 'Too few nodes have measured what arrived.' };
  const ofEvent = port.token(currency)?.isKnown ? transfer.amount : undefined;
  const most = measured ? (measured.amounts.get(transfer.to) ?? 0n) : ofEvent;
  if (most === undefined) return { waits: `No node has the state of block ${transfer.block.height}.` };
  if (received > transfer.amount || received > most) {
    return { refusal: `${received} minor units are recorded, but the chain moved ${most}.` };
  }
  return { stored, transfer, booked: { currency, amountMinor: received }, address };
}

/** An address in the registry's form; transfers of EVM chains have it in lower case. */
function canonical(chain: Chain, address: string): string {
  const checked = checkAddress(chain, address);
  return checked.ok ? checked.address : address;
}

/** Credits an uncredited deposit to the customer whose address received it, or to whom the operator says. */
export const creditDeposit: ActionHandler = async (deps, action) => {
  const { pool, port, rates, writer } = deps;
  const found = await confirmDeposit(deps, action);
  if (!('transfer' in found)) return refuseOrWait(deps, action, found);
  const { address, booked, transfer } = found;
  const { amount, currency, walletId: named } = parametersOf(action);
  const owner = await findAddressIndex(pool, port.chain, address);
  const walletId = owner?.walletId ?? named;
  if (walletId === undefined || (named !== undefined && named !== walletId)) {
    const rule = `${address} belongs to ${owner?.walletId ?? 'no wallet'}: the deposit must be credited there.`;
    return endAction(deps, action, 'refused', rule);
  }
  const common = {
    ...{ walletId, chain: port.chain, txHash: transfer.txHash },
    ...{ height: transfer.block.height, blockId: transfer.block.id },
  };
  if (transfer.currency !== undefined) {
    if (!booked) return endAction(deps, action, 'refused', 'Nothing of it arrived that could be credited.');
    const sellRate = rates?.quote('usdt', 'usd', Date.now())?.sellRate;
    const credit = creditOf(booked, sellRate);
    if (!credit) return { policy: 'retry', text: `There is no rate for ${booked.currency}.` };
    return submitCredit(deps, action, writer.submit(creditByOrder(action, { ...common, ...booked, credit })));
  }
  if (amount === undefined || currency === undefined) {
    const rule =
      'The token is not configured: `amount` and `currency` must say what the customer is credited.';
    return endAction(deps, action, 'refused', rule);
  }
  const given = { currency: currency as Stablecoin, amountMinor: BigInt(amount), credit: undefined };
  return submitCredit(deps, action, writer.submit(creditByOrder(action, { ...common, ...given })));
};

async function submitCredit(
  deps: FollowDeps,
  action: OperatorActionRow,
  submitted: ReturnType<FollowDeps['writer']['submit']>,
): Promise<BlockingReason | undefined> {
  const outcome = await submitted;
  if (outcome.kind !== 'refused' || outcome.refusal.reason === 'not_due') return undefined;
  return endAction(deps, action, 'refused', outcome.refusal.message);
}

/** Ends an uncredited deposit that nobody claims. */
export const writeOffDeposit: ActionHandler = async (deps, action) => {
  const found = await confirmDeposit(deps, action);
  if (!('transfer' in found)) return refuseOrWait(deps, action, found);
  if (found.stored.reason === 'treasury_funding') {
    return endAction(deps, action, 'refused', "What was sent to the treasury is the house's own.");
  }
  await deps.writer.submit(writeOffByOrder(action, found.booked));
  return undefined;
};

/** Ends an order that the chain refutes, or waits until the chain can tell. */
export async function refuseOrWait(
  deps: FollowDeps,
  action: OperatorActionRow,
  found: { readonly refusal: string } | { readonly waits: string },
): Promise<BlockingReason | undefined> {
  if ('refusal' in found) return endAction(deps, action, 'refused', found.refusal);
  return { policy: 'retry', text: found.waits };
}
