/** What the makers of examples read from an OpenAPI 3.1 document. */

/** The part of a JSON Schema that decides how an example looks. */
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
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface OperationObject {
  readonly operationId?: string;
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content>>;
}

/** The document, as `buildOpenApi` makes it. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** What an operation returns on success. */
export interface Answer {
  /** The name of the schema of `data`, or undefined if it has none. */
  readonly name: string | undefined;
  readonly schema: Schema;
  readonly isList: boolean;
}

/** One operation of the API, with its references resolved. */
export interface Endpoint {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly body: Schema | undefined;
  readonly answer: Answer | undefined;
}

/** Resolves a schema if it is a reference. */
export function resolveSchema(document: OpenApiDocument, schema: Schema | undefined): Schema {
  const name = referenceName(schema);
  if (name === undefined) return schema ?? {};
  return document.components?.schemas?.[name] ?? {};
}

/** The types that a schema permits; none if it permits any. */
export function typesOf({ type }: Schema): readonly string[] {
  if (type === undefined) return [];
  return typeof type === 'string' ? [type] : type;
}

/** The operations of a document, in its order. */
export function readEndpoints(document: OpenApiDocument): readonly Endpoint[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { operationId, requestBody, responses }]) => ({
      id: operationId ?? `${method}-${path}`,
      method,
      path,
      body: jsonSchema(requestBody),
      answer: readAnswer(document, jsonSchema(responses?.['200'])),
    })),
  );
}

function referenceName(schema: Schema | undefined): string | undefined {
  return schema?.$ref?.split('/').at(-1);
}

function jsonSchema(content: Content | undefined): Schema | undefined {
  return content?.content?.['application/json']?.schema;
}

function readAnswer(document: OpenApiDocument, envelope: Schema | undefined): Answer | undefined {
  const properties = resolveSchema(document, envelope).properties;
  const data = properties?.data;
  if (!data) return undefined;
  const isList = properties.nextCursor !== undefined;
  const item = isList ? data.items : data;
  return { name: referenceName(item), schema: resolveSchema(document, item), isList };
}
