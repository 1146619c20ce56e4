import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, createTestClient, type Hex, http, publicActions, walletActions } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { anvil as anvilChain } from 'viem/chains';
import { freePort } from '../process.ts';
import { testContract } from './contracts.ts';

/** The accounts that anvil gives coins to come from this one; it is public. */
export const mnemonic = 'test test test test test test test test test test test junk';

/** What a node is started with. */
export interface AnvilOptions {
  readonly chainId: number;
  /** Blocks are made so often; only when asked, or with each transaction, when left out. */
  readonly blockTimeS?: number;
  /** Blocks are made only when asked for. */
  readonly noMining?: boolean;
  /** Where the chain is kept while the node is down. */
  readonly statePath?: string;
  /** The states of all its blocks are kept there, not only the last. */
  readonly keepsStates?: boolean;
  readonly port?: number;
  /** Of a block. */
  readonly gasLimit?: bigint;
}

/** A real EVM node with a chain of its own. */
export interface Anvil {
  readonly url: string;
  readonly port: number;
  readonly chainId: number;
  readonly client: ReturnType<typeof clientOf>;
  /** Ends the node; with a state path, its chain is kept. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** The program itself: the package's own start script would leave it running when it is killed. */
function anvilBinary(): string {
  const require = createRequire(import.meta.url);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${arch}`;
  const from = createRequire(require.resolve('@foundry-rs/anvil/package.json'));
  return join(dirname(from.resolve(`${name}/package.json`)), 'bin', 'anvil');
}

/** Starts a node and waits until it answers. */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  const port = options.port ?? (await freePort());
  const mining = options.noMining ? ['--no-mining'] : [];
  const time = options.blockTimeS === undefined ? [] : ['--block-time', String(options.blockTimeS)];
  const state = options.statePath === undefined ? [] : ['--state', options.statePath];
  if (options.gasLimit !== undefined) state.push('--gas-limit', String(options.gasLimit));
  if (options.keepsStates) state.push('--preserve-historical-states');
  const args = ['--port', String(port), '--chain-id', String(options.chainId), '--silent', '--accounts', '3'];
  const child = spawn(anvilBinary(), [...args, '--slots-in-an-epoch', '1', ...mining, ...time, ...state], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  running.add(child);
  let isStopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      // Otherwise a test would only say that a connection was refused.
      if (!isStopping) console.error(`anvil on port ${port} has ended by itself (${signal ?? code}).`);
      resolve();
    });
  });
  const url = `http://127.0.0.1:${port}`;
  const client = clientOf(url, options.chainId);
  for (let tries = 0; ; tries += 1) {
    try {
      await client.getBlockNumber({ cacheTime: 0 });
      break;
    } catch (error) {
      if (tries > 200 || child.exitCode !== null) throw error;
      await sleep(50);
    }
  }
  return {
    url,
    port,
    chainId: options.chainId,
    client,
    async stop(signal = 'SIGTERM') {
      isStopping = true;
      child.kill(signal);
      await ended;
    },
  };
}

function clientOf(url: string, chainId: number) {
  const account = mnemonicToAccount(mnemonic);
  return createTestClient({
    account,
    mode: 'anvil',
    chain: { ...anvilChain, id: chainId },
    transport: http(url, { retryCount: 0, timeout: 20_000 }),
    pollingInterval: 50,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** Makes a block again and again; the returned function ends it. */
export function keepMining(anvils: readonly Anvil[], everyMs: number): () => void {
  const timer = setInterval(() => {
    // A node that is being stopped makes none.
    for (const { client } of anvils) client.mine({ blocks: 1 }).catch(() => undefined);
  }, everyMs);
  return () => clearInterval(timer);
}

/** A token on a node's chain. */
export interface TestToken {
  readonly address: Address;
  /** Sends a call of the contract from the account that has coins, and does not wait for a block. */
  send(functionName: string, args: readonly unknown[]): Promise<Hex>;
  /** The same from an account that the node lets us be. */
  sendFrom(account: Address, functionName: string, args: readonly unknown[]): Promise<Hex>;
  balanceOf(address: string): Promise<bigint>;
}

/** Deploys a token. Blocks must be made with each transaction, or at times. */
export async function deployToken(
  { client }: Anvil,
  name: 'TestToken' | 'OldToken',
  args: readonly unknown[],
): Promise<TestToken> {
  const { abi, bytecode } = testContract(name);
  const hash = await client.deployContract({ abi, bytecode, args });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new Error('The contract was not made');
  return tokenAt(client, name, contractAddress);
}

/** A token that is on a node's chain already: the same contract may be on several. */
export function tokenAt(
  client: Anvil['client'],
  name: 'TestToken' | 'OldToken',
  address: Address,
): TestToken {
  const { abi } = testContract(name);
  return {
    address,
    send: (functionName, callArgs) =>
      client.writeContract({ address, abi, functionName, args: callArgs } as never),
    sendFrom: (account, functionName, callArgs) =>
      client.writeContract({ account, address, abi, functionName, args: callArgs } as never),
    balanceOf: (owner) =>
      client.readContract({ address, abi, functionName: 'balanceOf', args: [owner] }) as Promise<bigint>,
  };
}
