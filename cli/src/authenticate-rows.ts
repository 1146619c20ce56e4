import { ConfigError } from '@openledger/server/platform/config.ts';
import {
  areRowsAuthenticated,
  authenticateRows,
  isAnyRowAuthenticated,
} from '@openledger/server/store/authenticate-rows.ts';
import { printLines } from './print.ts';
import type { Store } from './store.ts';

/**
 * Gives the rows of a database that was upgraded their codes, as its operator's word that nobody has forged them yet.
 *
 * @param isContinued whether some may have theirs already
 * @throws ConfigError when there is nothing to do, or it looks as if somebody had taken codes away
 */
export async function authenticateRowsCommand({ pool }: Store, isContinued: boolean): Promise<void> {
  if (await areRowsAuthenticated(pool)) {
    throw new ConfigError(
      'The rows of this database are authenticated. What is wrong with them, verify tells.',
    );
  }
  if (!isContinued && (await isAnyRowAuthenticated(pool))) {
    throw new ConfigError(
      'Some rows are authenticated already. Give --continue if an earlier run of this command was interrupted; ' +
        'otherwise somebody has changed the database: compare it with a backup first.',
    );
  }
  const counts = Object.entries(await authenticateRows(pool)).filter(([, count]) => count > 0);
  const lines = counts.map(([table, count]) => `${table.padEnd(22)} ${count}`);
  printLines(['These rows are authenticated now:', ...lines]);
}
