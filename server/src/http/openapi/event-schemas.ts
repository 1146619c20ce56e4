import { omittedFields } from '../../events/changes.ts';
import { type DescribedEvent, eventSchemaName } from '../event.ts';

type Json = Record<string, unknown>;

const erasedName = 'Erased';
const erasedSchema: Json = {
  type: 'object',
  description: 'Stands for what an event said of a customer who was erased',
  required: ['erased'],
  properties: { erased: { type: 'boolean', const: true } },
};

/** What never changes, or is not told when it does. */
const constantFields: ReadonlySet<string> = new Set(['id', 'createdAt', ...omittedFields]);

/**
 * The JSON Schemas of events, by their names: each type's, what `data` is, and what `previousAttributes` can hold.
 * References are `{ $ref: '<name>' }`.
 */
export function eventSchemas(events: readonly DescribedEvent[]): Record<string, Json> {
  const erased: [string, Json][] = events.some(({ isErasable }) => isErasable)
    ? [[erasedName, erasedSchema]]
    : [];
  return Object.fromEntries([
    ...erased,
    ...events.flatMap((event): [string, Json][] => {
      const { name } = event.data;
      const data = plain(event.data.schema);
      const changes: [string, Json][] =
        event.tellsChanges === 'never' ? [] : [[changesName(event), changesSchema(data, name)]];
      return [[eventSchemaName(event.type), eventSchema(event)], [name, data], ...changes];
    }),
  ]);
}

function eventSchema(event: DescribedEvent): Json {
  const { data, description, isErasable, tellsChanges, type } = event;
  const orErased = (name: string): Json =>
    isErasable ? { anyOf: [{ $ref: name }, { $ref: erasedName }] } : { $ref: name };
  const previous = tellsChanges === 'never' ? {} : { previousAttributes: orErased(changesName(event)) };
  return {
    type: 'object',
    description,
    required: [
      'id',
      'type',
      'createdAt',
      'data',
      ...(tellsChanges === 'always' ? ['previousAttributes'] : []),
    ],
    properties: {
      id: { type: 'string' },
      type: { type: 'string', const: type },
      createdAt: { type: 'string', format: 'date-time' },
      data: orErased(data.name),
      ...previous,
    },
  };
}

function changesName({ data }: DescribedEvent): string {
  return `${data.name}Changes`;
}

/** A schema as plain JSON Schema, without TypeBox's own marks. */
function plain(schema: object): Json {
  return JSON.parse(JSON.stringify(schema));
}

function changesSchema(schema: Json, name: string): Json {
  const partial = partialOf(schema);
  const properties = Object.entries(partial.properties as Json).filter(
    ([field]) => !constantFields.has(field),
  );
  return {
    ...partial,
    description: `The former values of exactly those fields of the ${name} that have changed`,
    properties: Object.fromEntries(properties),
  };
}

/** The schema of some of an object's fields. What need not be there, was `null` when it was not. */
function partialOf(schema: Json): Json {
  const { properties = {}, required = [], ...rest } = schema as { properties?: Json; required?: string[] };
  const fields = Object.entries(properties).map(([name, field]) => {
    const former = formerOf(field as Json);
    return [name, required.includes(name) ? former : nullable(former)];
  });
  return { ...rest, properties: Object.fromEntries(fields) };
}

/** Objects within have their changed fields only; lists are whole. */
function formerOf(field: Json): Json {
  if (field.properties) return partialOf(field);
  const { additionalProperties: member } = field;
  return isObject(member) ? { ...field, additionalProperties: nullable(member) } : field;
}

function nullable(schema: Json): Json {
  const types = [schema.type].flat();
  if (types.includes('null')) return schema;
  return {
    ...schema,
    type: [...types, 'null'],
    ...(Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}),
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

/** Makes the JSON Schema (2020-12) of an event of any type, with every type's own under `$defs`. */
export function buildEventSchema(events: readonly DescribedEvent[]): Json {
  const text = JSON.stringify(eventSchemas(events), (key, value) =>
    key === '$ref' ? `#/$defs/${value}` : value,
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Ledger API event',
    description:
      'What webhooks receive, and what GET /v1/events and its stream give. Fields may be added: allow for more.',
    type: 'object',
    required: ['type'],
    properties: { type: { enum: events.map(({ type }) => type) } },
    oneOf: events.map(({ type }) => ({ $ref: `#/$defs/${eventSchemaName(type)}` })),
    $defs: JSON.parse(text),
  };
}
