import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';

const path = '/.well-known/security.txt';
const dayMs = 24 * 60 * 60 * 1000;

/**
 * Serves the operator's contact for vulnerability reports (RFC 9116). Without a contact the path does not exist.
 *
 * @param contact a URI, such as `mailto:security@example.com`
 */
export function addSecurityText(
  app: FastifyInstance,
  options: { readonly contact: string | undefined; readonly clock: Clock; publicUrl(): string },
): void {
  const { clock, contact } = options;
  if (contact === undefined) return;
  app.get(path, async (_request, reply) => {
    const expiresMs = Math.floor(clock.now() / dayMs) * dayMs + limits.securityTextMs;
    const fields = {
      Contact: contact,
      Expires: new Date(expiresMs).toISOString(),
      'Preferred-Languages': 'en',
      Canonical: `${options.publicUrl()}${path}`,
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
    return reply.type('text/plain; charset=utf-8').send(lines.join(''));
  });
}
