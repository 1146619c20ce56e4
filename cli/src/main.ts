import { DataDirInUseError } from '@openledger/server/embedded-postgres/embedded.ts';
import { ConfigError, loadDotEnv, readSecrets, withoutValue } from '@openledger/server/platform/config.ts';
import { dataOptions } from '@openledger/server/platform/config-options.ts';
import { safeMessage } from '@openledger/server/platform/error-text.ts';
import { redactText } from '@openledger/server/platform/logger.ts';
import { version } from '@openledger/server/platform/version.ts';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ApiRefusedError, NoServerError } from './api.ts';
import { authenticateRowsCommand } from './authenticate-rows.ts';
import { addChainCommands } from './chains.ts';
import {
  type ConnectionOptions,
  parseHttpUrl,
  readConnection,
  refuseLiveKeyFlag,
  withConnectionOptions,
} from './connection.ts';
import { addCustomerCommands } from './customers.ts';
import { addDepositCommands } from './deposits.ts';
import { createKeyCommand, listKeysCommand, revokeKeyCommand } from './keys.ts';
import { approveKycCommand, listKycCommand, type RejectOptions, rejectKycCommand } from './kyc.ts';
import { exportDocumentsCommand, showKycCommand } from './kyc-files.ts';
import { type ListenOptions, listenCommand } from './listen.ts';
import { addMasterKeyCommands } from './master-key.ts';
import { addNonceCommands } from './nonce.ts';
import { readText } from './passphrase.ts';
import { addPaymentCommands } from './payments.ts';
import { printError } from './print.ts';
import { addProofKeyCommand } from './proof-key.ts';
import { rateLimitCommand } from './rate-limit.ts';
import { addReconcileCommand } from './reconcile.ts';
import { addRestoreCheckCommand } from './restore-check.ts';
import { addSeedCommands } from './seed.ts';
import { addSignerCommand } from './signer.ts';
import { withReadingVault, withStore, withVault } from './store.ts';
import { addTransferCommands } from './transfers.ts';
import { triggerCommand, triggerList } from './trigger.ts';
import { type VerifyOptions, verifyCommand } from './verify.ts';

/** Node would print an uncaught error with all of its properties, which may contain values of the database. */
export function endOnUncaught(): void {
  process.on('uncaughtException', (error) => {
    printError(explain(error));
    process.exit(1);
  });
}

/**
 * The command line tool `openledger`.
 *
 * @param args without node and script
 */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('openledger')
    .description('Looks after an OpenLedger deployment. Works beside a running server and without one.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(withoutValue(text)) })
    .configureHelp({ showGlobalOptions: true });
  for (const option of dataOptions()) program.addOption(option);
  program.hook('preAction', (_program, command) => {
    program.setOptionValue('masterKey', readSecrets(program).masterKey);
    refuseLiveKeyFlag(command);
  });
  addKeyCommands(program);
  addKycCommands(program);
  addCustomerCommands(program);
  addTransferCommands(program);
  addPaymentCommands(program);
  addDepositCommands(program);
  addNonceCommands(program);
  addEventCommands(program);
  addSeedCommands(program);
  addMasterKeyCommands(program);
  addSignerCommand(program);
  addProofKeyCommand(program);
  addReconcileCommand(program);
  addRestoreCheckCommand(program);
  addChainCommands(program);
  program
    .command('rate-limit')
    .description('set how many requests a second each key of the organisation may make')
    .argument(
      '<rule>',
      'writes/reads a second such as 500/2000, "off", or "default" for the server\'s own setting',
    )
    .action((rule: string) => withVault(program.opts(), (store) => rateLimitCommand(store, rule)));
  program
    .command('verify')
    .description(
      'verify the books: balances, journals, transactions, events, hash chains, forged rows and addresses',
    )
    .addOption(
      new Option('--signer-socket <path>', 'the socket of a signer that runs apart and keeps the seed').env(
        'OPENLEDGER_SIGNER_SOCKET',
      ),
    )
    .action((options: VerifyOptions) =>
      withReadingVault(program.opts(), (store) => verifyCommand(store, options)),
    );
  program
    .command('authenticate-rows')
    .description('after an upgrade: give the rows from before rows were authenticated their codes, once')
    .option('--continue', 'although some rows have codes: an earlier run was interrupted', false)
    .action((options: { continue: boolean }) =>
      withVault(program.opts(), (store) => authenticateRowsCommand(store, options.continue)),
    );
  try {
    loadDotEnv(process.env);
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
    if (!(error instanceof CommanderError)) printError(explain(error));
  }
}

