import type { SolanaConfig } from '../config.ts';
import { findFreeze } from '../freezes.ts';
import type { Freeze } from '../port.ts';
import type { PaymentIntent } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { findAccounts } from './accounts.ts';
import type { SolanaNodes } from './blocks.ts';
import { programs, tokenAccountOf } from './programs.ts';
import type { Account } from './responses.ts';

/** SPL Token, `Account`: the offset of its state, and the state of a frozen one. */
const stateOffset = 108;
const frozen = 2;
/** Token-2022: extensions of a mint follow the type of the account, each with a type and a length (`ExtensionType::Pausable`). */
const extensionsOffset = 166;
const pausableType = 26;
const pausedOffset = 32;

/**
 * Finds out whether the issuer of a token has frozen the token account of the treasury or of the receiver, or paused the mint.
 *
 * @throws ChainError if too few nodes agree
 */
export async function findSolanaFreeze(
  config: SolanaConfig,
  nodes: SolanaNodes,
  treasury: string,
  intent: PaymentIntent,
): Promise<Freeze | undefined> {
  if (intent.kind !== 'transfer') return undefined;
  const { address: mint, program } = requireToken(config, intent.currency);
  if (!program) return undefined;
  const accounts = [mint, ...[treasury, intent.address].map((owner) => tokenAccountOf(owner, mint, program))];
  return findFreeze(nodes, config.agreement, async (node) => {
    const [minted, own, receiver] = await findAccounts(node, accounts);
    return {
      isPaused: program === programs.token2022 && isPaused(minted),
      isTreasuryBlocked: isFrozen(own, program),
      isReceiverBlocked: isFrozen(receiver, program),
    };
  });
}

function isFrozen(account: Account | undefined, program: string): boolean {
  return account?.program === program && account.data[stateOffset] === frozen;
}

function isPaused(mint: Account | undefined): boolean {
  const data = Buffer.from(mint?.data ?? []);
  for (let at = extensionsOffset; at + 4 <= data.length; ) {
    const [type, length] = [data.readUInt16LE(at), data.readUInt16LE(at + 2)];
    if (type === pausableType) return data[at + 4 + pausedOffset] === 1;
    if (type === 0) return false;
    at += 4 + length;
  }
  return false;
}
