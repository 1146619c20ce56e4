import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRules } from '../identity/answers.ts';
import type { IdentityForm } from '../identity/form.ts';
import { type LinkPurpose, linkTokenUntil } from '../identity/links.ts';
import { openForm } from '../identity/state.ts';
import type { Clock } from '../platform/clock.ts';
import type { IdSource } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { Vault } from '../platform/seal.ts';
import type { RateLimitSetting } from '../platform/setting-parsers.ts';
import { openPersonal, type PersonalData } from '../resources/customers/schema.ts';
import type { CaseRef } from '../resources/identity/commands.ts';
import { type CustomerCase, findCase } from '../resources/identity/queries.ts';
import type { Pool } from '../store/pool.ts';
import type { Command } from '../writer/command.ts';
import type { Writer } from '../writer/writer.ts';
import { formToken, requireLink } from './guard.ts';
import { PageError } from './page-error.ts';
import { references } from './references.ts';
import type { TermsOfService } from './terms-of-service.ts';
import type { ByteBudget } from './upload-limits.ts';

export interface HostedDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly vault: Vault;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly terms: TermsOfService;
  /** The contact for new links; the company that sent the link if undefined. */
  readonly supportContact: string | undefined;
  readonly uploads: UploadResources;
  /** Undefined switches the limit on requests by address off. */
  readonly rateLimit: RateLimitSetting | undefined;
  /** Milliseconds since the Unix epoch, by the environment's clock. */
  nowIn(environmentId: string): number;
  /** The base URL that clients reach this server by. */
  publicUrl(): string;
}

/** The resources of uploads, separate so that nothing else waits for uploads. */
export interface UploadResources {
  readonly pool: Pool;
  /** The memory budget of uploads, for each kind of environment. */
  readonly budgets: Readonly<Record<'test' | 'live', ByteBudget>>;
  /** The cases that have an upload under way in this process. */
  readonly cases: Set<string>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for hosted pages, before the body is read. */
    visit: Visit;
  }
}

/** A request with a customer's link. */
export interface Visit extends CustomerCase {
  readonly ref: CaseRef;
  readonly personal: PersonalData;
  readonly form: IdentityForm;
  readonly rules: AnswerRules;
  readonly isSandbox: boolean;
  /** The hidden field of the page's forms. */
  readonly formToken: string;
  /** The token of a link to the terms that expires with this one. */
  readonly termsLink: string;
}

/** The token of the link, from the URL. */
export function tokenOf(request: FastifyRequest): string {
  return (request.params as { token?: string }).token ?? '';
}

/** Whether the body is a form that may contain a file. */
export function isMultipart({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return /^multipart\/form-data(;|$)/i.test(headers['content-type'] ?? '');
}

/**
 * Identifies the customer of a request, before its body is read.
 *
 * @throws PageError if the link is invalid, expired or revoked, or its customer does not exist any more
 */
export async function openVisit(
  purpose: LinkPurpose,
  request: FastifyRequest,
  deps: HostedDeps,
): Promise<Visit> {
  const { pool, vault } = deps;
  const token = tokenOf(request);
  const { customerId, environmentId, expiresAtMs, generation } = requireLink(purpose, token, deps);
  const subject = await findCase(pool, customerId, environmentId);
  if (!subject || subject.customer.erased_at !== null) throw new PageError('link_invalid');
  if (generation !== subject.customer.link_generation) throw new PageError('link_revoked');
  return {
    ...subject,
    ref: { customerId, environmentId },
    personal: openPersonal(subject.customer, vault),
    form: openForm(subject.found, vault.forCustomer(subject.customer)),
    rules: { nowMs: deps.nowIn(environmentId), references },
    isSandbox: subject.kind === 'test',
    formToken: formToken(token, vault),
    termsLink: linkTokenUntil('terms', subject.customer, expiresAtMs, vault),
  };
}

/**
 * Runs a command of a page, in the queue of the customer's environment kind.
 *
 * @throws PageError if the customer does not exist any more
 */
export async function run<Result>(
  { kind }: Visit,
  { writer }: HostedDeps,
  command: Command<Result>,
): Promise<Result> {
  const outcome = await writer.submit(command, undefined, kind);
  if (outcome.kind !== 'accepted') throw new PageError('link_invalid');
  return outcome.result;
}

/** Sends a page. */
export function sendPage(reply: FastifyReply, page: string, status = 200): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(page);
}

/** Redirects to another page after a form was accepted. Relative, so that it works behind every proxy. */
export function redirectTo(reply: FastifyReply, page: string): FastifyReply {
  return reply.code(303).header('location', page).send();
}
