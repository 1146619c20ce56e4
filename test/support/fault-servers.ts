import { randomBytes } from 'node:crypto';
import { Agent } from 'undici';
import { type Caller, createCaller } from './load.ts';
import { type ServerProcess, startServerProcess } from './process.ts';

/** A server process under a fault, and who calls it. */
export interface FaultServer {
  readonly process: ServerProcess;
  readonly caller: Caller;
}

/** Server processes with one configuration: one after the other, or several concurrently on a database of their own. */
export interface FaultServers {
  /** @throws Error when the test key is another one than before */
  start(): Promise<FaultServer>;
  close(): Promise<void>;
}

interface FaultServersOptions {
  /** Where the keys are kept, and the embedded PostgreSQL unless there is another database. */
  readonly dataDir: string;
  readonly databaseUrl?: string;
  /** Where the schema is not there yet. */
  readonly migrationUrl?: string;
  readonly lanes: number;
  readonly clients: number;
  readonly env?: Readonly<Record<string, string>>;
}

const answerTimeoutMs = 20_000;

/** Starts nothing yet. */
export function createFaultServers(options: FaultServersOptions): FaultServers {
  const { clients, dataDir, databaseUrl, lanes, migrationUrl } = options;
  const args = [
    ...['--data-dir', dataDir, '--rate-limit', 'off', '--lanes', String(lanes)],
    ...['--sandbox-step-ms', '20', '--log-level', 'error'],
  ];
  const env = {
    OPENLEDGER_MASTER_KEY: randomBytes(32).toString('hex'),
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...(migrationUrl === undefined ? {} : { OPENLEDGER_MIGRATION_URL: migrationUrl }),
    ...options.env,
  };
  const agents: Agent[] = [];
  let testKey = '';
  return {
    async start() {
      const process = await startServerProcess({ args, env });
      testKey ||= process.testKey ?? '';
      if (process.testKey !== testKey) throw new Error('The server shows another test key than before');
      const agent = new Agent({
        connections: clients,
        headersTimeout: answerTimeoutMs,
        bodyTimeout: answerTimeoutMs,
      });
      agents.push(agent);
      return { process, caller: createCaller(process.url, testKey, agent) };
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.destroy()));
    },
  };
}
