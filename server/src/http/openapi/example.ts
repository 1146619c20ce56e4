import { type Answer, type OpenApiDocument, resolveSchema, type Schema, typesOf } from './endpoints.ts';
import { changesByObject, changesByOperation, exampleId, ownIds, valuesByName } from './example-values.ts';

/** The depth at which examples end: a schema can contain itself. */
const deepest = 8;

interface Context {
  readonly document: OpenApiDocument;
  /** Only required fields are present. */
  readonly isRequest: boolean;
  /** The kind of the nearest named object: its `id` has that prefix. */
  readonly kind: string;
  readonly depth: number;
}

/** Makes an example of a request body: the schema's own, else the required fields, or the first field if none is required. */
export function exampleRequest(document: OpenApiDocument, schema: Schema): unknown {
  const context: Context = { document, isRequest: true, kind: '', depth: 0 };
  const [own] = resolveSchema(document, schema).examples ?? [];
  if (!isRecord(own)) return exampleOf(schema, '', context);
  const entries = Object.entries(own);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, exampleOfId({ type: 'string' }, name, context) ?? value]),
  );
}

/** Makes an example of a whole response, with its envelope. */
export function exampleAnswer(document: OpenApiDocument, operationId: string, answer: Answer): unknown {
  const { isList, name = '', schema } = answer;
  const data = exampleOf(schema, '', { document, isRequest: false, kind: name, depth: 0 });
  const changed = isRecord(data) ? change(data, operationId, name) : data;
  return isList ? { ok: true, data: [changed], nextCursor: null } : { ok: true, data: changed };
}

/** An example of a parameter's value, as text. */
export function exampleParameter(
  document: OpenApiDocument,
  name: string,
  schema: Schema | undefined,
): string {
  const value = exampleOf(schema ?? {}, name, { document, isRequest: true, kind: '', depth: 0 });
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function change(data: Record<string, unknown>, operationId: string, name: string): unknown {
  const { omit = [], set = {} } = changesByOperation[operationId] ?? changesByObject[name] ?? {};
  const kept = Object.entries({ ...data, ...set }).filter(([field]) => !omit.includes(field));
  return Object.fromEntries(kept);
}

function exampleOf(given: Schema, name: string, context: Context): unknown {
  const schema = resolveSchema(context.document, given);
  const inner = { ...context, depth: context.depth + 1 };
  if (context.depth > deepest) return null;
  const id = exampleOfId(schema, name, context);
  if (id !== undefined) return id;
  const known = valuesByName[name];
  if (known !== undefined && fits(known, schema)) return known;
  const variant = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (variant) return exampleOf(variant, name, inner);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const types = typesOf(schema);
  if (types.includes('null')) return null;
  if (types.includes('object') || schema.properties) return exampleObject(schema, inner);
  if (types.includes('array')) return schema.items ? [exampleOf(schema.items, singular(name), inner)] : [];
  return exampleScalar(types[0], schema);
}

function exampleOfId(schema: Schema, name: string, { kind }: Context): string | undefined {
  if (!typesOf(schema).includes('string') || ownIds.has(name)) return undefined;
  if (name === 'id') return exampleId(kind);
  if (!/[a-z]Id$/.test(name)) return undefined;
  return exampleId(name.charAt(0).toUpperCase() + name.slice(1, -'Id'.length));
}

function exampleObject(schema: Schema, context: Context): unknown {
  const entries = Object.entries(schema.properties ?? {});
  const required = entries.filter(([name]) => schema.required?.includes(name));
  const needed = required.length > 0 ? required : entries.slice(0, 1);
  const shown = context.isRequest ? needed : entries;
  return Object.fromEntries(shown.map(([name, property]) => [name, exampleOf(property, name, context)]));
}

function exampleScalar(type: string | undefined, schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (type === 'boolean') return true;
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 1, 1);
  if (schema.format === 'date-time') return valuesByName.createdAt;
  if (schema.format === 'email') return valuesByName.email;
  if (schema.format === 'uri') return valuesByName.url;
  return 'text'.padEnd(schema.minLength ?? 0, 'x').slice(0, schema.maxLength);
}

/** Whether a known value is valid by this schema: fields of one name have different schemas. */
function fits(value: unknown, schema: Schema): boolean {
  if (schema.enum && !schema.enum.includes(value)) return false;
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) return false;
  if (Array.isArray(value)) return value.every((item) => fits(item, schema.items ?? {}));
  if (typeof value !== 'string') return true;
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) return false;
  return (
    value.length >= (schema.minLength ?? 0) && value.length <= (schema.maxLength ?? Number.POSITIVE_INFINITY)
  );
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function singular(name: string): string {
  return name.replace(/s$/, '');
}
