import type { SolanaConfig } from '../config.ts';
import type { Family } from '../family.ts';
import { createRpcNode } from '../json-rpc.ts';
import type { Block } from '../port.ts';
import { solanaProbe } from './blocks.ts';
import { createSolanaOutflows } from './outflows.ts';
import { createSolanaReader } from './reader.ts';
import { createSolanaSender } from './sender.ts';

/** Solana. */
export const solanaFamily: Family<SolanaConfig, Block> = {
  probe: solanaProbe,
  createNode: createRpcNode,
  createReader: createSolanaReader,
  createSender: createSolanaSender,
  createOutflows: createSolanaOutflows,
  comparable: (address) => address,
};
