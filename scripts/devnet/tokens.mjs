/** The test tokens of `npm run devnet`. A node signs for its own first account: no key is needed to mint. */
import { setTimeout as sleep } from 'node:timers/promises';

/** The account that anvil gives coin to, and where its first two contracts always are. */
const owner = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
export const tokens = {
  usdc: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  usdt: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512',
};
const names = { usdc: ['USD Coin', 'USDC'], usdt: ['Tether USD', 'USDT'] };

const word = (value) => value.toString(16).padStart(64, '0');

/** `abi.encode(string, string)` of short texts. */
function textsAsWords(texts) {
  const bytes = texts.map((text) => Buffer.from(text));
  const tails = bytes.map((text) => word(text.length) + text.toString('hex').padEnd(64, '0'));
  return word(64) + word(128) + tails.join('');
}

/** Deploys what is not there yet. */
export async function deployTokens(url, bytecodeOf) {
  for (const [token, address] of Object.entries(tokens)) {
    if ((await rpc(url, 'eth_getCode', [address, 'latest'])) !== '0x') continue;
    const made = await send(url, { data: bytecodeOf('TestToken') + textsAsWords(names[token]) });
    if (made.contractAddress?.toLowerCase() !== address.toLowerCase()) {
      throw new Error(
        `The token ${token} is at ${made.contractAddress}: this chain is not of npm run devnet.`,
      );
    }
  }
}

/** Gives the treasury coin for gas, and a million of each token. */
export async function fundTreasury(url, treasury, currencies) {
  await rpc(url, 'anvil_setBalance', [treasury, `0x${(10n ** 20n).toString(16)}`]);
  for (const currency of currencies) await mint(url, tokens[currency], treasury, '1000000');
}

/** Mints tokens: `mint(address,uint256)`. @param amount in whole tokens, with six decimals at most */
export async function mint(url, token, address, amount) {
  const [whole, part = ''] = amount.split('.');
  const minor = BigInt(whole + part.padEnd(6, '0'));
  await send(url, {
    to: token,
    data: `0x40c10f19${address.slice(2).toLowerCase().padStart(64, '0')}${word(minor)}`,
  });
}

/** Sends a transaction and waits for its block; from the account that deployed the tokens unless it names another. */
export async function send(url, transaction) {
  const hash = await rpc(url, 'eth_sendTransaction', [{ from: owner, ...transaction }]);
  for (let tries = 0; tries < 200; tries += 1) {
    const receipt = await rpc(url, 'eth_getTransactionReceipt', [hash]);
    if (receipt?.status === '0x1') return receipt;
    if (receipt) throw new Error(`The chain refused the transaction ${hash}.`);
    await sleep(50);
  }
  throw new Error(`The transaction ${hash} is in no block.`);
}

/** Calls a method of a node. */
export async function rpc(url, method, params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  /** @type {any} */
  let answer;
  try {
    answer = await (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).json();
  } catch {
    throw new Error(`No chain answers at ${url}. Start it with: npm run devnet`);
  }
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}
