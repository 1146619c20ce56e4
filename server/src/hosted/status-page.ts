import { type Html, html } from '../platform/html.ts';
import { renderPage } from './layout.ts';
import { sandboxButtons } from './sandbox-buttons.ts';
import { hiddenFields } from './step-page.ts';
import type { Visit } from './visit.ts';

/** Renders the status of the verification, while there is nothing to fill in. */
export function statusPage(visit: Visit): string {
  const { customer, isSandbox } = visit;
  const shown = statuses[customer.kyc_status];
  const reasons = (JSON.parse(customer.kyc_rejection_reasons) as { customerMessage: string }[]).map(
    ({ customerMessage }) => html`<li>${customerMessage}</li>`,
  );
  const list = reasons.length === 0 ? undefined : html`<ul>${reasons}</ul>`;
  const text = html`<p>${shown.text}</p>`;
  const body = html`<div class="state">${icon(shown.mood)}<h1>${shown.title}</h1></div>
${shown.mood === 'bad' ? [list, text] : [text, list]}
${customer.kyc_status === 'incomplete' ? html`<div class="actions"><a class="button" href="review">Change and send again</a></div>` : undefined}
${customer.kyc_status !== 'rejected' && customer.tos_accepted_at === null ? termsNotice(visit) : undefined}
${
  isSandbox && customer.kyc_status === 'under_review'
    ? html`<form method="post" action="decide">${hiddenFields(visit)}${sandboxButtons('Decide the verification:', '')}</form>`
    : undefined
}`;
  return renderPage({ title: shown.title, body, isSandbox });
}

function termsNotice(visit: Visit): Html {
  return html`<div class="notice"><h2>One more thing</h2><p>Please read and accept the terms, too.</p>
<p><a href="../../terms/${visit.termsLink}">Read the terms</a></p></div>`;
}

type Mood = 'good' | 'wait' | 'bad';

const statuses: Readonly<
  Record<
    Visit['customer']['kyc_status'],
    { readonly mood: Mood; readonly title: string; readonly text: string }
  >
> = {
  not_started: {
    mood: 'wait',
    title: 'Your identity is not verified yet',
    text: 'Open the form and fill it in.',
  },
  under_review: {
    mood: 'wait',
    title: 'We are checking your details',
    text: 'Thank you. Everything has arrived, and there is nothing to do for you now. You can close this page.',
  },
  incomplete: {
    mood: 'wait',
    title: 'We need something more',
    text: 'We could not finish checking your details:',
  },
  approved: {
    mood: 'good',
    title: 'Your identity is verified',
    text: 'Thank you. You can close this page.',
  },
  rejected: {
    mood: 'bad',
    title: 'We could not verify your identity',
    text: 'If you think that this is wrong, talk to the company that sent you here.',
  },
};

const paths: Readonly<Record<Mood, Html>> = {
  good: html`<path d="M4 12.5l5.5 5.5L20 6.5"/>`,
  wait: html`<path d="M12 6v6l4 2.5"/><circle cx="12" cy="12" r="9.5"/>`,
  bad: html`<path d="M6 6l12 12M18 6L6 18"/>`,
};

/** An icon for the status, which the text beside it repeats. */
export function icon(mood: Mood): Html {
  return html`<svg class="${mood}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths[mood]}</svg>`;
}
