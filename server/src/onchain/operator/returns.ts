import { randomUUID } from 'node:crypto';
import { checkAddress } from '../../chains/addresses.ts';
import { type BlockingReason, blockingReasonOf } from '../../chains/errors.ts';
import type { ChainPort } from '../../chains/port.ts';
import type { ReturnIntent } from '../../chains/signing.ts';
import type { Pool } from '../../store/pool.ts';
import type { OperatorActionRow } from '../../store/tables/chains.ts';
import { countReorganisations } from '../cursor.ts';
import { type FollowDeps, followPayment } from '../payments/follow.ts';
import { listPayments } from '../payments/queries.ts';
import { endPayment, signNewPayment } from '../payments/send-queue.ts';
import { topUpAmount } from '../sweeps/economics.ts';
import { endReturn, holdForReturn } from './deposit-commands.ts';
import { type Confirmed, confirmDeposit, refuseOrWait } from './deposits.ts';
import { findAddressIndex } from './nonce-fill.ts';
import { type ActionHandler, endAction } from './payments.ts';
import { findPayment, listActionsOf } from './queries.ts';
import { withReturnProof } from './return-proofs.ts';
import { isOpen, parametersOf, returnPaymentId } from './state.ts';

/** Sends an uncredited deposit to the address that the operator has named, by a payment of its own, which exists once. */
export const returnDeposit: ActionHandler = async (deps, action) => {
  const { pool, port, writer } = deps;
  const id = returnPaymentId(action);
  const record = await findPayment(pool, id);
  if (action.status === 'requested') {
    const found = await confirmDeposit(deps, action);
    if (!('transfer' in found)) return refuseOrWait(deps, action, found);
    const fault = refuseReturn(port, found);
    if (fault !== undefined) return endAction(deps, action, 'refused', fault);
    await writer.submit(holdForReturn(action, found.booked));
    return undefined;
  }
  if (record?.status === 'completed') {
    await writer.submit(endReturn(action, true, `It was returned by ${record.tx_hash}.`));
    return undefined;
  }
  if (record && record.status !== 'open') {
    await writer.submit(endReturn(action, false, 'It was not returned: its payment can never land.'));
    return undefined;
  }
  if (!record) return signReturn(deps, action, id);
  // An order to cancel the payment decides what becomes of it.
  if ((await listActionsOf(pool, id)).some((order) => order.kind === 'payment_cancel' && isOpen(order))) {
    return undefined;
  }
  return followReturn(deps, action, id);
};

function refuseReturn({ chain }: ChainPort, { booked, stored, transfer }: Confirmed): string | undefined {
  if (transfer.currency !== undefined && !booked) return 'Nothing of it arrived that could be returned.';
  if (transfer.currency === undefined && chain === 'solana') {
    return 'On Solana only configured tokens can be returned.';
  }
  return transfer.amount === 0n || stored.reason === 'zero_value' ? 'It moved nothing.' : undefined;
}

async function signReturn(
  deps: FollowDeps,
  action: OperatorActionRow,
  id: string,
): Promise<BlockingReason | undefined> {
  const { pool, port, writer } = deps;
  const found = await confirmDeposit(deps, action);
  if ('refusal' in found) {
    await writer.submit(endReturn(action, false, found.refusal));
    return undefined;
  }
  if ('waits' in found) return { policy: 'retry', text: found.waits };
  const intent = await intentOf(deps, action, found);
  if ('text' in intent) return intent;
  try {
    const prepared = await port.sender.prepare(id, intent);
    if ('blockedBy' in prepared) {
      const { nativeNeeded } = prepared;
      if (nativeNeeded !== undefined && intent.index !== null) {
        return topUp(port, pool, intent.from, intent.index, nativeNeeded);
      }
      if (prepared.blockedBy.policy !== 'refuse') return prepared.blockedBy;
      await writer.submit(endReturn(action, false, prepared.blockedBy.text));
      return undefined;
    }
    const signed = await signNewPayment(pool, port, id, intent, () => undefined);
    if ('attempt' in signed) await port.sender.broadcast(signed.attempt);
    return 'blockedBy' in signed ? signed.blockedBy : undefined;
  } catch (error) {
    return blockingReasonOf(error, action.subject);
  }
}

/** The deposit address pays while it has the tokens; after a sweep the treasury does. */
async function intentOf(
  { pool, port }: FollowDeps,
  action: OperatorActionRow,
  { address, booked, transfer }: Confirmed,
): Promise<ReturnIntent | BlockingReason> {
  const { proof, to = '' } = parametersOf(action);
  const contract = checkAddress(port.chain, transfer.token);
  const token = contract.ok ? contract.address : transfer.token;
  const owner = await findAddressIndex(pool, port.chain, address);
  const common = { kind: 'deposit_return', token, address: to, proof } as const;
  if (!booked) {
    if (!owner) return { policy: 'ask_operator', text: `${address} is not an authentic deposit address.` };
    return { ...common, currency: null, amount: transfer.amount, from: address, index: owner.index };
  }
  const { amountMinor: amount, currency } = booked;
  const [held = 0n] = owner ? await port.reader.tokenBalances(currency, [address]) : [];
  if (owner && held >= amount) return { ...common, currency, amount, from: address, index: owner.index };
  return { ...common, currency, amount, from: port.sender.treasury, index: null };
}

async function followReturn(
  deps: FollowDeps,
  action: OperatorActionRow,
  id: string,
): Promise<BlockingReason | undefined> {
  const { pool, port, writer } = deps;
  const stored = (await listPayments(pool, port.chain)).find((payment) => payment.id === id);
  if (!stored) return { policy: 'ask_operator', text: `The payment ${id} is not authentic.` };
  const payment = withReturnProof(stored, parametersOf(action).proof);
  const { attempts } = payment;
  const reorganisations = await countReorganisations(pool, port.chain);
  if (attempts.length > 0) {
    const state = await port.sender.follow(payment, attempts, 0);
    if (state.kind === 'final') {
      const result = state.ok ? `It was returned by ${state.txHash}.` : `The chain refused ${state.txHash}.`;
      // The books first: until the payment has ended, reconciliation looks at both.
      await writer.submit(endReturn(action, state.ok, result));
      await endPayment(pool, port.chain, id, state, reorganisations);
      return undefined;
    }
  }
  return followPayment(deps, payment, undefined, reorganisations);
}

/** Gives a deposit address the native coin that it needs for a return. */
async function topUp(
  port: ChainPort,
  pool: Pool,
  address: string,
  index: number,
  needed: bigint,
): Promise<BlockingReason | undefined> {
  const held = await port.reader.nativeBalance(address);
  const amount = topUpAmount(needed, held, port.config.signing.maxFeeNative);
  if (amount === undefined) {
    return { policy: 'retry', text: 'The native coin that the return needs exceeds signing.maxFee.' };
  }
  const intent = { kind: 'top_up', amount, address, index } as const;
  const signed = await signNewPayment(pool, port, `top_up:${randomUUID()}`, intent, () => undefined);
  if ('attempt' in signed) await port.sender.broadcast(signed.attempt);
  return 'blockedBy' in signed ? signed.blockedBy : undefined;
}
