import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A DNS server on this machine (RFC 1035 §4), for A records only. */
export interface DnsServer {
  readonly address: string;
  /** How often it was asked for a name. */
  asked(name: string): number;
  close(): Promise<void>;
}

/** @param answer gives the addresses of a name; `count` is how often it was asked for, this time included */
export async function startDnsServer(
  answer: (name: string, count: number) => readonly string[],
): Promise<DnsServer> {
  const counts = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
    const question = query.subarray(12, at + 5);
    const isA = query.readUInt16BE(at + 1) === 1;
    const name = labels.join('.').toLowerCase();
    if (isA) counts.set(name, (counts.get(name) ?? 0) + 1);
    const records = (isA ? answer(name, counts.get(name) ?? 0) : []).map((ip) =>
      // Name (a pointer to the question), type A, class IN, no time to live, four bytes.
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]),
    );
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, records.length, 0, 0, 0, 0]);
    socket.send(Buffer.concat([head, question, ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: (name) => counts.get(name) ?? 0,
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
