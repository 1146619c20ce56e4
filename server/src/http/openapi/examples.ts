import { type Endpoint, type OpenApiDocument, readEndpoints } from './endpoints.ts';
import { exampleAnswer, exampleParameter, exampleRequest } from './example.ts';

type Json = Record<string, unknown>;

/** The examples of an operation. */
interface Examples {
  readonly request?: unknown;
  readonly response?: unknown;
}

/**
 * Adds an example to every body, every response and every required parameter of a document's paths.
 *
 * @param originals the ids of operations whose bodies and responses are not changed: their examples go into `x-examples`
 */
export function withExamples(document: Json, originals: ReadonlySet<string>): Json {
  const paths = structuredClone(document.paths) as Record<string, Record<string, Json>>;
  for (const endpoint of readEndpoints(document)) {
    const operation = paths[endpoint.path]?.[endpoint.method];
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
    ...(body ? { request: exampleRequest(document, body) } : {}),
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
  if (required) parameter.example = exampleParameter(document, name, schema);
}
