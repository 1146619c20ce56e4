import { mkdir, open, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { answerText } from '@openledger/server/hosted/answer-text.ts';
import { DocumentDamagedError } from '@openledger/server/identity/document-seal.ts';
import { documentLabel, extensions } from '@openledger/server/identity/documents.ts';
import type { IdentityForm } from '@openledger/server/identity/form.ts';
import { ownerQuestions, questionSteps } from '@openledger/server/identity/questions.ts';
import { openForm } from '@openledger/server/identity/state.ts';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { openPersonal } from '@openledger/server/resources/customers/schema.ts';
import { evidenceContext } from '@openledger/server/resources/identity/commands.ts';
import { documentBytes } from '@openledger/server/resources/identity/document-queries.ts';
import {
  type CustomerCase,
  findDocument,
  listAcceptances,
} from '@openledger/server/resources/identity/queries.ts';
import { requireCase } from './kyc.ts';
import { printLine, printLines } from './print.ts';
import type { Store } from './store.ts';

type Line = readonly [label: string, text: string];

/** Prints what a customer has submitted, beside the data that the client has given. */
export async function showKycCommand(store: Store, customerId: string): Promise<void> {
  const found = await requireCase(store, customerId);
  const form = openForm(found.found, store.vault.forCustomer(found.customer));
  const sections: [string, Line[]][] = [
    ['Customer', customerLines(found, store)],
    ...formSections(found, form),
    ['Terms', await termsLines(found, store)],
  ];
  printLines(
    sections.flatMap(([title, lines], index) => [
      ...(index === 0 ? [] : ['']),
      title,
      ...lines.map(([label, text]) => `  ${label.padEnd(32)}  ${text}`),
    ]),
  );
}

function customerLines({ customer, found, kind }: CustomerCase, { vault }: Store): Line[] {
  const personal = openPersonal(customer, vault);
  return [
    ['Id', customer.id],
    ['Environment', kind],
    ['Type', customer.type],
    ['Identity', customer.kyc_status],
    ['Submitted', found?.submitted_at ?? 'never'],
    ['Name, as the client gave it', `${personal.firstName} ${personal.lastName}`],
    ['Business, as the client gave it', personal.businessName ?? ''],
    ['E-mail', personal.email],
  ];
}

function formSections({ customer }: CustomerCase, form: IdentityForm): [string, Line[]][] {
  const steps = questionSteps(customer.type).map(({ questions, title }): [string, Line[]] => [
    title,
    questions.map((question) => [question.label, answerText(question, form.answers)]),
  ]);
  const owners = form.owners.map(({ answers }, index): [string, Line[]] => [
    `Owner ${index + 1}`,
    ownerQuestions.map((question) => [question.label, answerText(question, answers)]),
  ]);
  const documents = form.documents.map(
    ({ fileName, id, kind }): Line => [documentLabel(kind), `${id}  ${fileName}`],
  );
  return [...steps, ...owners, ['Documents', documents]];
}

async function termsLines({ customer }: CustomerCase, { pool, vault }: Store): Promise<Line[]> {
  return (await listAcceptances(pool, customer)).map(({ accepted_at, evidence, id, version }) => {
    const { address } = JSON.parse(vault.forCustomer(customer).open(evidence, evidenceContext(id))) as {
      address: string;
    };
    return [`Version ${version}`, `accepted ${accepted_at} from ${address}`];
  });
}

/** Writes a customer's documents to files that only their owner can read. Never overwrites a file. */
export async function exportDocumentsCommand(store: Store, customerId: string, out: string): Promise<void> {
  const { customer, found } = await requireCase(store, customerId);
  const { documents } = openForm(found, store.vault.forCustomer(customer));
  if (documents.length === 0) throw new ConfigError(`${customerId} has sent no documents.`);
  const directory = resolve(out);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const { contentType, id, kind } of documents) {
    const document = await findDocument(store.pool, customer, id);
    if (!document) throw new ConfigError(`The document ${id} was removed meanwhile.`);
    const path = join(directory, `${kind}-${id}.${extensions[contentType]}`);
    await writeNew(path, documentBytes(store.pool, store.vault.forCustomer(customer), document));
    printLine(path);
  }
}

/** Writes a document as it is read. An incomplete file is removed. */
async function writeNew(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new ConfigError(`${path} exists already.`);
  });
  try {
    for await (const chunk of bytes) await file.writeFile(chunk);
  } catch (error) {
    await rm(path);
    if (!(error instanceof DocumentDamagedError)) throw error;
    throw new ConfigError(`The document ${error.message}: its bytes in the database were changed.`);
  } finally {
    await file.close();
  }
}
