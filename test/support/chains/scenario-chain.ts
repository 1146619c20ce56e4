import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, encodeFunctionData, getAddress, type Hex, keccak256, parseAbiItem } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { type Anvil, deployToken, mnemonic, startAnvil, type TestToken } from './anvil.ts';
import { testContract } from './contracts.ts';

const blockEveryMs = 120;
const offerEveryBlocks = 5;
const transfer = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');

/** A chain that goes on by itself, and can be reorganised and restarted while it does. */
export interface ScenarioChain {
  readonly name: string;
  readonly token: TestToken;
  readonly url: string;
  readonly chainId: number;
  /** Sends tokens to an address: they arrive sooner or later, whatever happens to the chain. */
  deposit(address: Address, amountMinor: bigint): Promise<Hex>;
  /** Gives an account coin for fees. */
  fund(address: Address): Promise<void>;
  /** Takes back the last blocks, with all that was in them. */
  reorganise(depth: number): Promise<void>;
  /** Stops the node and starts it again after a while: what was not in a block is forgotten. */
  restart(pauseMs: number): Promise<void>;
  /** Makes no block for a while. */
  halt(pauseMs: number): Promise<void>;
  /** Every block's base fee from now on, as a multiple of 1 gwei; undefined for what the chain itself would say. */
  setFees(gwei: number | undefined): void;
  /** A call of the token's contract by anybody, which is mined sooner or later. */
  callToken(functionName: string, args: readonly unknown[]): Promise<void>;
  /** Waits until every deposit is so many blocks deep. */
  settle(depth: number): Promise<void>;
  /** What was paid from an account to another, payment by payment. */
  paid(from: Address, to: Address): Promise<bigint[]>;
  stop(): Promise<void>;
}

/** Starts a chain with a token, and keeps making blocks. */
export async function startScenarioChain(
  name: string,
  chainId: number,
  contract: 'TestToken' | 'OldToken',
  statePath: string,
): Promise<ScenarioChain> {
  const options = { chainId, noMining: true, keepsStates: true, statePath };
  let node: Anvil = await startAnvil(options);
  const account = mnemonicToAccount(mnemonic, { addressIndex: 1 });
  const offered: { hash: Hex; raw: Hex }[] = [];
  let isOver = false;
  let blocks = 0;
  let feeGwei: number | undefined;
  /** The height at which the node was started the last time. */
  let startedAt = 0n;

  // The node is asked for one thing at a time: blocks are not made while the chain is being changed.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const offer = (raw: Hex): Promise<unknown> =>
    node.client.sendRawTransaction({ serializedTransaction: raw }).catch(() => undefined);
  const unmined = async (): Promise<typeof offered> => {
    const sent = await node.client.getTransactionCount({ address: account.address });
    return offered.slice(sent);
  };

  const mining = (async () => {
    while (!isOver) {
      await inTurn(async () => {
        blocks += 1;
        if (blocks % offerEveryBlocks === 0) for (const { raw } of await unmined()) await offer(raw);
        if (feeGwei !== undefined)
          await node.client.setNextBlockBaseFeePerGas({ baseFeePerGas: BigInt(feeGwei) * 10n ** 9n });
        await node.client.mine({ blocks: 1 });
      });
      await sleep(blockEveryMs);
    }
  })();
  const token = await deployToken(node, contract, contract === 'TestToken' ? ['USD Coin', 'USDC'] : [6, 0]);
  const { abi } = testContract(contract);
  const send = async (functionName: string, args: readonly unknown[]): Promise<Hex> => {
    const raw = await account.signTransaction({
      chainId,
      type: 'eip1559',
      nonce: offered.length,
      to: token.address,
      data: encodeFunctionData({ abi, functionName, args }),
      gas: 120_000n,
      maxFeePerGas: 100_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
    });
    const hash = keccak256(raw);
    offered.push({ hash, raw });
    await inTurn(() => offer(raw));
    return hash;
  };

  return {
    name,
    chainId,
    url: node.url,
    token,
    deposit: (address, amountMinor) => send('mint', [address, amountMinor]),
    async callToken(functionName, args) {
      await send(functionName, args);
    },
    halt: (pauseMs) => inTurn(() => sleep(pauseMs)),
    setFees(gwei) {
      feeGwei = gwei;
    },
    fund: (address) => inTurn(() => node.client.setBalance({ address, value: 10n ** 20n })),
    reorganise: (depth) =>
      inTurn(async () => {
        // anvil 1.7 loses every contract when it goes back to a block from before its start.
        const height = await node.client.getBlockNumber({ cacheTime: 0 });
        const missing = startedAt + BigInt(depth) + 1n - height;
        if (missing > 0n) await node.client.mine({ blocks: Number(missing) });
        await node.client.request({ method: 'anvil_reorg', params: [depth, []] } as never);
      }),
    restart: (pauseMs) =>
      inTurn(async () => {
        await node.stop();
        await sleep(pauseMs);
        node = await startAnvil({ ...options, port: node.port });
        startedAt = await node.client.getBlockNumber({ cacheTime: 0 });
      }),
    async settle(depth) {
      while ((await inTurn(unmined)).length > 0) await sleep(blockEveryMs);
      const height = await node.client.getBlockNumber({ cacheTime: 0 });
      while ((await node.client.getBlockNumber({ cacheTime: 0 })) < height + BigInt(depth))
        await sleep(blockEveryMs);
    },
    async paid(from, to) {
      const range = { fromBlock: 0n, toBlock: 'latest' } as const;
      const args = { from: getAddress(from), to: getAddress(to) };
      const logs = await node.client.getLogs({ address: token.address, event: transfer, args, ...range });
      return logs.map(({ args: { value = 0n } }) => value);
    },
    async stop() {
      isOver = true;
      await mining;
      await node.stop();
    },
  };
}
