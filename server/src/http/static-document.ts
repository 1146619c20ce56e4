import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { limits } from '../platform/limits.ts';

/** A document, as the server sends it. */
export interface DocumentText {
  readonly content: string | Buffer;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const encodings = ['br', 'gzip', 'identity'] as const;
type Encoding = (typeof encodings)[number];

/** A document in one encoding, with the strong validator of its bytes (RFC 9110 §8.8.3). */
interface Representation {
  readonly bytes: Buffer;
  readonly etag: string;
}

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

const encoders: Readonly<Record<Encoding, (text: Buffer) => Promise<Buffer>>> = {
  identity: async (text) => text,
  gzip: (text) => compressGzip(text, { level: constants.Z_BEST_COMPRESSION }),
  br: (text) =>
    compressBrotli(text, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]:
          text.length > limits.largeDocumentBytes
            ? limits.largeDocumentBrotliQuality
            : limits.documentBrotliQuality,
        [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
      },
    }),
};

/**
 * Creates the handler of a document that does not change while the server runs. The first request makes the document; the
 * first request for each encoding compresses it, outside the event loop.
 */
export function staticDocument(
  make: () => DocumentText | Promise<DocumentText>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  let making: Promise<DocumentText> | undefined;
  const representations = new Map<Encoding, Promise<Representation>>();

  const representationIn = (encoding: Encoding, { content }: DocumentText): Promise<Representation> => {
    const known = representations.get(encoding);
    if (known) return known;
    const encoded = encoders[encoding](typeof content === 'string' ? Buffer.from(content) : content).then(
      (bytes) => ({
        bytes,
        etag: `"${hash('sha256', bytes, 'base64url').slice(0, 27)}"`,
      }),
    );
    representations.set(encoding, encoded);
    return encoded;
  };

  /** A document that could not be made, for want of a file handle for example, is made again. */
  const document = async (): Promise<DocumentText> => {
    making ??= Promise.resolve(make());
    try {
      return await making;
    } catch (error) {
      making = undefined;
      throw error;
    }
  };

  return async (request, reply) => {
    const made = await document();
    const encoding = encodingFor(request);
    const { bytes, etag } = await representationIn(encoding, made);
    reply
      .header('cache-control', `public, max-age=${limits.documentMaxAgeSeconds}`)
      .header('vary', 'Accept-Encoding')
      .header('etag', etag);
    if (isCurrent(request.headers['if-none-match'], etag)) return reply.code(304).send();
    if (encoding !== 'identity') reply.header('content-encoding', encoding);
    return reply
      .headers({ ...made.headers })
      .type(made.type)
      .send(bytes);
  };
}

/** The types of the package lack its second argument: the order of preference among equals. */
type Choose = (available: string[], options: { preferred: string[] }) => string[];

/** The best encoding that the client accepts, or `identity` if it accepts none of ours. */
function encodingFor(request: FastifyRequest): Encoding {
  const negotiator = new Negotiator(request.raw);
  const choose = negotiator.encodings.bind(negotiator) as Choose;
  const [best] = choose([...encodings], { preferred: ['br', 'gzip'] });
  return (best as Encoding | undefined) ?? 'identity';
}

/** Whether the client already has this representation (RFC 9110 §13.1.2: weak comparison). */
function isCurrent(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const given = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return given.includes('*') || given.includes(etag);
}
