import type { ChainPort } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { keepLook } from './queries.ts';

/** Writes down how a chain looks after a turn: when it has changed, and from time to time. */
export type Look = (headHeight: number | undefined, fault: string | undefined) => Promise<void>;

export function createLook({
  holder,
  pool,
  port,
}: {
  readonly holder: string;
  readonly pool: Pool;
  readonly port: ChainPort;
}): Look {
  let written = '';
  let writtenMs = 0;
  return async (headHeight, fault) => {
    const nodes = port.nodes();
    const told = JSON.stringify([fault, nodes]);
    if (told === written && Date.now() - writtenMs < limits.chainStandingMs) return;
    const { chain, networkId: network } = port.config;
    await keepLook(pool, holder, { chain, network, headHeight, fault, nodes });
    written = told;
    writtenMs = Date.now();
  };
}
