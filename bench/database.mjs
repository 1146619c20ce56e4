/** Connections of the bench's own to the database under test. */
import { Client } from 'pg';

export async function connectDatabase(databaseUrl) {
  const client = new Client({ connectionString: databaseUrl });
  // A connection that ends with its server is no news; what is asked on it afterwards fails.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
