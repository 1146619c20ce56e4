import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readUploadForm } from './upload-form.ts';

const boundary = 'x7';

/** A body of a form that is still being sent. */
function openBody(text: string): IncomingMessage & PassThrough {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const body = Object.assign(new PassThrough(), { headers, complete: false });
  body.write(text);
  return body as unknown as IncomingMessage & PassThrough;
}

const file = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\nbytes`;

it('a client that goes away after its file was refused unread causes no error that nobody catches', async () => {
  const uncaught: unknown[] = [];
  const collect = (error: unknown): unknown => uncaught.push(error);
  process.prependListener('uncaughtException', collect);
  try {
    const body = openBody(file);
    expect(await readUploadForm(body, new AbortController().signal, async () => 'refused')).toBe('refused');
    body.destroy(new Error('gone'));
    await turn();
    await turn();
  } finally {
    process.off('uncaughtException', collect);
  }
  expect(uncaught).toEqual([]);
});

it('a form of more parts than it may have is refused before all of them are read', async () => {
  const parts = `--${boundary}\r\ncontent-disposition: form-data; name="f"\r\n\r\n1\r\n`.repeat(20_000);
  const body = openBody(parts);
  await expect(readUploadForm(body, new AbortController().signal, async () => 'taken')).rejects.toMatchObject(
    {
      page: 'bad_form',
    },
  );
});
