import type { Chain, Stablecoin } from './registry.ts';

/** A chain's main network, or its public test network. */
export type NetworkKind = 'mainnet' | 'testnet';

/** A network with built-in configuration. */
export interface KnownNetwork {
  /** Identifies the network: the chain id of EVM chains (EIP-155), the hash of Solana's genesis block, the id of Tron's first block. */
  readonly id: string;
  /** The issuers' own contracts, as they publish them; all have 6 decimals. */
  readonly tokens: Readonly<Partial<Record<Stablecoin, string>>>;
}

/**
 * What makes a block final: nodes report it as `finalized` or `safe` (on Solana and Tron `finalized` is the finalized and the solidified
 * block), or a number of `confirmations` has passed.
 */
export type Finality = 'finalized' | 'safe' | 'confirmations';

/** Default settings of a chain. */
export interface ChainDefaults {
  /** What makes a block final. */
  readonly finality: Finality;
  /** How many blocks confirm a deposit, its own block included, where their number makes it final. */
  readonly confirmations: number;
  readonly pollMs: number;
  /** How many blocks a request covers. */
  readonly blockRange: number;
}

export const chainDefaults: Readonly<Partial<Record<Chain, ChainDefaults>>> = {
  ethereum: { finality: 'finalized', confirmations: 12, pollMs: 6000, blockRange: 100 },
  arbitrum: { finality: 'finalized', confirmations: 40, pollMs: 2000, blockRange: 1000 },
  base: { finality: 'finalized', confirmations: 20, pollMs: 2000, blockRange: 200 },
  optimism: { finality: 'finalized', confirmations: 20, pollMs: 2000, blockRange: 200 },
  polygon: { finality: 'finalized', confirmations: 64, pollMs: 2000, blockRange: 200 },
  // A block is final once it is accepted; its nodes have no other tag.
  avalanche: { finality: 'confirmations', confirmations: 4, pollMs: 2000, blockRange: 200 },
  // Only finalized blocks are read on Solana.
  solana: { finality: 'finalized', confirmations: 1, pollMs: 2000, blockRange: 50 },
  // A block is solid once 19 of 27 producers have built on it, which the 20th block follows.
  tron: { finality: 'finalized', confirmations: 20, pollMs: 3000, blockRange: 20 },
};

const ethereum: Record<NetworkKind, KnownNetwork> = {
  mainnet: {
    id: '1',
    tokens: {
      usdc: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
      usdt: '0xdAC17F958D2ee523a2206206994597C13D831ec7',
      pyusd: '0x6c3ea9036406852006290770BEdFcAbA0e23A0e8',
      eurc: '0x1aBaEA1f7C830bD89Acc67eC4af516284b1bC33c',
    },
  },
  testnet: {
    id: '11155111',
    tokens: {
      usdc: '0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238',
      pyusd: '0xCaC524BcA292aaade2DF8A05cC58F0a65B1B3bB9',
      eurc: '0x08210F9170F89Ab7658F0B5E3fF39b0E03C594D4',
    },
  },
};

/** Built-in networks, by chain. Addresses are from the issuers' public lists; verify them before moving money. */
export const networks: Readonly<Partial<Record<Chain, Readonly<Record<NetworkKind, KnownNetwork>>>>> = {
  ethereum,
  arbitrum: {
    mainnet: {
      id: '42161',
      tokens: {
        usdc: '0xaf88d065e77c8cC2239327C5EDb3A432268e5831',
        usdt: '0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9',
        pyusd: '0x46850aD61C2B7d64d08c9C754F45254596696984',
      },
    },
    testnet: { id: '421614', tokens: { usdc: '0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d' } },
  },
  base: {
    mainnet: {
      id: '8453',
      tokens: {
        usdc: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
        eurc: '0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42',
      },
    },
    testnet: {
      id: '84532',
      tokens: {
        usdc: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
        eurc: '0x808456652fdb597867f38412077A9182bf77359F',
      },
    },
  },
  optimism: {
    mainnet: {
      id: '10',
      tokens: {
        usdc: '0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85',
        usdt: '0x94b008aA00579c1307B0EF2c499aD98a8ce58e58',
      },
    },
    testnet: { id: '11155420', tokens: { usdc: '0x5fd84259d66Cd46123540766Be93DFE6D43130D7' } },
  },
  polygon: {
    mainnet: {
      id: '137',
      tokens: {
        usdc: '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359',
        usdt: '0xc2132D05D31c914a87C6611C10748AEb04B58e8F',
      },
    },
    testnet: { id: '80002', tokens: { usdc: '0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582' } },
  },
  avalanche: {
    mainnet: {
      id: '43114',
      tokens: {
        usdc: '0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E',
        usdt: '0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7',
        eurc: '0xC891EB4cbdEFf6e073e859e987815Ed1505c2ACD',
      },
    },
    testnet: {
      id: '43113',
      tokens: {
        usdc: '0x5425890298aed601595a70AB815c96711a31Bc65',
        eurc: '0x5E44db7996c682E92a960b65AC713a54AD815c6B',
      },
    },
  },
  solana: {
    mainnet: {
      id: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d',
      tokens: {
        usdc: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
        usdt: 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB',
        pyusd: '2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo',
        eurc: 'HzwqbKZw8HxMN6bF2yFZNrht3c2iXXzpKcFu7uBEDKtr',
      },
    },
    // Devnet.
    testnet: {
      id: 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG',
      tokens: {
        usdc: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
        pyusd: 'CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM',
      },
    },
  },
  tron: {
    mainnet: {
      id: '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc',
      tokens: { usdt: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t' },
    },
    // Nile. Its USDT is issued by the community.
    testnet: {
      id: '0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc',
      tokens: { usdt: 'TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf' },
    },
  },
};
