import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';

/** Starts to listen. @returns the URL, e.g. `http://127.0.0.1:4000`. @throws the system's error if the port is unavailable */
export async function listenOn(http: FastifyInstance, host: string, port: number): Promise<string> {
  await http.listen({ host, port });
  const address = http.server.address();
  const boundPort = typeof address === 'object' && address ? address.port : port;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${boundPort}`;
}

export interface AdminSettings {
  readonly adminHost: string;
  readonly adminPort: number | 'off' | undefined;
  /** The API's port. With 0, the admin listener takes any free port too. */
  readonly port: number;
  readonly logger: Logger;
}

/**
 * Starts the admin listener. Without a configured port it takes the default one, or any free one if that is in use, so that
 * several servers run on one machine without configuration.
 *
 * @returns the URL; undefined if the listener is off
 * @throws ConfigError if the configured port is unavailable
 */
export async function listenForAdmin(
  http: FastifyInstance,
  settings: AdminSettings,
): Promise<string | undefined> {
  const { adminHost, adminPort, logger, port } = settings;
  if (adminPort === 'off') return undefined;
  const isChosen = adminPort !== undefined;
  const wanted = adminPort ?? (port === 0 ? 0 : limits.adminPort);
  try {
    return await listenOn(http, adminHost, wanted);
  } catch (error) {
    const { code, syscall } = error as { code?: string; syscall?: string };
    if (code === 'EADDRINUSE' && !isChosen) {
      const url = await listenOn(http, adminHost, 0);
      logger.warn({ taken: wanted, url }, 'the default admin port is in use; set OPENLEDGER_ADMIN_PORT');
      return url;
    }
    if (code === 'EADDRINUSE') {
      const text = `${adminHost}:${wanted} is in use. Stop the process that listens there, or set another --admin-port.`;
      throw new ConfigError(`OPENLEDGER_ADMIN_PORT: ${text}`);
    }
    if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
    throw new ConfigError(`OPENLEDGER_ADMIN_HOST: cannot listen on ${adminHost}:${wanted} (${code}).`);
  }
}
