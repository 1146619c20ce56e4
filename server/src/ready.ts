import type { App } from './app.ts';
import type { FirstKeys } from './key-files.ts';
import type { Config } from './platform/config.ts';
import { version } from './platform/version.ts';

/** What is printed once the server is ready. */
export interface Ready {
  readonly config: Config;
  readonly app: App;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly keys: Partial<FirstKeys>;
}

/** Prints to stdout that the server is ready: one JSON line, or a text with first steps. */
export function printReady({ app, config, dataDir, databaseUrl, keys }: Ready): void {
  const { adminUrl = null, url } = app;
  if (config.json) {
    const { liveKey = null, testKey = null } = keys;
    const shownUrl = config.showSecrets ? databaseUrl : withoutPassword(databaseUrl);
    const line = { ready: true, url, adminUrl, testKey, liveKey, dataDir, databaseUrl: shownUrl };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const key = keys.testKey ?? 'ld_test_…';
  const hint = keys.testKey
    ? ''
    : '\n  (created earlier; create another one with: npx openledger keys create --env test)';
  process.stdout.write(`
OpenLedger ${version} is ready.

  Base URL   ${url}
  Docs       ${url}/docs
  Admin      ${adminUrl === null ? 'off' : `${adminUrl}/metrics`}
  Test key   ${key}${hint}
  Data       ${config.databaseUrl ? 'your PostgreSQL (DATABASE_URL)' : dataDir}

Create your first customer:

  curl -s ${url}/v1/customers \\
    -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
    -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}'

Stop with Ctrl-C.
`);
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}
