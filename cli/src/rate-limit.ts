import { ConfigError } from '@openledger/server/platform/config.ts';
import { parseRateLimit } from '@openledger/server/platform/setting-parsers.ts';
import { setRateLimit } from '@openledger/server/resources/api-keys/commands.ts';
import { listOrganisations } from '@openledger/server/resources/api-keys/queries.ts';
import { printLine } from './print.ts';
import type { Store } from './store.ts';

/** Sets the organisation's rate limit. Running servers apply it within seconds. */
export async function rateLimitCommand({ db, writer }: Store, rule: string): Promise<void> {
  const rateLimit = rule === 'default' ? null : checked(rule);
  const [organisation] = await listOrganisations(db);
  if (!organisation)
    throw new ConfigError('There is no organisation yet; start the server first (npm start).');
  await writer.submit(setRateLimit(organisation.id, rateLimit));
  printLine(`Each key of ${organisation.name} may now make: ${rule}`);
}

function checked(rule: string): string {
  try {
    parseRateLimit(rule);
    return rule;
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}
