import { vi } from 'vitest';
import { main } from '../../cli/src/main.ts';
import type { TestServer } from './server.ts';

/** What a command has printed, and its exit code. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, beside a server under test: much faster than a process of its own. */
export async function runCommand(
  server: Pick<TestServer, 'servingUrl' | 'masterKey'>,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Printed> {
  const texts = { out: '', err: '' };
  const collect = (name: 'out' | 'err') => (chunk: string | Uint8Array) => {
    texts[name] += String(chunk);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(collect('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(collect('err')),
  ];
  vi.stubEnv('DATABASE_URL', server.servingUrl);
  vi.stubEnv('OPENLEDGER_MASTER_KEY', server.masterKey);
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    process.exitCode = undefined;
    await main(args);
    return { code: Number(process.exitCode ?? 0), ...texts };
  } finally {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}
