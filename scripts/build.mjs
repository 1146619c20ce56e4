/**
 * Bundles the server and the command line tool, each into one file that Node runs. Packages stay outside, with
 * few exceptions: they are installed. Run by `npm run build`, and by prepare.mjs when a source has changed.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PrepareError, root, writeAtomically } from './checkout.mjs';

const entries = [
  ['server/src/main.ts', 'server/dist/main.js'],
  ['cli/src/main.ts', 'cli/dist/main.js'],
];

/** The command line tool shares the server's sources; to esbuild they would be a package like any other. */
const ownSources = {
  name: 'own-sources',
  setup(builder) {
    builder.onResolve({ filter: /^@openledger\/server\// }, ({ path }) => ({
      path: join(root, 'server/src', path.slice('@openledger/server/'.length)),
    }));
  },
};

/**
 * Packages that are bundled: of viem so little is used that, loaded whole, it takes more memory than all our own code; the others have
 * hundreds of files, and finding them takes a third of a command's time.
 */
const bundled = new Set(['kysely', 'typebox', 'viem']);

/** All other packages stay outside; what a bundled one needs goes with it, in its own version. */
const installedPackages = {
  name: 'installed-packages',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ importer, kind, path }) => {
      const isOurs = !relative(root, importer).includes(`node_modules${sep}`);
      return kind !== 'entry-point' && isOurs && !bundled.has(packageOf(path))
        ? { path, external: true }
        : undefined;
    });
  },
};

/**
 * Builds every entry that there is.
 *
 * @throws PrepareError when a source is wrong; esbuild has told where, on stderr
 */
export async function build() {
  const esbuild = await import('esbuild');
  for (const [source, target] of entries) {
    if (!existsSync(join(root, source))) continue;
    await bundle(esbuild, join(root, source), join(root, target));
  }
  await writeReferenceBundle(join(root, 'server/dist/reference.js'));
}

/**
 * Writes the script that renders the API reference in the browser, so that the server needs neither the package nor the
 * network for it. The package serves the script from a plugin of Fastify and exports it in no other way.
 */
async function writeReferenceBundle(target) {
  const { default: fastify } = await import('fastify');
  const { default: reference } = await import('@scalar/fastify-api-reference');
  const app = fastify();
  app.register(reference, { routePrefix: '/reference', configuration: { url: '/openapi.json' } });
  const { body, statusCode } = await app.inject('/reference/js/scalar.js');
  await app.close();
  if (statusCode !== 200) throw new PrepareError('@scalar/fastify-api-reference does not serve its script.');
  writeAtomically(target, body);
}

async function bundle(esbuild, source, target) {
  let result;
  try {
    result = await esbuild.build({
      entryPoints: [source],
      outfile: target,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      // Node keeps the text of both while the server runs; traces need no more than the places.
      minifyWhitespace: true,
      sourcemap: true,
      sourcesContent: false,
      plugins: [ownSources, installedPackages],
      logLevel: 'warning',
      // Written here, each by a rename: a server that is started meanwhile reads the old file or the new one.
      write: false,
    });
  } catch (cause) {
    throw new PrepareError('The build failed. The error is printed above.', { cause });
  }
  mkdirSync(dirname(target), { recursive: true });
  for (const { path, contents } of result.outputFiles) writeAtomically(path, contents);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { prepareRuntime } = await import('./prepare.mjs');
  await prepareRuntime();
  await build().catch((error) => {
    process.stderr.write(`${error instanceof PrepareError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
}

/** @param {string} path as it is imported */
function packageOf(path) {
  return path.split('/', path.startsWith('@') ? 2 : 1).join('/');
}
