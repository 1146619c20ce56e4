import type { ChainConfig } from '../chains/config.ts';
import type { SignerPolicy } from './policy.ts';

/** The policy of a signer in this process: the configured chains and tokens, within their limits. A separate signer has its own policy. */
export function signingPolicy(configs: readonly ChainConfig[]): SignerPolicy {
  return Object.fromEntries(
    configs.map(({ chain, networkId, signing, tokens }) => [
      chain,
      {
        networkId,
        maxFeeNative: signing.maxFeeNative,
        nativePerDay: signing.nativePerDay,
        signAgainAfterMs: signing.signAgainAfterMs,
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
