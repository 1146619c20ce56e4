import { type Endpoint, type OpenApiDocument, readEndpoints } from '../docs/document.ts';
import { exampleAnswer, exampleParameter, exampleRequest } from '../docs/example.ts';

type Json = Record<string, unknown>;

/** The examples of an operation: those that the documentation page shows. */
interface Examples {
  readonly request?: unknown;
  readonly response?: unknown;
}

/**
 * The paths of a document with an example for every body and every answer, and for parameters that must be given.
 *
 * @param originals the ids of operations whose bodies and answers stay to the letter: their examples stand beside them,
 *   in `x-examples`
 */
export function withExamples(document: Json, originals: ReadonlySet<string>): Json {
  const paths = structuredClone(document.paths) as Record<string, Record<string, Json>>;
  for (const endpoint of readEndpoints(document)) {
    const operation = paths[endpoint.path]?.[endpoint.method.toLowerCase()];
    if (!operation) continue;
    const examples = examplesOf(document, endpoint);
    for (const parameter of (operation.parameters ?? []) as Json[]) addToParameter(document, parameter);
    if (originals.has(endpoint.id)) operation['x-examples'] = examples;
    else addToContents(operation, examples);
  }
  return paths;
}

function examplesOf(document: OpenApiDocument, { answer, body, id }: Endpoint): Examples {
  return {
    ...(body ? { request: exampleRequest(document, body.schema, 'values') } : {}),
    ...(answer ? { response: exampleAnswer(document, id, answer) } : {}),
  };
}

function addToContents(operation: Json, { request, response }: Examples): void {
  const { requestBody, responses } = operation as { requestBody?: Json; responses: Record<string, Json> };
  for (const [holder, example] of [
    [requestBody, request],
    [responses['200'], response],
  ] as const) {
    const content = (holder?.content as Record<string, Json> | undefined)?.['application/json'];
    if (content && example !== undefined) content.example = example;
  }
}

function addToParameter(document: OpenApiDocument, parameter: Json): void {
  const { name, required, schema } = parameter as { name: string; required?: boolean; schema?: Json };
  if (required) parameter.example = exampleParameter(document, name, schema, 'values');
}