function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('API keys');
  keys
    .command('create')
    .description('create a key and print it; it is shown only once')
    .addOption(new Option('--env <env>', 'its environment').choices(['test', 'live']).makeOptionMandatory())
    .option('--name <name>', 'what it is for', 'made by command')
    .action((options: { env: 'test' | 'live'; name: string }) =>
      withVault(program.opts(), (store) => createKeyCommand(store, options.env, options.name)),
    );
  keys
    .command('list')
    .description('list all keys; secrets are never shown')
    .action(() => withStore(program.opts(), listKeysCommand));
  keys
    .command('revoke')
    .description('revoke a key and list the webhooks that it made; running servers refuse it within seconds')
    .argument('<key>', 'its id (key_…) or its prefix')
    .option('--disable-webhooks', 'disable the webhooks that it made', false)
    .action((key: string, options: { disableWebhooks: boolean }) =>
      withVault(program.opts(), (store) => revokeKeyCommand(store, key, options.disableWebhooks)),
    );
}

function addKycCommands(program: Command): void {
  const kyc = program.command('kyc').description('identities that customers have submitted');
  const customer = ['<customer>', 'the id of the customer (cus_…)'] as const;
  kyc
    .command('list')
    .description('list the customers who wait for a decision, without personal data')
    .action(() => withStore(program.opts(), listKycCommand));
  kyc
    .command('show')
    .description('show what a customer has submitted; needs the master key')
    .argument(...customer)
    .action((id: string) => withVault(program.opts(), (store) => showKycCommand(store, id)));
  kyc
    .command('documents')
    .description("write a customer's documents to files; needs the master key")
    .argument(...customer)
    .requiredOption('--out <dir>', 'the directory that they are written to')
    .action((id: string, options: { out: string }) =>
      withVault(program.opts(), (store) => exportDocumentsCommand(store, id, options.out)),
    );
  kyc
    .command('approve')
    .description('approve a customer who is under review')
    .argument(...customer)
    .action((id: string) => withVault(program.opts(), (store) => approveKycCommand(store, id)));
  kyc
    .command('reject')
    .description('reject a customer who is under review, for good or until they submit again')
    .argument(...customer)
    .requiredOption('--code <code>', 'a short name of the reason, for the client')
    .requiredOption('--message <text>', 'the reason, for the client')
    .requiredOption('--customer-message <text>', 'the reason as the customer is told it')
    .option('--ask-again', 'let the customer correct their form and submit it again (`incomplete`)', false)
    .action((id: string, options: RejectOptions) =>
      withVault(program.opts(), (store) => rejectKycCommand(store, id, options)),
    );
}

function addEventCommands(program: Command): void {
  withConnectionOptions(program.command('listen'))
    .description('show events as they happen, and forward them to a receiver on this machine')
    .addOption(
      new Option('--forward-to <url>', 'where each event is posted to, signed as a webhook').argParser(
        parseHttpUrl,
      ),
    )
    .option('--events <names>', 'only these, such as customer.*,transaction.completed')
    .addOption(
      new Option(
        '--secret-file <path>',
        'a file with the secret (whsec_…) that signs the events (default: a new one, which is shown)',
      ).argParser(readSecretFile),
    )
    .option('--from-start', 'begin at the first event there is', false)
    .addHelpText('after', '\nExample:\n  npx openledger listen --forward-to localhost:3000/hooks')
    .action(async (options: ListenOptions & ConnectionOptions) =>
      listenCommand(await readConnection(options, program.opts().dataDir), options),
    );
  withConnectionOptions(program.command('trigger'))
    .description('make the calls to the sandbox that cause an event')
    .argument('<event>', 'its name')
    .addHelpText('after', `\nEvents:\n${triggerList()}`)
    .action(async (name: string, options: ConnectionOptions) =>
      triggerCommand(await readConnection(options, program.opts().dataDir), name),
    );
}

function readSecretFile(path: string): string {
  const text = readText('--secret-file', path).trim();
  if (/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(text)) return text;
  throw new InvalidArgumentError('It must contain whsec_ and at least 24 bytes in base64.');
}

/** Errors whose message is for the user. */
const ownWords = [ConfigError, DataDirInUseError, ApiRefusedError, NoServerError];

function explain(error: unknown): string {
  if (ownWords.some((kind) => error instanceof kind)) return `error: ${(error as Error).message}`;
  return redactText(`error: ${safeMessage(error)}`);
}
