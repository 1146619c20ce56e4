import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { ApiError, type FaultDetail, invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { bounded, type SizedSchema } from './bounds.ts';
import { escapePointer } from './json-body.ts';
import { trimOversize } from './oversize.ts';
import { closed } from './schema.ts';

const common = { strict: false, validateFormats: true, ownProperties: true };
/** Stops at the first fault, and checks sizes before contents. */
const first = new Ajv2020(common);
/** Finds all faults. Only for values whose oversized parts were emptied. */
const all = new Ajv2020({ ...common, allErrors: true });
for (const ajv of [first, all]) formats.default(ajv, ['date-time', 'email', 'uri']);

/**
 * Compiles the schema of a query to a check. The size of a query is limited by that of the request's headers.
 *
 * @returns a function that throws an ApiError (400) with all faults
 */
export function compileQueryValidator<Value>(schema: object): (query: unknown) => Value {
  const validate: ValidateFunction = all.compile(closed(JSON.parse(JSON.stringify(schema))));
  return (query) => {
    if (validate(query)) return query as Value;
    throw new ApiError(validationFailed(toDetails(validate.errors ?? [], 'query.')));
  };
}

/**
 * Compiles the schema of a body to a check. Every object is closed, every text, array and object has a bound, and oversized
 * parts are not checked further.
 *
 * @param more finds faults that the schema cannot express, in any value
 * @returns a function that throws an ApiError (400) with at most `limits.errorDetails` faults
 * @throws Error if an array or an object of the schema has no bound
 */
export function compileBodyValidator<Value>(
  schema: object,
  more: (value: unknown) => readonly FaultDetail[] = () => [],
): (body: unknown) => Value {
  const sized = bodySchema(schema);
  const fits: ValidateFunction = first.compile(sized);
  const explain: ValidateFunction = all.compile(sized);
  return (body) => {
    if (fits(body)) {
      const faults = more(body);
      if (faults.length === 0) return body as Value;
      throw new ApiError(validationFailed(faults));
    }
    const { faults, isEmptied, value } = trimOversize(sized, body);
    const others = explain(value) ? [] : toDetails(explain.errors ?? [], '');
    others.push(...more(value));
    throw new ApiError(validationFailed([...faults, ...others.filter(({ path }) => !isEmptied(path))]));
  };
}

/** A body's schema as it is validated: closed, and bounded. */
export function bodySchema(schema: object): SizedSchema {
  return bounded(closed(JSON.parse(JSON.stringify(schema))) as SizedSchema);
}

/** The refusal of invalid fields. Its message has the first fault, its details have all. */
export function validationFailed(details: readonly FaultDetail[]) {
  const first = details[0];
  const message = first ? `${first.path || 'The body'}: ${first.message}` : 'Validation failed';
  return invalidRequest('validation_failed', message, details.slice(0, limits.errorDetails));
}

/** @param prefix of the paths: empty for the body, `query.` for the query */
function toDetails(errors: readonly ErrorObject[], prefix: string): FaultDetail[] {
  const details = errors
    // Errors that wrap other errors add nothing.
    .filter((error) => error.keyword !== 'propertyNames' && error.keyword !== 'if')
    .map((error): FaultDetail => ({ path: pathOf(error, prefix), message: messageOf(error) }));
  const seen = new Set<string>();
  return details.filter(({ path, message }) => {
    const name = `${path}\n${message}`;
    return seen.has(name) ? false : seen.add(name);
  });
}

function pathOf(error: ErrorObject, prefix: string): string {
  const { missingProperty, additionalProperty } = error.params as Record<string, string | undefined>;
  const property = missingProperty ?? additionalProperty;
  const pointer =
    property === undefined ? error.instancePath : `${error.instancePath}/${escapePointer(property)}`;
  return prefix === '' ? pointer : prefix + pointer.slice(1);
}

function messageOf(error: ErrorObject): string {
  const params = error.params as { allowedValues?: unknown[]; format?: string; type?: string | string[] };
  switch (error.keyword) {
    case 'required':
      return 'This field is required.';
    case 'additionalProperties':
      return 'This field does not exist.';
    case 'enum':
      return `It must be one of: ${(params.allowedValues ?? []).join(', ')}.`;
    case 'format':
      return `It must be a valid ${params.format}.`;
    case 'type':
      return `It must be of type ${[params.type].flat().join(' or ')}.`;
    default:
      return `It ${plainRule(error.message ?? 'is not valid')}.`;
  }
}

/** Ajv says `must NOT have fewer than 2 items`. */
function plainRule(message: string): string {
  return message
    .replace('must NOT have fewer than', 'must have at least')
    .replace('must NOT have more than', 'must have at most');
}
