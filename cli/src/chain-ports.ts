import { type ChainConfig, readChainsFile } from '@openledger/server/chains/config.ts';
import { openChain } from '@openledger/server/chains/families.ts';
import type { ChainPort } from '@openledger/server/chains/port.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import type { Pool } from '@openledger/server/store/pool.ts';
import { Option } from 'commander';

/** The option that names the configuration of the chains. */
export function chainsFileOption(): Option {
  return new Option('--chains-file <path>', "the server's chain configuration, in JSON").env(
    'OPENLEDGER_CHAINS_FILE',
  );
}

/**
 * Reads the configured chains, or one of them.
 *
 * @throws ConfigError if there is no file, or the chain is not in it
 */
export function readConfigs(chainsFile: string | undefined, chain: string | undefined): ChainConfig[] {
  if (chainsFile === undefined) {
    throw new ConfigError('--chains-file (OPENLEDGER_CHAINS_FILE): required.');
  }
  const configs = readChainsFile(chainsFile).filter(
    (config) => chain === undefined || config.chain === chain,
  );
  if (configs.length === 0) throw new ConfigError(`--chain: ${chain} must be configured in the chains file.`);
  return configs;
}

/** Runs `work` with a chain that nothing can be signed on. Its treasury is the one that servers have recorded, or empty. */
export async function withChain<Result>(
  pool: Pool,
  config: ChainConfig,
  work: (port: ChainPort) => Promise<Result>,
): Promise<Result> {
  const { rows } = await pool.query<{ treasury: string | null }>(
    'select treasury from chain_cursors where chain = $1',
    [config.chain],
  );
  const port = openChain(config, rows[0]?.treasury ?? '', noSigner, () => undefined);
  try {
    return await work(port);
  } finally {
    await port.close();
  }
}

const noSigner = {
  sign: async () => Promise.reject(new Error('This command must not sign anything')),
  signAuthorization: async () => Promise.reject(new Error('This command must not sign anything')),
  lastSigned: async () => undefined,
};
