import { type Html, html, joined, type Piece } from '../../platform/html.ts';
import { type OpenApiDocument, resolveSchema, type Schema, typesOf } from './document.ts';
import { inlineMarkdown } from './markdown.ts';

/** How deep nested fields are shown; a schema that contains itself ends here. */
const deepest = 5;

/** A field or parameter, ready to be shown. */
interface FieldRow {
  /** The names of the objects around it: `capabilities.`. */
  readonly parents: string;
  readonly name: string;
  readonly depth: number;
  readonly mark: 'required' | 'optional' | undefined;
  readonly schema: Schema;
}

/** Shows the fields of a request body; what is required is said to be. */
export function requestFields(document: OpenApiDocument, schema: Schema): Html {
  return fieldList(
    document,
    walk(document, schema, (isRequired) => (isRequired ? 'required' : undefined)),
  );
}

/** Shows the fields of an answer; what may be absent is said to be optional. */
export function answerFields(document: OpenApiDocument, schema: Schema): Html {
  return fieldList(
    document,
    walk(document, schema, (isRequired) => (isRequired ? undefined : 'optional')),
  );
}

/** Shows single fields that are no object's: parameters. */
export function parameterFields(
  document: OpenApiDocument,
  parameters: readonly { name: string; required?: boolean; description?: string; schema?: Schema }[],
): Html {
  const rows = parameters.map(
    ({ description, name, required, schema }): FieldRow => ({
      parents: '',
      name,
      depth: 0,
      mark: required ? 'required' : undefined,
      schema: { ...resolveSchema(document, schema), ...(description === undefined ? {} : { description }) },
    }),
  );
  return fieldList(document, rows);
}

type Mark = (isRequired: boolean) => FieldRow['mark'];

function walk(document: OpenApiDocument, schema: Schema, mark: Mark, parents = '', depth = 0): FieldRow[] {
  if (depth > deepest) return [];
  const whole = resolveSchema(document, schema);
  if (whole.items) return walk(document, whole.items, mark, `${parents.replace(/\.$/, '')}[].`, depth);
  const variants = [whole, ...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
  return variants.flatMap((variant) => {
    const { properties = {}, required = [] } = resolveSchema(document, variant);
    return Object.entries(properties).flatMap(([name, property]): FieldRow[] => {
      const field = resolveSchema(document, property);
      const row: FieldRow = { parents, name, depth, mark: mark(required.includes(name)), schema: field };
      return [row, ...walk(document, field, mark, `${parents}${name}.`, depth + 1)];
    });
  });
}

function fieldList(document: OpenApiDocument, rows: readonly FieldRow[]): Html {
  if (rows.length === 0) return html`<p class="muted">No fields.</p>`;
  return html`<dl class="fields">${rows.map((row) => fieldRow(document, row))}</dl>`;
}

function fieldRow(document: OpenApiDocument, { depth, mark, name, parents, schema }: FieldRow): Html {
  const path = parents === '' ? undefined : html`<span>${parents}</span>`;
  const marked = mark && html` <b class="${mark}">${mark}</b>`;
  const facts = [schema.description && inlineMarkdown(schema.description), choices(schema), limitsOf(schema)];
  const shown = facts.filter((fact) => fact !== undefined && fact !== '');
  return html`<div class="d${depth}"><dt><code>${path}${name}</code></dt>
<dd class="type">${typeLabel(document, schema)}${marked}</dd>
${shown.map((fact) => html`<dd>${fact}</dd>`)}</div>
`;
}

/** A schema's type in words: `string or null`, `array of objects`, `string (date-time)`. */
function typeLabel(document: OpenApiDocument, schema: Schema): string {
  const whole = resolveSchema(document, schema);
  const variants = [...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
  if (variants.length > 0) return [...new Set(variants.map((one) => typeLabel(document, one)))].join(' or ');
  const names = typesOf(whole).map((type) => {
    if (type === 'array' && whole.items) return `array of ${plural(typeLabel(document, whole.items))}`;
    if (type === 'object' && typeof whole.additionalProperties === 'object' && !whole.properties) {
      return `object of ${plural(typeLabel(document, whole.additionalProperties))}`;
    }
    if (type === 'string' && whole.format !== undefined) return `string (${whole.format})`;
    return type;
  });
  return names.length === 0 ? 'any' : names.join(' or ');
}

function plural(label: string): string {
  return /^[a-z]+$/.test(label) && label !== 'any' ? `${label}s` : label;
}

/** The values that a field can have, when they are listed. */
function choices({ const: only, enum: own, items }: Schema): Piece {
  const listed = own ?? items?.enum ?? (only === undefined ? [] : [only]);
  if (listed.length === 0) return undefined;
  const codes = listed.map(
    (value) => html`<code>${typeof value === 'string' ? value : JSON.stringify(value)}</code>`,
  );
  const words = listed.length === 1 ? 'Always' : own ? 'One of' : 'Each one of';
  return html`<span class="limits">${words} ${joined(codes, ', ')}</span>`;
}

function limitsOf(schema: Schema): Piece {
  const { default: preset, maxProperties, pattern, uniqueItems } = schema;
  const limits: Piece[] = [
    range(schema.minLength, schema.maxLength, 'characters'),
    range(schema.minItems, schema.maxItems, 'items'),
    range(schema.minimum, schema.maximum, ''),
    range(undefined, maxProperties, 'pairs'),
    uniqueItems ? 'no item twice' : undefined,
    pattern === undefined ? undefined : html`matches <code>${pattern}</code>`,
    preset === undefined ? undefined : html`default <code>${JSON.stringify(preset)}</code>`,
  ];
  const given = limits.filter((limit) => limit !== undefined);
  return given.length === 0 ? undefined : html`<span class="limits">${joined(given, '; ')}</span>`;
}

function range(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  if (least === undefined && most === undefined) return undefined;
  const words =
    most === undefined
      ? `at least ${least}`
      : least === undefined
        ? `at most ${most}`
        : `${least} to ${most}`;
  return unit === '' ? words : `${words} ${unit}`;
}
