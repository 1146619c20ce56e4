import type { TronConfig } from '../config.ts';
import type { Family } from '../family.ts';
import { tronProbe } from './blocks.ts';
import { createTronNode } from './node.ts';
import { createTronOutflows } from './outflows.ts';
import { createTronReader } from './reader.ts';
import type { Header } from './responses.ts';
import { createTronSender } from './sender.ts';

/** Tron. */
export const tronFamily: Family<TronConfig, Header> = {
  probe: tronProbe,
  createNode: createTronNode,
  createReader: createTronReader,
  createSender: createTronSender,
  createOutflows: createTronOutflows,
  comparable: (address) => address,
};
