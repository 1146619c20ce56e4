import type { TransferCost } from '../port.ts';
import type { TronNodes } from './blocks.ts';
import { hexAddress } from './calls.ts';
import { burntFor } from './costs.ts';
import { prices, resources } from './responses.ts';

/** The energy of a USDT transfer to an address that has none yet, which is twice that of another transfer. */
const transferEnergy = 131_000n;
const transferBytes = 211;

/** What a transfer is likely to burn, beyond what the treasury has staked. */
export async function likelyTronCost(nodes: TronNodes, treasury: string): Promise<TransferCost> {
  await nodes.choose();
  const current = await nodes.call('getchainparameters', {}, prices);
  const own = await nodes.call('getaccountresource', { address: hexAddress(treasury) }, resources);
  const usage = { energy: transferEnergy, rawBytes: transferBytes, makesAccount: false };
  return { feeNative: burntFor(usage, current, own), accountNative: 0n };
}
