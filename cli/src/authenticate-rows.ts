import { ConfigError } from '@openledger/server/platform/config.ts';
import {
  areRowsAuthenticated,
  authenticateRows,
  isAnyRowAuthenticated,
} from '@openledger/server/store/authenticate-rows.ts';
import { printLines } from './print.ts';
import type { Store } from './store.ts';

/**
 * Adds authentication codes to the rows of an upgraded database. The operator thereby confirms that no row is forged.
 *
 * @param isContinued whether some rows may have codes already
 * @throws ConfigError if there is nothing to do, or codes seem to have been removed
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
