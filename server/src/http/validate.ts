import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { ApiError, type FaultDetail, invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { escapePointer } from './json-body.ts';
import { closed } from './schema.ts';

const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: true, ownProperties: true });
formats.default(ajv, ['date-time', 'email', 'uri']);

/**
 * Compiles a request schema to a check. Every object in it is closed.
 *
 * @param prefix what the paths of faults start with: nothing for the body, `query.` for the query
 * @param more finds faults that the schema cannot say, in any value
 * @returns a function that throws an ApiError (400) naming all faults at once
 */
export function compileValidator<Value>(
  schema: object,
  prefix = '',
  more: (value: unknown) => readonly FaultDetail[] = () => [],
): (value: unknown) => Value {
  const validate: ValidateFunction = ajv.compile(closed(JSON.parse(JSON.stringify(schema))));
  return (value) => {
    const faults = validate(value) ? [] : toDetails(validate.errors ?? [], prefix);
    faults.push(...more(value));
    if (faults.length === 0) return value as Value;
    throw new ApiError(validationFailed(faults));
  };
}

/** The refusal for faulty fields: its message says the first fault, its details all of them. */
export function validationFailed(details: readonly FaultDetail[]) {
  const first = details[0];
  const message = first ? `${first.path || 'The body'}: ${first.message}` : 'Validation failed';
  return invalidRequest('validation_failed', message, details.slice(0, limits.errorDetails));
}

function toDetails(errors: readonly ErrorObject[], prefix: string): FaultDetail[] {
  const details = errors
    // A wrong key is reported under propertyNames already; what wraps other errors says nothing new.
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
      return 'There is no such field.';
    case 'enum':
      return `It must be one of: ${(params.allowedValues ?? []).join(', ')}.`;
    case 'format':
      return `It must be a valid ${params.format}.`;
    case 'type':
      return `It must be of type ${[params.type].flat().join(' or ')}.`;
    default:
      return `It ${error.message ?? 'is not valid'}.`;
  }
}
