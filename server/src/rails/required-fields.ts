import { type AccountType, factsOf } from './account-types.ts';
import type { FiatCode } from './fiat.ts';
import type { MobileMoneyCode } from './identifiers/mobile-money.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * JSON Schema of the request fields of an external account, for a form or a client-side check: the identifying fields, the
 * account type and the currency. The other fields are the same for every account.
 */
export function requiredFields(accountType: AccountType, currency: FiatCode): JsonSchema {
  const { fields, oneFieldOf } = factsOf(accountType);
  const names = Object.keys(fields);
  const properties: Record<string, JsonSchema> = {
    accountType: { const: accountType },
    currency: { const: currency },
  };
  const outerNames = new Set<string>();
  for (const name of names) {
    const field = fields[name];
    // Only mobile money requires its currency.
    const schema = { ...(typeof field === 'function' ? field(currency as MobileMoneyCode) : field) };
    const [outer = '', inner] = name.split('.');
    outerNames.add(outer);
    properties[outer] = inner === undefined ? schema : withField(properties[outer], inner, schema);
  }
  const always = ['accountType', 'currency'];
  return {
    type: 'object',
    required: oneFieldOf ? always : [...always, ...outerNames],
    properties,
    ...(oneFieldOf ? { oneOf: names.map((name) => ({ required: [name] })) } : {}),
  };
}

/** An object schema with one more required field. */
function withField(object: JsonSchema | undefined, name: string, schema: JsonSchema): JsonSchema {
  const { properties = {}, required = [] } = (object ?? {}) as { properties?: object; required?: string[] };
  return { type: 'object', required: [...required, name], properties: { ...properties, [name]: schema } };
}
