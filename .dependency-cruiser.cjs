/**
 * The import rules of ARCHITECTURE.md: resources may import engines and platform; engines import neither
 * resources nor http; platform imports nothing of ours.
 */
const src = '^server/src/';
const engines = `${src}(ledger|writer|chains|custody|rails|rates|events|identity|screening|sealing|store|embedded-postgres)/`;

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'platform-imports-nothing-of-ours',
      severity: 'error',
      from: { path: `${src}platform/`, pathNot: '[.]test[.]ts$' },
      to: { path: src, pathNot: `${src}platform/` },
    },
    {
      name: 'engines-know-neither-resources-nor-http',
      severity: 'error',
      from: { path: engines, pathNot: '[.]test[.]ts$' },
      to: { path: `${src}(resources/|http/|hosted/|onchain/|fiat/|simulator/(?!bank/)|webhooks/)` },
    },
    {
      name: 'store-is-below-the-other-engines',
      severity: 'error',
      from: { path: `${src}store/`, pathNot: '[.]test[.]ts$' },
      to: {
        path: `${src}(ledger|writer|chains|custody|rails|rates|events|webhooks|identity|screening|sealing|embedded-postgres)/`,
      },
    },
    {
      name: 'chains-imports-platform-and-store-only',
      severity: 'error',
      from: { path: `${src}chains/`, pathNot: '[.]test[.]ts$' },
      to: { path: src, pathNot: `${src}(chains|platform|store)/` },
    },
    {
      name: 'chain-families-do-not-import-each-other',
      severity: 'error',
      from: { path: `${src}chains/(evm|solana|tron)/`, pathNot: '[.]test[.]ts$' },
      to: { path: `${src}chains/(evm|solana|tron)/`, pathNot: `${src}chains/$1/` },
    },
    {
      name: 'custody-signs-and-knows-no-nodes',
      comment:
        'custody uses the codecs, the registry and the signing port of chains; it never reads a chain or sends to it.',
      severity: 'error',
      from: { path: `${src}custody/`, pathNot: '[.]test[.]ts$' },
      to: {
        path: `${src}chains/`,
        pathNot: `${src}chains/(addresses|config|errors|registry|signing)[.]ts$|${src}chains/evm/(eip3009|transaction)[.]ts$|${src}chains/solana/(programs|transaction)[.]ts$|${src}chains/tron/transaction[.]ts$`,
      },
    },
    {
      name: 'onchain-imports-state-of-resources-only',
      comment:
        'onchain drives transfers, transactions and wallets through their state modules, not through routes or requests.',
      severity: 'error',
      from: { path: `${src}onchain/`, pathNot: '[.]test[.]ts$' },
      to: {
        path: `${src}resources/[^/]+/(routes|[^/]*-routes|plugin)[.]ts$|${src}(http|hosted|simulator|webhooks)/`,
      },
    },
    {
      name: 'resources-do-not-import-onchain',
      comment: 'Except the conversion of deposits, which the sandbox shares.',
      severity: 'error',
      from: { path: `${src}resources/`, pathNot: '[.]test[.]ts$' },
      to: { path: `${src}onchain/`, pathNot: `${src}onchain/deposits/credit[.]ts$` },
    },
    {
      name: 'http-knows-no-resource',
      severity: 'error',
      from: { path: `${src}http/`, pathNot: '[.]test[.]ts$' },
      to: { path: `${src}(resources|hosted|onchain|fiat|simulator)/` },
    },
    {
      name: 'rails-know-no-sandbox',
      severity: 'error',
      from: { path: `${src}rails/`, pathNot: '[.]test[.]ts$' },
      to: { path: `${src}simulator/` },
    },
    {
      name: 'sandbox-bank-is-below-the-simulator',
      severity: 'error',
      from: { path: `${src}simulator/bank/`, pathNot: '[.]test[.]ts$' },
      to: { path: src, pathNot: `${src}(simulator/bank|rails|platform)/` },
    },
    {
      name: 'source-never-imports-tests',
      severity: 'error',
      from: { path: '^(server|cli)/src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^test/|[.]test[.]ts$' },
    },
    {
      name: 'not-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
