/** The requests that the bench sends, as HTTP/1.1 text. */

const destinationAddress = '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM';

/** A GET request. */
export function getText(key, path) {
  return `GET ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n\r\n`;
}

/** A POST request with a JSON body. */
export function postText(key, path, body, idempotencyKey) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const once = idempotencyKey === undefined ? '' : `Idempotency-Key: ${idempotencyKey}\r\n`;
  return (
    `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n` +
    `Content-Type: application/json\r\n${once}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}

/** The body of a transfer of one USDC out of a wallet. */
export function transferBody(wallet) {
  return JSON.stringify({
    customerId: wallet.customerId,
    walletId: wallet.id,
    amount: '1.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'solana',
    destinationAddress,
  });
}

const idStart = '{"ok":true,"data":{"id":"'.length;
const idLength = 'txn_'.length + 26;

/**
 * Transfers out of these wallets in turn, each with an idempotency key of its own; keeps the ids that were acknowledged.
 *
 * @param name makes the keys of this load different from those of any other
 */
export function transferLoad(key, wallets, name) {
  const acknowledged = [];
  const bodies = wallets.map(transferBody);
  let sent = 0;
  return {
    name,
    acknowledged,
    next() {
      sent += 1;
      return postText(key, '/v1/transfers', bodies[sent % bodies.length], `${name}-${sent}`);
    },
    onAnswer(status, bytes, bodyStart) {
      if (status !== 200)
        throw new Error(`A transfer was answered ${status}: ${bytes.toString('utf8', bodyStart)}`);
      acknowledged.push(bytes.latin1Slice(bodyStart + idStart, bodyStart + idStart + idLength));
    },
  };
}

/** The same reads again and again. */
export function readLoad(texts) {
  let sent = 0;
  return {
    next: () => texts[sent++ % texts.length],
    onAnswer(status) {
      if (status !== 200) throw new Error(`A read was answered ${status}`);
    },
  };
}

/** Four reads to one write. Which of them an answer is for is told by the connection it came on. */
export function mixedLoad(reads, writes) {
  let sent = 0;
  let written = 0;
  return {
    next(connection) {
      sent += 1;
      connection.isWrite = sent % 5 === 0;
      return (connection.isWrite ? writes : reads).next();
    },
    onAnswer(status, bytes, bodyStart, connection) {
      if (connection.isWrite) written += 1;
      (connection.isWrite ? writes : reads).onAnswer(status, bytes, bodyStart);
    },
    /** How many writes were answered. */
    writes: () => written,
  };
}
