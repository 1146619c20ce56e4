/** Situations of `npm run devnet` that an operator has to end: docs/guides/treasury.md. */
import { mint, rpc, send, tokens } from './tokens.mjs';

const stranger = '0x00000000000000000000000000000000000A11ce';

/**
 * Brings a situation about on a node that runs.
 *
 * @param {string} url of the node
 * @returns {Promise<string>} what has happened
 */
export async function bringAbout(url, { address, chain, name, serverData }) {
  switch (name) {
    case 'uncredited':
      await mint(url, tokens.usdc, address, '0.005');
      return `0.005 usdc are on their way to ${address} on ${chain}: openledger deposits list`;
    case 'stall':
      await rpc(url, 'evm_setIntervalMining', [0]);
      return `${chain} makes no blocks: send a transfer, then: openledger payments list`;
    case 'mine':
      await rpc(url, 'evm_setIntervalMining', [1]);
      return `${chain} makes a block each second.`;
    case 'outflow':
      return outflow(url, chain, address);
    case 'nonce-gap':
      return skipNonce(chain, address, serverData);
    default:
      throw new Error(`There is no ${name}.`);
  }
}

/** Sends a token from the treasury as the node can, and not the server. */
async function outflow(url, chain, treasury) {
  await rpc(url, 'anvil_impersonateAccount', [treasury]);
  const data = `0xa9059cbb${stranger.slice(2).toLowerCase().padStart(64, '0')}${(1_000_000).toString(16).padStart(64, '0')}`;
  await send(url, { from: treasury, to: tokens.usdc, data });
  await rpc(url, 'anvil_stopImpersonatingAccount', [treasury]);
  return `1 usdc has left the treasury on ${chain} past the server: openledger chains status`;
}

/** Has the server give out the nonce after the next one, as if a payment had been deleted by hand. */
async function skipNonce(chain, treasury, serverData) {
  const { findRunning } = await import('../../server/src/embedded-postgres/embedded.ts');
  const running = await findRunning(serverData);
  if (!running) throw new Error(`--server-data: no server runs in ${serverData}.`);
  const { Client } = await import('pg').then(({ default: pg }) => pg);
  const db = new Client(running.databaseUrl);
  await db.connect();
  try {
    const { rowCount } = await db.query(
      'update chain_sequences set next_sequence = next_sequence + 1 where chain = $1 and sender = $2',
      [chain, treasury],
    );
    if (rowCount !== 1)
      throw new Error(`The treasury must have sent something on ${chain}: make a transfer first.`);
  } finally {
    await db.end();
  }
  return `A nonce of the treasury on ${chain} is skipped: send a transfer, then: openledger nonce fill ${chain} --reason …`;
}
