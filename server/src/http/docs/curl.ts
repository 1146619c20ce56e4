import type { Endpoint, OpenApiDocument, Parameter } from './document.ts';
import { exampleParameter, exampleRequest, variableMark, variableName } from './example.ts';

/**
 * A curl command that calls an operation. It runs as it stands in a POSIX shell once `$KEY` and the ids it
 * names are set.
 */
export function curlCommand(document: OpenApiDocument, endpoint: Endpoint, publicUrl: string): string {
  const { body, method, needsKey } = endpoint;
  const sent = body?.required ? printBody(exampleRequest(document, body.schema, 'variables')) : undefined;
  const isImplied = method === (sent === undefined ? 'GET' : 'POST');
  const url = inDoubleQuotes(publicUrl) + pathAndQuery(document, endpoint);
  const parts = [
    `curl -s${isImplied ? '' : ` -X ${method}`} "${url}"`,
    needsKey ? '-H "Authorization: Bearer $KEY"' : undefined,
    sent === undefined ? undefined : '-H "Content-Type: application/json"',
    sent,
  ];
  return parts.filter((part) => part !== undefined).join(' \\\n  ');
}

/** A text as it stands between double quotes in the shell. */
export function inDoubleQuotes(text: string): string {
  return text.replaceAll(/[\\$`"]/g, '\\$&');
}

function pathAndQuery(document: OpenApiDocument, { parameters, path }: Endpoint): string {
  const filled = path.replaceAll(/\{([^{}]+)\}|[^{}]+/g, (part, name: string | undefined) =>
    // encodeURI leaves the dollar sign, which the shell would read.
    name === undefined ? encodeURI(part).replaceAll('$', '%24') : `$${variableName(name)}`,
  );
  const given = parameters.filter(isGiven).map(({ name, schema }) => {
    const value = name === 'limit' ? '10' : exampleParameter(document, name, schema, 'variables');
    const encoded = encodeURIComponent(value).replace(encodeURIComponent(variableMark), '$');
    return `${encodeURIComponent(name)}=${encoded}`;
  });
  return given.length === 0 ? filled : `${filled}?${given.join('&')}`;
}

function isGiven({ in: place, name, required }: Parameter): boolean {
  return place === 'query' && (required === true || name === 'limit');
}

/** The option that sends a body: a here-document where the shell has to fill ids in, else plain text. */
function printBody(body: unknown): string {
  const json = JSON.stringify(body, undefined, 2);
  if (!json.includes(variableMark)) return `-d '${json.replaceAll("'", `'\\''`)}'`;
  const filled = json.replaceAll(/[\\$`]/g, '\\$&').replaceAll(variableMark, '$');
  return `-d @- <<JSON\n${filled}\nJSON`;
}
