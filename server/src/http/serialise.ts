import fastJson from 'fast-json-stringify';
import type { TSchema } from 'typebox';

/**
 * Compiles a schema to a function that serialises its values as JSON, with only the properties of the schema.
 *
 * @param others schemas that it references by `{ $ref: '<name>#' }`
 */
export function compileSerialiser<View>(
  schema: TSchema,
  others: Readonly<Record<string, TSchema>> = {},
): (view: View) => string {
  return fastJson(plain(schema), {
    schema: Object.fromEntries(Object.entries(others).map(([name, other]) => [name, plain(other)])),
  }) as (view: View) => string;
}

/** The schema as plain JSON Schema, without TypeBox's symbols. */
function plain(schema: TSchema): Parameters<typeof fastJson>[0] {
  return JSON.parse(JSON.stringify(schema));
}
