import { orderNonceFill } from '@openledger/server/onchain/operator/requests.ts';
import type { Command } from 'commander';
import { operatorName } from './operator.ts';
import { type OrderOptions, runOrder, withOrderOptions } from './orders.ts';
import { type StoreSettings, withVault } from './store.ts';

/** Adds `openledger nonce …`. */
export function addNonceCommands(program: Command): void {
  const nonce = program.command('nonce').description('nonces of the treasury and of deposit addresses (EVM)');
  const settings = (): StoreSettings => program.opts();
  withOrderOptions(nonce.command('fill'))
    .description('fill a gap in the nonces, which holds up all later payments, with transfers of nothing')
    .argument('<chain>', 'the chain')
    .option('--sender <address>', "a deposit address (default: the treasury's)")
    .action((chain: string, options: OrderOptions & { sender?: string }) =>
      withVault(settings(), (store) => {
        const ordering = { reason: options.reason, by: operatorName() };
        return runOrder(store, options, () => orderNonceFill(store.pool, chain, options.sender, ordering));
      }),
    );
}
