import Type, { type TObject, type TSchema } from 'typebox';
import type { ErrorCode, FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Command } from '../writer/command.ts';
import type { Caller } from './auth.ts';
import { longestBytes } from './bounds.ts';
import type { NamedSchema } from './schema.ts';
import { bodySchema } from './validate.ts';

/** The tags of the document, in its order (contract §1). */
export const tags = [
  ['Health', 'API health check'],
  ['Customers', 'Manage customers (individuals or businesses) on your platform'],
  ['Crypto Wallets', 'Create and manage custodial crypto wallets'],
  ['Virtual Accounts', 'Create and manage fiat virtual accounts with deposit instructions'],
  ['Counterparties', 'Manage customer-owned external accounts for receiving payouts'],
  ['Transactions', 'View transaction history across wallets and accounts'],
  ['Rates', 'Get current exchange rates'],
  ['Transfers', 'Move funds between currencies and payment rails'],
  ['Webhooks', 'Configure webhook endpoints to receive real-time event notifications'],
  ['Reference', 'Lookup tables for occupation and industry codes'],
  ['Rails', 'What each bank rail asks for, carries and returns, and when it is open'],
  ['Sandbox', 'Make things happen in the sandbox: test keys only'],
  ['Treasury', 'Ways out for operators of live chains: only for keys that the server names'],
  ['Ledger', 'The double-entry books behind the balances'],
  ['Events', 'What has happened, as it is sent to webhooks'],
] as const;

export type Tag = (typeof tags)[number][0];

/** A request as a handler gets it, validated by the route's schemas. */
export interface RequestContext<Body = unknown> {
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
  /** The request's idempotency key, if it has one. */
  readonly idempotencyKey: string | undefined;
}

/** The result of a read as JSON text: one object, or a page of a list. */
export type ReadAnswer = string | { readonly items: readonly string[]; readonly nextCursor: string | null };

interface RouteBase {
  /** As OpenAPI writes it: `/v1/customers/{customerId}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  /** `public` needs no key; `test` answers a live key with 404. */
  readonly access: 'public' | 'key' | 'test';
  readonly params?: Readonly<Record<string, string>>;
  /** Query parameters; all are optional texts with the limits that their schema names. */
  readonly query?: TObject;
  readonly okDescription: string;
  /** The schema of `data`, or of each item of a list. */
  readonly data: NamedSchema;
  /** It is in the original document, whose bodies and responses are kept verbatim; examples are added beside them. */
  readonly isOriginal?: boolean;
  /** Error codes of this operation beyond those of every operation. */
  readonly errors?: readonly ErrorCode[];
}

/** A route that reads. */
export interface ReadRoute extends RouteBase {
  readonly method: 'GET';
  readonly list?: boolean;
  /** It may take minutes and has its own queue, so that it holds no slot meanwhile. */
  readonly hasOwnQueue?: boolean;
  read(context: RequestContext): Promise<ReadAnswer>;
}

/** A route that writes, by a command whose result is the JSON text of `data`. */
export interface WriteRoute<Body = unknown> extends RouteBase {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly body?: TSchema;
  readonly bodyOptional?: boolean;
  /** The largest body; computed from the schema if left out. */
  readonly bodyBytes?: number;
  /**
   * Finds faults that the schema cannot express. Called for every body, so that one response has all faults. The body may be
   * anything, but no part is larger than the schema allows; faults of the schema must not be reported again.
   */
  faults?(body: unknown): readonly FaultDetail[];
  /** The response has personal data or a secret: it is sealed when it is stored for an idempotency key. */
  readonly sensitive?: boolean;
  write(context: RequestContext<Body>): Command<string> | Promise<Command<string>>;
  /** Called after the command has taken effect and before the response is sent, also for a repeated request. */
  done?(context: RequestContext<Body>): Promise<void>;
}

export type Route = ReadRoute | WriteRoute;

/** Declares a route that writes, with the type of its body. */
export function writeRoute<Body>(route: WriteRoute<Body>): Route {
  return route as WriteRoute;
}

/** Whether a route returns a page of a list. */
export function isList(route: Route): boolean {
  return route.method === 'GET' && route.list === true;
}

/** The error codes of an operation. */
export function errorsOf(route: Route): readonly ErrorCode[] {
  const codes: ErrorCode[] = ['INVALID_REQUEST'];
  if (route.access !== 'public') codes.push('UNAUTHORIZED');
  if (route.access === 'test') codes.push('NOT_FOUND');
  if (route.method === 'POST') codes.push('CONFLICT');
  codes.push('RATE_LIMITED', 'INTERNAL_ERROR', ...(route.errors ?? []));
  return [...new Set(codes)];
}

/** The schema of a route's body: an empty object where the route takes none. */
export function bodySchemaOf(route: WriteRoute): TSchema {
  return route.body ?? Type.Object({});
}

/**
 * The largest body of a route in bytes: the default limit, or more if a body that matches the schema can be longer.
 *
 * @throws Error if it would exceed the limit of every body
 */
export function bodyBytesOf(route: WriteRoute): number {
  const longest = route.bodyBytes ?? longestBytes(bodySchema(bodySchemaOf(route))) ?? limits.bodyBytes;
  const bytes = Math.max(limits.bodyBytes, Math.ceil(longest / limits.bodyBytes) * limits.bodyBytes);
  if (bytes > limits.largestBodyBytes) throw new Error(`The body of ${route.operationId} can be too long.`);
  return bytes;
}
