/** The parts of an OpenAPI 3.1 document that the page reads, and the outline it makes of them. */

/** A JSON Schema, as far as the page can show it. */
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
  readonly description?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly maxProperties?: number;
  readonly additionalProperties?: boolean | Schema;
}

/** A path or query parameter. */
export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;
}

interface ResponseObject extends Content {
  readonly $ref?: string;
  readonly description?: string;
}

interface OperationObject {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly operationId?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses?: Readonly<Record<string, ResponseObject>>;
}

/** The document, as `buildOpenApi` makes it. */
export interface OpenApiDocument {
  readonly info?: { readonly title?: string; readonly version?: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly webhooks?: Readonly<Record<string, { readonly post?: OperationObject }>>;
  readonly components?: {
    readonly schemas?: Readonly<Record<string, Schema>>;
    readonly responses?: Readonly<Record<string, ResponseObject>>;
  };
}

/** What an operation answers with on success. */
export interface Answer {
  /** The name of what `data` is; undefined when it has none. */
  readonly name: string | undefined;
  readonly schema: Schema;
  readonly isList: boolean;
}

/** One operation of the API, with its references looked up. */
export interface Endpoint {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly needsKey: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly schema: Schema; readonly required: boolean } | undefined;
  readonly responses: readonly { readonly status: string; readonly description: string }[];
  readonly answer: Answer | undefined;
}

/** A type of events that webhooks receive. */
export interface EventOfType {
  readonly type: string;
  readonly description: string;
  readonly schema: Schema;
  readonly example: unknown;
}

/** A schema that several operations answer with; it is shown once. */
export interface SharedObject {
  readonly name: string;
  readonly schema: Schema;
}

/** A tag with what belongs to it. */
export interface TagSection {
  readonly name: string;
  readonly description: string;
  readonly objects: readonly SharedObject[];
  readonly endpoints: readonly Endpoint[];
}

/** The types of events of a document, in its order. */
export function typesOfEvents(document: OpenApiDocument): readonly EventOfType[] {
  return Object.entries(document.webhooks ?? {}).map(([type, { post }]) => {
    const { example, schema } = post?.requestBody?.content?.['application/json'] ?? {};
    return { type, description: post?.description ?? '', schema: resolveSchema(document, schema), example };
  });
}

/** The tags of a document with their operations, in the document's order. */
export function tagSections(document: OpenApiDocument): readonly TagSection[] {
  const endpoints = readEndpoints(document);
  const declared = document.tags ?? [];
  const names = new Set([...declared.map(({ name }) => name), ...endpoints.map(({ tag }) => tag)]);
  const ordered = [...names].map((name) => ({
    name,
    endpoints: endpoints.filter(({ tag }) => tag === name),
  }));
  const homes = objectHomes(ordered.flatMap((section) => section.endpoints));
  return ordered.map(({ name, endpoints: own }) => ({
    name,
    description: declared.find((tag) => tag.name === name)?.description ?? '',
    objects: homes.filter(({ tag }) => tag === name).map(({ object }) => object),
    endpoints: own,
  }));
}

/** Looks a schema up when it is a reference. */
export function resolveSchema(document: OpenApiDocument, schema: Schema | undefined): Schema {
  const name = referenceName(schema);
  if (name === undefined) return schema ?? {};
  return document.components?.schemas?.[name] ?? {};
}

/** The types that a schema names: none when it takes anything. */
export function typesOf({ type }: Schema): readonly string[] {
  if (type === undefined) return [];
  return typeof type === 'string' ? [type] : type;
}

function referenceName(schema: { readonly $ref?: string } | undefined): string | undefined {
  return schema?.$ref?.split('/').at(-1);
}

/** The operations of a document, in its order. */
export function readEndpoints(document: OpenApiDocument): readonly Endpoint[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => readEndpoint(document, path, method, operation)),
  );
}

function readEndpoint(
  document: OpenApiDocument,
  path: string,
  method: string,
  operation: OperationObject,
): Endpoint {
  const bodySchema = jsonSchema(operation.requestBody);
  const responses = Object.entries(operation.responses ?? {}).map(([status, response]) => {
    const found = document.components?.responses?.[referenceName(response) ?? ''] ?? response;
    return { status, description: found.description ?? '' };
  });
  return {
    id: operation.operationId ?? `${method}-${path}`,
    method: method.toUpperCase(),
    path,
    tag: operation.tags?.[0] ?? 'Other',
    summary: operation.summary ?? path,
    description: operation.description ?? '',
    needsKey: operation.security === undefined || operation.security.length > 0,
    parameters: operation.parameters ?? [],
    body: bodySchema && { schema: bodySchema, required: operation.requestBody?.required === true },
    responses,
    answer: readAnswer(document, jsonSchema(operation.responses?.['200'])),
  };
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

/** Which objects are shown once, and under which tag: that of the first operation which answers with them. */
function objectHomes(endpoints: readonly Endpoint[]): readonly { tag: string; object: SharedObject }[] {
  const uses = new Map<string, { tag: string; schema: Schema; count: number }>();
  for (const { answer, tag } of endpoints) {
    if (answer?.name === undefined) continue;
    const known = uses.get(answer.name);
    uses.set(answer.name, { tag, schema: answer.schema, ...known, count: (known?.count ?? 0) + 1 });
  }
  return [...uses]
    .filter(([, { count }]) => count > 1)
    .map(([name, { tag, schema }]) => ({ tag, object: { name, schema } }));
}
