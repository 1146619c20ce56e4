import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What the proxy does with a connection's bytes. */
export interface Meddler {
  /** Sees what goes to the database. @returns what to do with it */
  toDatabase?(bytes: Buffer): 'pass' | 'reset' | 'resetAfter';
  /** Sees what comes back. @returns `swallow`: it is thrown away, and so is all that follows on this connection */
  toServer?(bytes: Buffer): 'pass' | 'swallow' | 'swallowAndReset';
}

/** Stands between a server and its database. */
export interface TcpProxy {
  readonly port: number;
  /** How many connections are open now. */
  connections(): number;
  /** From now on, each connection's traffic goes through this; undefined lets everything pass. */
  meddle(meddler: Meddler | undefined): void;
  /** Resets every connection. */
  resetAll(): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. @param target where connections go on to; asked for each of them */
export async function startTcpProxy(target: () => { host: string; port: number }): Promise<TcpProxy> {
  let meddler: Meddler | undefined;
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(target());
    let isSwallowing = false;
    const reset = (): void => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    open.add(client);
    client.once('close', () => {
      open.delete(client);
      upstream.destroy();
    });
    upstream.once('close', () => void (isSwallowing || client.destroy()));
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('data', (bytes: Buffer) => {
      const then = meddler?.toDatabase?.(bytes) ?? 'pass';
      if (then === 'reset') return reset();
      upstream.write(bytes, () => void (then === 'resetAfter' && reset()));
    });
    upstream.on('data', (bytes: Buffer) => {
      const then = isSwallowing ? 'swallow' : (meddler?.toServer?.(bytes) ?? 'pass');
      if (then === 'pass') client.write(bytes);
      else if (then === 'swallowAndReset') reset();
      else isSwallowing = true;
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as { port: number }).port,
    connections: () => open.size,
    meddle(next) {
      meddler = next;
    },
    resetAll() {
      for (const socket of open) socket.resetAndDestroy();
    },
    async close() {
      const closed = once(proxy, 'close');
      proxy.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
