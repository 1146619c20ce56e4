import { verifyLedger } from '@openledger/server/ledger/verify.ts';
import { printJson } from './print.ts';
import type { Store } from './store.ts';

/** Verifies the whole deployment's books and prints what was found; the exit code is 1 when something is wrong. */
export async function verifyCommand({ pool }: Store): Promise<void> {
  const found = await verifyLedger(pool);
  printJson(found);
  if (!found.ok) process.exitCode = 1;
}
