import { type Html, html } from '../../platform/html.ts';
import { inDoubleQuotes } from './curl.ts';
import { inlineMarkdown } from './markdown.ts';
import { codeBlock } from './operation.ts';

/** A step of the walk: what it does, and the command, in which `BASE` stands for the base URL. */
interface Step {
  readonly title: string;
  readonly text: string;
  readonly command: string;
}

/** No tool but curl, grep and head: whoever reads this may not have jq. */
const steps: readonly Step[] = [
  {
    title: 'Create a customer',
    text: 'Whoever holds money is a customer. The command keeps the id that the answer has.',
    command: String.raw`CUSTOMER_ID=$(curl -s "BASE/v1/customers" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}' \
  | grep -o 'cus_[0-9a-z]*' | head -n 1); echo "$CUSTOMER_ID"`,
  },
  {
    title: 'Verify them',
    text: 'In the sandbox you decide the verification yourself. Look for `"wallets":true` in the answer.',
    command: String.raw`curl -s "BASE/v1/sandbox/customers/$CUSTOMER_ID/kyc" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d '{"kycStatus":"approved"}'`,
  },
  {
    title: 'Create a wallet',
    text: 'It has an address on every chain from the start.',
    command: String.raw`WALLET_ID=$(curl -s "BASE/v1/crypto-wallets" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d "{\"customerId\":\"$CUSTOMER_ID\"}" \
  | grep -o 'wal_[0-9a-z]*' | head -n 1); echo "$WALLET_ID"`,
  },
  {
    title: 'Let money arrive',
    text: 'A deposit on a simulated chain.',
    command: String.raw`curl -s "BASE/v1/sandbox/crypto-deposits" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -d "{\"walletId\":\"$WALLET_ID\",\"chain\":\"solana\",\"currency\":\"usdc\",\"amount\":\"25.00\"}"`,
  },
  {
    title: 'Read the balance',
    text: 'It is there at once.',
    command: 'curl -s "BASE/v1/crypto-wallets/$WALLET_ID/balance" -H "Authorization: Bearer $KEY"',
  },
  {
    title: 'Send some of it',
    text: 'In your program, add an `Idempotency-Key` header: then a repeated request never sends twice.',
    command: String.raw`TRANSACTION_ID=$(curl -s "BASE/v1/transfers" \
  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d @- <<JSON \
  | grep -o 'txn_[0-9a-z]*' | head -n 1
{
  "customerId": "$CUSTOMER_ID",
  "walletId": "$WALLET_ID",
  "amount": "10.00",
  "destinationCurrency": "usdc",
  "destinationPaymentRail": "solana",
  "destinationAddress": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
}
JSON
); echo "$TRANSACTION_ID"`,
  },
  {
    title: 'Watch it arrive',
    text: 'Sandbox transfers walk to `completed` by themselves within seconds. Run it until yours has.',
    command: 'curl -s "BASE/v1/transactions/$TRANSACTION_ID" -H "Authorization: Bearer $KEY"',
  },
];

/**
 * The walk from a new customer to a transfer that has arrived. Each command runs as it stands in the shell in
 * which the ones before it ran.
 */
export function firstSteps(publicUrl: string): readonly Step[] {
  const base = inDoubleQuotes(publicUrl);
  return steps.map((step) => ({ ...step, command: step.command.replaceAll('BASE', () => base) }));
}

/** Renders the walk. */
export function firstStepsSection(publicUrl: string): Html {
  return html`<section id="first-steps" class="prose">
<h2>First five minutes</h2>
<p>Put your test key into <code>$KEY</code>. The server prints it when it starts.</p>
${codeBlock('Shell', 'KEY=ld_test_your_key')}
<ol class="steps">
${firstSteps(publicUrl).map(
  ({ command, text, title }) => html`<li><h3>${title}</h3>
<p>${inlineMarkdown(text)}</p>
${codeBlock('Shell', command)}</li>
`,
)}</ol>
<p>Every request on this page runs as it stands in the same shell. An id that the steps have not set, such as
<code>$WEBHOOK_ID</code>, is the <code>id</code> that creating or listing such a thing has answered.</p>
</section>
`;
}
