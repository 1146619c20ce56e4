import type { EvmConfig } from '../config.ts';
import type { Family } from '../family.ts';
import { createRpcNode } from '../json-rpc.ts';
import { evmProbe } from './blocks.ts';
import { createEvmOutflows } from './outflows.ts';
import { createEvmReader } from './reader.ts';
import type { Header } from './responses.ts';
import { createEvmSender } from './sender.ts';

/** EVM chains. */
export const evmFamily: Family<EvmConfig, Header> = {
  probe: evmProbe,
  createNode: createRpcNode,
  createReader: createEvmReader,
  createSender: createEvmSender,
  createOutflows: createEvmOutflows,
  comparable: (address) => address.toLowerCase(),
};
