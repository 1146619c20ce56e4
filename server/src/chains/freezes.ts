import type { ChainConfig } from './config.ts';
import type { BlockingReason } from './errors.ts';
import type { Node } from './node.ts';
import { askUntilAgreed } from './node-agreement.ts';
import type { NodePool } from './node-pool.ts';
import type { Block, Freeze } from './port.ts';
import type { Stablecoin } from './registry.ts';
import type { PaymentIntent } from './signing.ts';
import { requireToken } from './tokens.ts';

/** What a token's issuer has stopped, as one node reports it. */
export interface FreezeFacts {
  /** Nothing of the token moves. */
  readonly isPaused: boolean;
  readonly isTreasuryBlocked: boolean;
  readonly isReceiverBlocked: boolean;
}

/**
 * Finds out whether an issuer has stopped a transfer. As many nodes as must agree have to report the same: on the word of one, a
 * transfer could be failed.
 *
 * @throws ChainError if too few nodes agree
 */
export async function findFreeze<Head extends Block>(
  nodes: NodePool<Head>,
  agreement: number,
  ask: (node: Node) => Promise<FreezeFacts>,
): Promise<Freeze | undefined> {
  await nodes.choose();
  const facts = await askUntilAgreed(
    nodes,
    agreement,
    ask,
    JSON.stringify,
    'what the issuer of a token has frozen',
  );
  if (facts.isPaused) return 'token_paused';
  if (facts.isTreasuryBlocked) return 'treasury_blocked';
  return facts.isReceiverBlocked ? 'receiver_blocked' : undefined;
}

/** What happens to a payment that an issuer has stopped: it waits for the token and the treasury, and fails for its receiver. */
export function freezeReason(freeze: Freeze, currency: Stablecoin): BlockingReason {
  switch (freeze) {
    case 'token_paused':
      return { policy: 'retry', text: `The issuer of ${currency} has paused the token: its transfers wait.` };
    case 'treasury_blocked':
      return {
        policy: 'ask_operator',
        text: `The issuer of ${currency} has blocked the treasury: its transfers wait.`,
      };
    case 'receiver_blocked': {
      const text = `The issuer of ${currency} has blocked the destination address.`;
      return { policy: 'refuse', text, clientText: text };
    }
  }
}

/** The functions by which issuers' contracts tell whom they have blocked: USDC and EURC, USDT, USDT0, PYUSD. */
const lists: readonly string[] = [
  'isBlacklisted(address)',
  'isBlackListed(address)',
  'getBlackListStatus(address)',
  'isBlocked(address)',
  'isFrozen(address)',
  'isAddrFrozen(address)',
];
const paused = 'paused()';

/** Calls a function of a token on one node. @returns undefined if the contract does not have it, or if it returns no Boolean */
export type BooleanCall = (
  node: Node,
  contract: string,
  signature: string,
  account: string,
) => Promise<boolean | undefined>;

/**
 * Creates what finds out whether the issuer of a token has stopped a transfer, on chains whose tokens are contracts. Which functions a
 * contract has is found out once, by as many nodes as must agree.
 */
export function createContractFreezes<Head extends Block>(
  config: ChainConfig,
  nodes: NodePool<Head>,
  treasury: string,
  call: BooleanCall,
): (intent: PaymentIntent) => Promise<Freeze | undefined> {
  const { agreement } = config;
  const known = new Map<string, readonly string[]>();
  const functionsOf = async (contract: string): Promise<readonly string[]> => {
    const every = [...lists, paused];
    const supportedBy = async (node: Node): Promise<string[]> => {
      const answers = await Promise.all(every.map((signature) => call(node, contract, signature, treasury)));
      return every.filter((_, index) => answers[index] !== undefined);
    };
    await nodes.choose();
    return askUntilAgreed(nodes, agreement, supportedBy, JSON.stringify, 'the functions of a token');
  };
  return async (intent) => {
    if (intent.kind !== 'transfer') return undefined;
    const { address: contract } = requireToken(config, intent.currency);
    const supported = known.get(contract) ?? (await functionsOf(contract));
    known.set(contract, supported);
    const isTrue = async (node: Node, signatures: readonly string[], account: string): Promise<boolean> => {
      const asked = signatures.filter((signature) => supported.includes(signature));
      const answers = await Promise.all(asked.map((signature) => call(node, contract, signature, account)));
      return answers.includes(true);
    };
    return findFreeze(nodes, agreement, async (node) => ({
      isPaused: await isTrue(node, [paused], treasury),
      isTreasuryBlocked: await isTrue(node, lists, treasury),
      isReceiverBlocked: await isTrue(node, lists, intent.address),
    }));
  };
}
