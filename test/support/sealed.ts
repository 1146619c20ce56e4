import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { expect, vi } from 'vitest';
import { erasedValue, unlessErased, type Vault } from '../../server/src/platform/seal.ts';
import { type SealedColumn, type SealedRow, sealedColumns } from '../../server/src/sealing/columns.ts';
import type { Pool } from '../../server/src/store/pool.ts';
import { newPayee, newWallet, ok, usBank } from './factories.ts';
import { fileOf, fillIndividual, hidden, openPage, postForm, sendStep } from './hosted.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import type { TestServer } from './server.ts';
import { deliveriesOf } from './webhooks.ts';

/** A customer of whom every sealed column holds something, and what the API says of it. */
export interface SealedCustomer {
  readonly id: string;
  readonly webhookId: string;
  readonly walletId: string;
  readonly virtualAccountId: string;
  /** The key that the customer was created with, and the body. */
  readonly created: { readonly key: string; readonly body: object };
  /** Paths whose answers hold personal data. */
  readonly paths: readonly string[];
}

/** Everything that is personal begins with this, so that it can be looked for. */
export const mark = 'Zzyzx';

/**
 * @param receiver answers deliveries with what it was sent
 * @param vault seals as the server does
 */
export async function newSealedCustomer(
  { api, ownerPool }: Pick<TestServer, 'api' | 'ownerPool'>,
  receiver: Receiver,
  vault: Vault,
): Promise<SealedCustomer> {
  const key = `sealed-${randomBytes(8).toString('hex')}`;
  const body = { email: `${mark}.${key}@example.com`, firstName: mark, lastName: 'Road' };
  const webhook = await ok(api.post('/v1/webhooks', { url: receiver.url, events: ['customer.*'] }));
  await ok(api.post(`/v1/webhooks/${webhook.id}/rotate-secret`, {}));
  const customer = await ok(api.post('/v1/customers', body, { 'Idempotency-Key': key }));
  await fillIndividual(customer.kycLink, { firstName: mark });
  await sendStep(customer.kycLink, 'documents', {
    action: 'upload',
    kind: 'passport',
    file: fileOf('png', mark.repeat(100)),
  });
  await addFormerDocument(ownerPool, vault, customer.id);
  const terms = await openPage(customer.tosLink);
  await postForm(
    customer.tosLink,
    { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') },
    { 'user-agent': mark },
  );
  await ok(api.post(`/v1/sandbox/customers/${customer.id}/kyc`, { kycStatus: 'approved' }));
  const wallet = await newWallet(api, customer.id);
  const payee = await newPayee(api, customer.id, { ...usBank(), accountOwnerName: mark });
  const account = await ok(
    api.post('/v1/virtual-accounts', {
      customerId: customer.id,
      sourceCurrency: 'usd',
      walletId: wallet.id,
    }),
  );
  await ok(
    api.post('/v1/sandbox/fiat-deposits', {
      virtualAccountId: account.id,
      amount: '100.00',
      senderName: mark,
    }),
  );
  // Also used before the tests, where `expect.poll` may not be.
  await vi.waitFor(
    async () => expect((await deliveriesOf(api, webhook.id)).length).toBeGreaterThanOrEqual(3),
    { timeout: 20_000 },
  );
  return {
    id: customer.id,
    webhookId: webhook.id,
    walletId: wallet.id,
    virtualAccountId: account.id,
    created: { key, body },
    paths: [
      `/v1/customers/${customer.id}`,
      `/v1/customers?email=${encodeURIComponent(body.email)}`,
      `/v1/counterparties/${payee.id}`,
      `/v1/counterparties?customerId=${customer.id}`,
      `/v1/virtual-accounts/${account.id}`,
      `/v1/virtual-accounts?customerId=${customer.id}`,
      `/v1/virtual-accounts/${account.id}/history`,
      `/v1/events?customerId=${customer.id}`,
      `/v1/webhooks/${webhook.id}/deliveries`,
    ],
  };
}

/** Adds a document as the release before kept them, sealed as a whole, beside the one that is there. */
async function addFormerDocument(pool: Pool, vault: Vault, customerId: string): Promise<void> {
  const { rows } = await pool.query<{ document: string; environment_id: string; key_salt: Buffer }>(
    `select d.id as document, c.environment_id, c.key_salt
      from identity_documents d join customers c on c.bucket = d.bucket and c.id = d.customer_id where c.id = $1`,
    [customerId],
  );
  const [row] = rows;
  if (!row) throw new Error(`${customerId} has no document`);
  const id = row.document.replace(/(?<=_)./, '1');
  const own = vault.forCustomer({ ...row, id: customerId });
  await pool.query(
    `insert into identity_documents (bucket, id, environment_id, customer_id, case_id, kind, content_type, byte_size, sha256,
        created_at)
      select bucket, $2, environment_id, customer_id, case_id, kind, content_type, byte_size, sha256, created_at
      from identity_documents where id = $1`,
    [row.document, id],
  );
  await pool.query(
    `insert into identity_document_contents (bucket, id, content, created_at)
      select bucket, id, $2, created_at from identity_documents where id = $1`,
    [id, own.seal(mark, `identity_document_contents.content:${id}`)],
  );
}

/** A receiver that answers as if it repeated what it was sent. */
export function startEcho(): Promise<Receiver> {
  return startReceiver((response, _count, { headers }) => {
    response.end(headers['x-ledger-event-type'] === 'customer.erased' ? 'ok' : mark);
  });
}

/** All that a column holds sealed. */
export async function sealedRows(pool: Pool, column: SealedColumn): Promise<SealedRow[]> {
  const key = Object.keys(column.key).map((name) => `t.${name}`);
  const { rows } = await pool.query<SealedRow>(
    `select ${key.join(', ')}, t.${column.column} as value, ${column.customer} as customer_id,
        ${column.environment} as environment_id${column.also === undefined ? '' : `, ${column.also}`}
      from ${column.table} t ${column.join ?? ''} where t.${column.column} like 'sealed.%' and t.${column.column} <> '${erasedValue}'`,
  );
  return rows;
}

/** Seals everything as the release before did: AES-256-GCM under one key. */
export async function sealAsBefore(pool: Pool, vault: Vault, masterKey: Uint8Array): Promise<void> {
  const key = Buffer.from(hkdfSync('sha256', masterKey, new Uint8Array(0), 'openledger seal v1', 32));
  for (const column of sealedColumns) {
    const rows = await sealedRows(pool, column);
    expect(rows.length, `${column.table}.${column.column} holds something`).toBeGreaterThan(0);
    await vault.prepare(rows.map(({ value }) => value));
    for (const row of rows) {
      const context = column.context(row);
      const opened = unlessErased(() => vault.openBytes(row.value, context), undefined);
      if (!opened) continue;
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const body = [nonce, cipher.update(opened), cipher.final(), cipher.getAuthTag()];
      await pool.query(`update ${column.table} set ${column.column} = $1 where ${column.column} = $2`, [
        `sealed.v1.${Buffer.concat(body).toString('base64')}`,
        row.value,
      ]);
    }
  }
}
