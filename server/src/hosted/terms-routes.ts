import type { FastifyInstance } from 'fastify';
import { isOpen } from '../identity/state.ts';
import { html } from '../platform/html.ts';
import { limits } from '../platform/limits.ts';
import { acceptTerms } from '../resources/identity/commands.ts';
import type { PostedForm } from './form-body.ts';
import { requireFormToken } from './guard.ts';
import { renderPage } from './layout.ts';
import { icon } from './status-page.ts';
import type { TermsOfService } from './terms-of-service.ts';
import { type HostedDeps, redirectTo, run, sendPage, tokenOf, type Visit } from './visit.ts';

/** Adds the page where the terms are read and accepted. */
export function addTermsRoutes(scope: FastifyInstance, deps: HostedDeps): void {
  scope.get('/terms/:token', async (request, reply) => {
    const { visit } = request;
    return sendPage(
      reply,
      visit.customer.tos_accepted_at === null ? termsPage(visit, deps.terms) : acceptedPage(visit),
    );
  });
  scope.post('/terms/:token', async (request, reply) => {
    const { visit } = request;
    const posted = request.body as PostedForm;
    requireFormToken(posted, tokenOf(request), deps.vault);
    const { sha256, version } = deps.terms;
    // The text may have changed in between: nobody accepts terms they have not seen.
    if (posted.text('terms') !== sha256.toString('hex')) {
      return sendPage(reply, termsPage(visit, deps.terms, true), 422);
    }
    const userAgent = (request.headers['user-agent'] ?? '').slice(0, limits.shortTextLength);
    await run(visit, deps, acceptTerms(visit.ref, { version, sha256 }, { address: request.ip, userAgent }));
    return redirectTo(reply, tokenOf(request));
  });
}

function termsPage(visit: Visit, terms: TermsOfService, hasChanged = false): string {
  const body = html`<h1>${terms.title}</h1>
${hasChanged ? html`<p class="notice note" role="alert">The terms have changed since you opened this page. Please read them again.</p>` : undefined}
<div class="terms">${terms.body}</div>
<p class="small">Version ${terms.version}</p>
<form method="post"><input type="hidden" name="form" value="${visit.formToken}"><input type="hidden" name="terms" value="${terms.sha256.toString('hex')}">
<div class="actions"><button name="action" value="accept">I accept these terms</button></div></form>`;
  return renderPage({ title: terms.title, body, isSandbox: visit.isSandbox });
}

function acceptedPage(visit: Visit): string {
  const title = 'You have accepted the terms';
  const body = html`<div class="state">${icon('good')}<h1>${title}</h1></div>
<p>Thank you. ${isOpen(visit.customer) ? undefined : 'You can close this page.'}</p>
${
  isOpen(visit.customer)
    ? html`<div class="notice"><h2>One more thing</h2><p>Please verify your identity, too: open the other link that you were sent.</p></div>`
    : undefined
}`;
  return renderPage({ title, body, isSandbox: visit.isSandbox });
}
