import { createResponseChecks, type ResponseChecks } from '../support/client.ts';

/** A JSON Schema of the document, as far as values are made from it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly additionalProperties?: boolean | Schema;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
  readonly example?: unknown;
}

/** One operation of the served document, with all that is needed to call it and to judge the answer. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: readonly Parameter[];
  readonly body: Schema | undefined;
  /** The document's own example of a body. */
  readonly example: unknown;
  readonly example200: unknown;
  /** The check of each declared status. */
  readonly checks: ResponseChecks;
}

/** Whether a path is a route of the treasury, which only some live keys may use. */
export function isOfTreasury(path: string): boolean {
  return path.startsWith('/v1/treasury/');
}

/** The served document, read for fuzzing. */
export interface ReadDocument {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
  /** The parameter of a collection's paths (`/v1/customers` → `customerId`): the name of what has its ids. */
  idNameOf(path: string): string | undefined;
}

interface Content {
  readonly content?: { 'application/json'?: { schema?: Schema; example?: unknown } };
}

interface ServedOperation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
  readonly 'x-examples'?: { request?: unknown; response?: unknown };
}

interface Served {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ServedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Reads the document that a server serves. */
export async function readDocument(baseUrl: string): Promise<ReadDocument> {
  const served = (await (await fetch(`${baseUrl}/openapi.json`)).json()) as Served;
  const checksOf = createResponseChecks(served);
  const operations = Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const body = operation.requestBody?.content?.['application/json'];
      const answer = operation.responses['200']?.content?.['application/json'];
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        query: (operation.parameters ?? []).filter((parameter) => parameter.in === 'query'),
        body: body?.schema,
        example: operation['x-examples']?.request ?? body?.example,
        example200: operation['x-examples']?.response ?? answer?.example,
        checks: checksOf(path, method),
      };
    }),
  );
  return {
    operations,
    schemas: served.components.schemas,
    idNameOf: (path) => {
      const single = operations.find((operation) => operation.path.startsWith(`${path}/{`));
      return /^\/\{(\w+)\}/.exec(single?.path.slice(path.length) ?? '')?.[1];
    },
  };
}
