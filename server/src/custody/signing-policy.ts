import type { ChainConfig } from '../chains/config.ts';
import type { SignerPolicy } from './policy.ts';

/**
 * What a signer inside this process signs: on the chains and for the tokens that are configured, within their limits.
 * A signer that runs apart has a policy of its own.
 */
export function signingPolicy(configs: readonly ChainConfig[]): SignerPolicy {
  return Object.fromEntries(
    configs.map(({ chain, networkId, signing, tokens }) => [
      chain,
      {
        networkId,
        maxFeeNative: signing.maxFeeNative,
        nativePerDay: signing.nativePerDay,
        tokens: Object.fromEntries(
          tokens.map(({ address, currency, program }) => [
            currency,
            {
              address,
              program,
              perTransferMinor: signing.perTransferMinor,
              perDayMinor: signing.perDayMinor,
            },
          ]),
        ),
      },
    ]),
  );
}
