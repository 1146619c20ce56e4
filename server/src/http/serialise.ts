import fastJson from 'fast-json-stringify';
import type { TSchema } from 'typebox';

/**
 * Compiles a schema to a function that writes values of it as JSON. Only what the schema names is written.
 *
 * @param others schemas that it refers to by `{ $ref: '<name>#' }`
 */
export function compileSerialiser<View>(
  schema: TSchema,
  others: Readonly<Record<string, TSchema>> = {},
): (view: View) => string {
  return fastJson(plain(schema), {
    schema: Object.fromEntries(Object.entries(others).map(([name, other]) => [name, plain(other)])),
  }) as (view: View) => string;
}

/** The schema as bare JSON Schema, without TypeBox's own marks. */
function plain(schema: TSchema): Parameters<typeof fastJson>[0] {
  return JSON.parse(JSON.stringify(schema));
}
