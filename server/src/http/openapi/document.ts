import type { TSchema } from 'typebox';
import { type ErrorCode, errorStatus } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { DescribedEvent } from '../event.ts';
import { bodyBytesOf, errorsOf, isList, type Route, tags, type WriteRoute } from '../route.ts';
import { eventSchemas } from './event-schemas.ts';
import { withExamples } from './examples.ts';
import { errorSchema, overview, refusalExamples, securitySchemes } from './frame.ts';
import { webhookOperations, webhookParameters } from './webhooks.ts';

type Json = Record<string, unknown>;

/** The schemas that a route's answer is made of. */
function schemasOf(route: Route): Json {
  const { name, schema } = route.data;
  const data = { $ref: `#/components/schemas/${name}` };
  const envelope = isList(route)
    ? listEnvelope(data)
    : {
        type: 'object',
        required: ['ok', 'data'],
        properties: { ok: { type: 'boolean', enum: [true] }, data },
      };
  return { [envelopeName(route)]: envelope, [name]: bare(schema) };
}

function listEnvelope(item: Json): Json {
  return {
    type: 'object',
    required: ['ok', 'data', 'nextCursor'],
    properties: {
      ok: { type: 'boolean', enum: [true] },
      data: { type: 'array', items: item },
      nextCursor: { type: ['string', 'null'], description: 'Give it as `cursor` to get the next page' },
    },
  };
}

function envelopeName(route: Route): string {
  return isList(route) ? `${route.data.name}ListEnvelope` : `${route.data.name}Envelope`;
}

/** A schema as the document shows it: without its own name, and with references into the document. */
function bare(schema: object): Json {
  const copy = JSON.parse(
    JSON.stringify(schema, (key, value) =>
      key === '$ref' && typeof value === 'string' ? `#/components/schemas/${value.replace(/#$/, '')}` : value,
    ),
  );
  delete copy.$id;
  return copy;
}

const responseNames: Record<ErrorCode, string> = {
  INVALID_REQUEST: 'InvalidRequest',
  UNAUTHORIZED: 'Unauthorized',
  NOT_FOUND: 'NotFound',
  CONFLICT: 'Conflict',
  RATE_LIMITED: 'RateLimited',
  INTERNAL_ERROR: 'InternalError',
};

function responses(route: Route): Json {
  const ok = {
    description: route.okDescription,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${envelopeName(route)}` } } },
  };
  const refusals = errorsOf(route).map((code): [string, Json] => [
    String(errorStatus[code]),
    { $ref: `#/components/responses/${responseNames[code]}` },
  ]);
  return Object.fromEntries(
    [['200', ok] as [string, Json], ...refusals].sort(([a], [b]) => a.localeCompare(b)),
  );
}

function parameters(route: Route): Json[] {
  const inPath = Object.entries(route.params ?? {}).map(([name, description]) => ({
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string' },
  }));
  const paging = {
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.pageMax,
      default: limits.pageDefault,
      description: 'How many items a page has at most',
    },
    cursor: { type: 'string', description: '`nextCursor` of the page before' },
  };
  const properties = { ...(route.query?.properties ?? {}), ...(isList(route) ? paging : {}) };
  const required = new Set(route.query?.required ?? []);
  const inQuery = Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = bare(schema) as { description?: string };
    return {
      name,
      in: 'query',
      ...(required.has(name) ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
  return [...inPath, ...inQuery];
}

function requestBody(route: WriteRoute, schema: TSchema): Json {
  const bytes = bodyBytesOf(route);
  return {
    required: !route.bodyOptional,
    ...(bytes > limits.bodyBytes ? { description: `At most ${bytes / 1024} KiB` } : {}),
    content: { 'application/json': { schema: bare(schema) } },
  };
}

function operation(route: Route): Json {
  const listed = parameters(route);
  const body = route.method === 'GET' ? undefined : route.body;
  return {
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    operationId: route.operationId,
    ...(route.access === 'public' ? { security: [] } : {}),
    ...(listed.length > 0 ? { parameters: listed } : {}),
    ...(body ? { requestBody: requestBody(route as WriteRoute, body) } : {}),
    responses: responses(route),
  };
}

function paths(routes: readonly Route[]): Json {
  const all: Record<string, Json> = {};
  for (const route of routes) {
    all[route.path] = { ...all[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return all;
}

function refusalResponses(routes: readonly Route[]): Json {
  const used = new Set(routes.flatMap(errorsOf));
  const entries = refusalExamples
    .filter(({ code }) => used.has(code))
    .map(({ code, description, message }) => [
      responseNames[code],
      {
        description,
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/Error' },
            example: { ok: false, error: { code, message } },
          },
        },
      },
    ]);
  return Object.fromEntries(entries);
}

/**
 * Makes the OpenAPI 3.1 document out of the routes: the schemas in it are the very ones that validate requests and
 * serialise responses.
 *
 * @param serverUrl the base URL that clients reach this server by
 * @param events what webhooks receive
 */
export function buildOpenApi(
  routes: readonly Route[],
  serverUrl: string,
  events: readonly DescribedEvent[] = [],
): Json {
  const used = new Set(routes.map((route) => route.tag));
  const ofEvents = Object.entries(eventSchemas(events)).map(([name, schema]) => [name, bare(schema)]);
  const schemas = Object.assign({}, Object.fromEntries(ofEvents), ...routes.map(schemasOf), {
    Error: errorSchema,
  }) as Json;
  const document = {
    openapi: '3.1.0',
    info: overview,
    servers: [{ url: serverUrl, description: 'This server' }],
    security: [{ BearerAuth: [] }, { ApiKeyAuth: [] }],
    tags: tags.filter(([name]) => used.has(name)).map(([name, description]) => ({ name, description })),
    paths: paths(routes),
    ...(events.length > 0 ? { webhooks: webhookOperations(events) } : {}),
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => a.localeCompare(b))),
      responses: refusalResponses(routes),
      ...(events.length > 0 ? { parameters: webhookParameters() } : {}),
      securitySchemes,
    },
  };
  const originals = routes.filter(({ isOriginal }) => isOriginal).map(({ operationId }) => operationId);
  return { ...document, paths: withExamples(document, new Set(originals)) };
}
