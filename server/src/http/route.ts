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
  ['Ledger', 'The double-entry books behind the balances'],
  ['Events', 'What has happened, as it is sent to webhooks'],
] as const;

export type Tag = (typeof tags)[number][0];

/** What a handler gets to see of a request. Everything in it has been checked against the route's schemas. */
export interface RequestContext<Body = unknown> {
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
  /** The request's idempotency key, if it has one. */
  readonly idempotencyKey: string | undefined;
}

/** An answer to a read: one thing, or a page of a list. Already JSON text. */
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
  /** What `data` is (of a list: each item of it). */
  readonly data: NamedSchema;
  /** It is in the original document, whose bodies and answers stay to the letter: examples stand beside them. */
  readonly isOriginal?: boolean;
  /** Codes that this operation can answer beyond those that every operation can. */
  readonly errors?: readonly ErrorCode[];
}

/** A route that changes nothing. */
export interface ReadRoute extends RouteBase {
  readonly method: 'GET';
  readonly list?: boolean;
  /** It may take minutes, in a queue of its own: it takes no turn from others. */
  readonly hasOwnQueue?: boolean;
  read(context: RequestContext): Promise<ReadAnswer>;
}

/** A route that changes something, by a command whose result is the JSON text of `data`. */
export interface WriteRoute<Body = unknown> extends RouteBase {
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly body?: TSchema;
  readonly bodyOptional?: boolean;
  /** The most that its body may have; worked out from the schema when left out. */
  readonly bodyBytes?: number;
  /**
   * Faults that the schema cannot say. Asked whatever the schema says, so that one answer names all faults: the body
   * may be anything, but nothing in it is larger than the schema allows, and what the schema finds is not to be said
   * again.
   */
  faults?(body: unknown): readonly FaultDetail[];
  /** The answer holds personal data or a secret: it is sealed where it is kept for an idempotency key. */
  readonly sensitive?: boolean;
  write(context: RequestContext<Body>): Command<string> | Promise<Command<string>>;
  /** What is left to do once the command has taken effect, before its answer goes out; also when it is repeated. */
  done?(context: RequestContext<Body>): Promise<void>;
}

export type Route = ReadRoute | WriteRoute;

/** Declares a route that changes something; the body's type is the handler's own. */
export function writeRoute<Body>(route: WriteRoute<Body>): Route {
  return route as WriteRoute;
}

/** Whether a route answers with a page of a list. */
export function isList(route: Route): boolean {
  return route.method === 'GET' && route.list === true;
}

/** The codes that an operation can answer with. */
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
 * How many bytes a route's body may have: the usual limit, and more only where a body that fits the schema can be
 * longer.
 *
 * @throws Error when it would be more than any body may have
 */
export function bodyBytesOf(route: WriteRoute): number {
  const longest = route.bodyBytes ?? longestBytes(bodySchema(bodySchemaOf(route))) ?? limits.bodyBytes;
  const bytes = Math.max(limits.bodyBytes, Math.ceil(longest / limits.bodyBytes) * limits.bodyBytes);
  if (bytes > limits.largestBodyBytes) throw new Error(`The body of ${route.operationId} can be too long.`);
  return bytes;
}
