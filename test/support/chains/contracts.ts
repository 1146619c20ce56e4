import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Abi, Hex } from 'viem';
import { root, writeAtomically } from '../../../scripts/checkout.mjs';

/** A compiled contract. */
export interface Contract {
  readonly abi: Abi;
  readonly bytecode: Hex;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>;
}

const file = 'Tokens.sol';
let compiled: Record<string, Contract> | undefined;

/** Compiles the test tokens; the result is kept for all processes, because the compiler takes two seconds to load. */
export function testContract(name: 'TestToken' | 'OldToken'): Contract {
  compiled ??= kept() ?? compile();
  const found = compiled[name];
  if (!found) throw new Error(`There is no contract ${name}`);
  return found;
}

const source = readFileSync(new URL(file, import.meta.url), 'utf8');
const folder = join(root, 'node_modules/.cache/contracts');
const require = createRequire(import.meta.url);

/** Where the output for this source, these settings and this compiler is kept. */
function outputFile(): string {
  const { version } = require('solc/package.json') as { version: string };
  const hash = createHash('sha256')
    .update(JSON.stringify([version, input]))
    .digest('hex');
  return join(folder, `${hash}.json`);
}

function kept(): Record<string, Contract> | undefined {
  const path = outputFile();
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

const input = {
  language: 'Solidity',
  sources: { [file]: { content: source } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'paris',
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
};

function compile(): Record<string, Contract> {
  // CommonJS, and large: it is loaded only when it is needed.
  const solc = require('solc') as { compile(input: string): string };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  const fault = output.errors?.find(({ severity }) => severity === 'error');
  if (fault) throw new Error(fault.formattedMessage);
  const contracts = Object.fromEntries(
    Object.entries(output.contracts[file] ?? {}).map(([name, { abi, evm }]) => [
      name,
      { abi, bytecode: `0x${evm.bytecode.object}` as Hex },
    ]),
  );
  mkdirSync(folder, { recursive: true });
  writeAtomically(outputFile(), JSON.stringify(contracts));
  return contracts;
}
