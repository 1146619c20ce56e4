import type { ChainConfig } from '../../chains/config.ts';
import { ChainError } from '../../chains/errors.ts';
import { gasFeeMinor } from '../../chains/gas-fee.ts';
import type { ChainPort, TransferCost } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { rentOf } from '../../chains/solana/fees.ts';
import { requireToken } from '../../chains/tokens.ts';
import { assert } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import { parseRatio } from '../../platform/money.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { LiveCosts } from '../../resources/transfers/live-costs.ts';

/** An estimate, and when it was made. */
interface Known {
  readonly cost: TransferCost;
  readonly atMs: number;
}

/**
 * Estimates what live transfers cost by asking the nodes: on Solana for each destination, elsewhere at most once in `transferCostMs`
 * for each chain. While no node responds, the last fee counts, and a receiver counts as one without an account.
 *
 * @param rates for amounts in EURC; dollars count as euros without them
 */
export function createLiveCosts(ports: readonly ChainPort[], rates: RateProvider | undefined): LiveCosts {
  const last = new Map<Chain, Known>();
  const current = async (
    port: ChainPort,
    currency: Stablecoin,
    address: string,
  ): Promise<Known | undefined> => {
    const { chain, config, sender } = port;
    const known = last.get(chain);
    const isShared = config.family !== 'solana';
    if (isShared && known && Date.now() - known.atMs < limits.transferCostMs) return known;
    try {
      const estimated = { cost: await sender.likelyCost(currency, address), atMs: Date.now() };
      last.set(chain, estimated);
      return estimated;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      return known && { ...known, cost: { ...known.cost, accountNative: rentIn(config, currency) } };
    }
  };
  return {
    async costOf(chain, currency, address, paidIn) {
      const port = ports.find((known) => known.chain === chain);
      assert(port, 'a live transfer is sent on a configured chain');
      const { config, nativeUnit } = port;
      const known = await current(port, currency, address);
      const nativeUsd = config.nativeUsd ?? config.sweeps.nativeUsd;
      const midRate = rates?.quote('usd', 'eurc', Date.now())?.midRate;
      const eurPerUsd = midRate === undefined ? undefined : parseRatio(midRate);
      const toMinor = (native: bigint): bigint =>
        gasFeeMinor(native, nativeUnit, paidIn as Stablecoin, nativeUsd, eurPerUsd) ??
        gasFeeMinor(native, nativeUnit, 'usdc', nativeUsd, undefined) ??
        0n;
      const accountNative = known?.cost.accountNative ?? rentIn(config, currency);
      const charge = accountNative === 0n ? 0n : (config.accountFeeMinor ?? toMinor(accountNative));
      const isCharged = config.family === 'solana' && config.accountFeeMinor !== 0n;
      return {
        networkMinor: known && toMinor(known.cost.feeNative),
        accountMinor: isCharged ? charge : undefined,
        minimumMinor: config.minTransferMinor,
      };
    },
  };
}

/** The cost of a token account; 0 on chains without them. */
function rentIn(config: ChainConfig, currency: Stablecoin): bigint {
  const { program } = requireToken(config, currency);
  return program ? rentOf(program) : 0n;
}
