import { createLogger } from '../../../server/src/platform/logger.ts';
import { dropDatabase } from '../../support/database.ts';
import { createRandom } from '../random.ts';
import { drain } from './actions.ts';
import { type SimulatedChain, simulatedChains } from './chain-model.ts';
import { type Accounts, cloneDatabase, createAccounts, type Fixture } from './fixture.ts';
import { startProcess } from './process.ts';
import { configOf, createModel, entryOf } from './world.ts';

const walletCount = 3;

/** Prepares the databases that runs clone: so that a run begins with wallets that have money. */
export async function prepareFixture(): Promise<Fixture> {
  const chains = Object.fromEntries(simulatedChains.map((chain) => [chain, entryOf(chain)]));
  const accounts = await createAccounts(walletCount, chains);
  const [base, tron] = await Promise.all(simulatedChains.map((chain) => prepareTemplate(accounts, chain)));
  const templates = { base: base ?? '', tron: tron ?? '' };
  return {
    ...accounts,
    templates,
    async stop() {
      for (const name of Object.values(templates)) await dropDatabase(name);
      await accounts.stop();
    },
  };
}

/** Lets a server credit what has arrived before a run begins. Nothing is signed yet. */
async function prepareTemplate(accounts: Accounts, chain: SimulatedChain): Promise<string> {
  const database = await cloneDatabase(accounts, accounts.database);
  const process = await startProcess({
    fixture: accounts,
    databaseUrl: database.url,
    config: configOf(chain, { sweepFrom: null }),
    nodes: createModel(chain, accounts).nodes,
    clock: { now: Date.now },
    random: createRandom(0),
    logger: createLogger('error'),
    fault: undefined,
    ageMs: () => 0,
  });
  await drain(process);
  await process.kill();
  return database.name;
}
