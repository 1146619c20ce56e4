/**
 * Why a page cannot be shown. Each reason has a page that reveals nothing about the customer. `{whom}` is replaced by the
 * contact for links.
 */
export const pageErrors = {
  link_invalid: {
    status: 404,
    title: 'This link does not work',
    text: 'Check that you have copied the whole link. If you have, ask {whom} for a new one.',
  },
  link_expired: {
    status: 410,
    title: 'This link has expired',
    text: 'Links are valid for some days only. Ask {whom} for a new one; what you have filled in is kept.',
  },
  link_revoked: {
    status: 410,
    title: 'This link is no longer valid',
    text: 'It has been replaced by a newer one. Open the newest link that you were sent, or ask {whom} for one; what you have filled in is kept.',
  },
  page_not_found: {
    status: 404,
    title: 'There is no such page',
    text: 'Open the link that you were sent again.',
  },
  form_expired: {
    status: 403,
    title: 'Please try again',
    text: 'For your safety this form can only be sent from its own page. Open the link that you were sent again; what you have filled in is kept.',
  },
  bad_form: {
    status: 400,
    title: 'That did not arrive',
    text: 'The form did not arrive in one piece. Go back and send it again.',
  },
  too_large: {
    status: 413,
    title: 'That is too large',
    text: 'Go back and choose a smaller file.',
  },
  too_slow: {
    status: 408,
    title: 'That took too long',
    text: 'The file did not arrive in time. Go back and send it again, over a faster connection if you can.',
  },
  uploads_busy: {
    status: 503,
    title: 'One moment, please',
    text: 'Many files are being sent at the moment. Go back, wait a few seconds, and send yours again.',
  },
  upload_under_way: {
    status: 429,
    title: 'One file at a time, please',
    text: 'Another file of yours is still on its way. Go back, wait until it has arrived, and send this one again. If you have stopped it, wait a few seconds.',
  },
  unsupported: {
    status: 415,
    title: 'That did not arrive',
    text: 'The form arrived in a way that we cannot read. Go back and send it again.',
  },
  too_many_requests: {
    status: 429,
    title: 'One moment, please',
    text: 'There were too many requests from your address. Wait a minute, then go on.',
  },
  busy: {
    status: 503,
    title: 'One moment, please',
    text: 'Many people are using this service at the moment. Go back, wait a few seconds, and send that again.',
  },
  failed: {
    status: 500,
    title: 'Something went wrong',
    text: 'This is our fault. Try again in a minute; what you have filled in is kept.',
  },
} as const;

export type PageErrorName = keyof typeof pageErrors;

/** An error that is shown as a page. */
export class PageError extends Error {
  readonly page: PageErrorName;
  readonly retryAfterSeconds: number | undefined;

  constructor(page: PageErrorName, retryAfterSeconds?: number) {
    super(page);
    this.name = 'PageError';
    this.page = page;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
