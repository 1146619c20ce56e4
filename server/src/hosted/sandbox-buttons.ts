import { type Html, html } from '../platform/html.ts';

/** The buttons that decide a verification in the sandbox. @param prefix starts each label */
export function sandboxButtons(lead: string, prefix: string): Html {
  const button = (decision: string, label: string, style: string): Html =>
    html`<button class="${style}" name="decision" value="${decision}">${prefix}${label}</button>`;
  const capital = (text: string): string =>
    prefix === '' ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return html`<div class="notice note"><h2>Sandbox</h2><p>${lead}</p></div>
<div class="actions">${button('approved', capital('approve'), '')}${
    prefix === ''
      ? button('incomplete', capital('ask again'), 'plain')
      : button('under_review', 'leave under review', 'plain')
  }${button('rejected', capital('reject'), 'plain')}</div>`;
}
