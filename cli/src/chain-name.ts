import { type Chain, isChain } from '@openledger/server/chains/registry.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';

/** @throws ConfigError if there is no such chain */
export function requireChain(text: string): Chain {
  if (isChain(text)) return text;
  throw new ConfigError(`${text} must be the name of a chain, such as base.`);
}
