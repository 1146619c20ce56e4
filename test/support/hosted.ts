import { Agent, FormData, request } from 'undici';

/** A page as it came back. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly html: string;
  /** Where it leads on to, as a whole URL. */
  readonly location: string | undefined;
}

const agent = new Agent({ connections: 64 });

/** Opens a page, without following where it leads. */
export function openPage(url: string, headers: Record<string, string> = {}): Promise<Page> {
  return send(url, { method: 'GET', headers });
}

/** Sends a form as a browser does; a file makes it multipart. */
export function postForm(
  url: string,
  fields: Readonly<Record<string, string | File>>,
  headers: Record<string, string> = {},
): Promise<Page> {
  const files = Object.values(fields).some((value) => typeof value !== 'string');
  if (!files) {
    const body = new URLSearchParams(fields as Record<string, string>).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return send(url, { method: 'POST', body, headers: { ...type, ...headers } });
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value as string);
  return send(url, { method: 'POST', body: form, headers });
}

/** Sends anything. */
export async function send(
  url: string,
  options: { method: string; body?: string | Buffer | FormData; headers?: Record<string, string> },
): Promise<Page> {
  const answer = await request(url, { ...options, dispatcher: agent } as Parameters<typeof request>[1]);
  const location = answer.headers.location as string | undefined;
  return {
    status: answer.statusCode,
    headers: answer.headers,
    html: await answer.body.text(),
    location: location === undefined ? undefined : new URL(location, url).href,
  };
}

/** The value of a hidden field of a page. */
export function hidden(page: Page, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(page.html)?.[1] ?? '';
}

/** A file of a kind: the first bytes are what they should be. */
export function fileOf(kind: 'jpg' | 'png' | 'pdf', more = 'x', name = `scan.${kind}`): File {
  const signatures = {
    jpg: [0xff, 0xd8, 0xff, 0xe0],
    png: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    pdf: [...Buffer.from('%PDF-1.7\n')],
  };
  const types = { jpg: 'image/jpeg', png: 'image/png', pdf: 'application/pdf' };
  return new File([Buffer.from(signatures[kind]), more], name, { type: types[kind] });
}

/** Answers that fill an individual's form, step by step. */
export const individual = {
  you: {
    firstName: 'Ada',
    lastName: 'Lovelace',
    'dateOfBirth.day': '10',
    'dateOfBirth.month': '12',
    'dateOfBirth.year': '1985',
    nationality: 'GB',
  },
  address: {
    addressLine1: '12 St James Square',
    addressLine2: '',
    city: 'London',
    region: '',
    postalCode: 'SW1Y 4JH',
    country: 'GB',
  },
  work: { taxId: '1234567890', occupation: '15-1252', sourceOfFunds: 'employment' },
} as const;

/** Answers that fill a business's form, step by step. */
export const company = {
  business: { legalName: 'Analytical Engines Ltd', registrationNumber: '04711', registrationCountry: 'GB' },
  address: individual.address,
  activity: { taxId: '1234567890', industry: '513210', sourceOfFunds: 'sales' },
} as const;

export const owner = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  'dateOfBirth.day': '10',
  'dateOfBirth.month': '12',
  'dateOfBirth.year': '1985',
  country: 'GB',
  share: '60',
} as const;

/** Sends a step of a form, as it was opened. */
export async function sendStep(
  link: string,
  step: string,
  fields: Readonly<Record<string, string | File>>,
): Promise<Page> {
  const url = `${link}/${step}`;
  return postForm(url, { form: hidden(await openPage(url), 'form'), ...fields });
}

/** Fills an individual's form, all but the review. */
export async function fillIndividual(link: string, you: Record<string, string> = {}): Promise<void> {
  const save = { action: 'save' };
  await expect303(sendStep(link, 'you', { ...individual.you, ...you, ...save }));
  await expect303(sendStep(link, 'address', { ...individual.address, ...save }));
  await expect303(sendStep(link, 'work', { ...individual.work, ...save }));
  const upload = { action: 'upload', kind: 'passport', file: fileOf('jpg') };
  await expect303(sendStep(link, 'documents', upload));
}

/** Submits a form that has been filled in. */
export async function submit(link: string, decision = 'under_review'): Promise<Page> {
  const review = await openPage(`${link}/review`);
  const fields = { form: hidden(review, 'form'), version: hidden(review, 'version'), decision };
  return postForm(`${link}/review`, fields);
}

async function expect303(page: Promise<Page>): Promise<void> {
  const { html, status } = await page;
  if (status !== 303)
    throw new Error(`The form was not taken: ${status} ${html.slice(html.indexOf('<main'))}`);
}
