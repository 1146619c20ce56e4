import { connect, type Socket } from 'node:net';
import { hidden, openPage } from './hosted.ts';

/** An upload over a connection of its own, byte by byte as the test wants it. */
export interface RawUpload {
  /** Sends more bytes of the file. */
  send(bytes: Buffer): Promise<void>;
  /** Sends what ends the form. */
  finish(): void;
  /** The status of the answer, as soon as there is one; undefined when the connection ended without one. */
  readonly status: Promise<number | undefined>;
  /** Everything that has come back so far. */
  text(): string;
  /** Closes the connection, whatever is still to be sent. */
  abort(): void;
  readonly isClosed: Promise<void>;
}

const boundary = 'x-openledger-test';

/** The first bytes of a PNG file, and as many more as are wanted. */
export function pngOf(bytes: number): Buffer {
  const file = Buffer.alloc(bytes, 'x');
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).copy(file);
  return file;
}

/** The token that the forms of a link carry. */
export async function formTokenOf(link: string): Promise<string> {
  return hidden(await openPage(`${link}/documents`), 'form');
}

/**
 * Begins an upload: sends the headers and everything of the form that comes before the bytes of the file.
 *
 * @param fileBytes how large the file is said to be; undefined sends the body in chunks, without a length
 */
export function beginUpload(
  link: string,
  form: string,
  fileBytes: number | undefined,
  { kind = 'passport', type = 'image/png', isBodyHeldBack = false } = {},
): RawUpload {
  const { hostname, pathname, port } = new URL(`${link}/documents`);
  const field = (name: string, value: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const before =
    field('form', form) +
    field('action', 'upload') +
    field('kind', kind) +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="scan.png"\r\nContent-Type: ${type}\r\n\r\n`;
  const after = `\r\n--${boundary}--\r\n`;
  const isChunked = fileBytes === undefined;
  const length = isChunked
    ? 'Transfer-Encoding: chunked'
    : `Content-Length: ${before.length + fileBytes + after.length}`;
  const socket = connect(Number(port), hostname);
  const framed = (bytes: Buffer): Buffer =>
    isChunked
      ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
      : bytes;
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n${length}\r\n\r\n`,
  );
  if (!isBodyHeldBack) socket.write(framed(Buffer.from(before)));
  const { isClosed, status, text } = listen(socket);
  return {
    send: (bytes) => new Promise((resolve) => socket.write(framed(bytes), () => resolve())),
    finish() {
      socket.write(framed(Buffer.from(after)));
      if (isChunked) socket.write('0\r\n\r\n');
    },
    status,
    text,
    abort: () => socket.destroy(),
    isClosed,
  };
}

function listen(socket: Socket): Pick<RawUpload, 'status' | 'text' | 'isClosed'> {
  let text = '';
  let answered: (status: number | undefined) => void;
  const status = new Promise<number | undefined>((resolve) => {
    answered = resolve;
  });
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    const found = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
    if (found !== undefined) answered(Number(found));
  });
  // The server may close while bytes are still on their way.
  socket.on('error', () => undefined);
  const isClosed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      answered(undefined);
      resolve();
    });
  });
  return { isClosed, status, text: () => text };
}

/** Sends a whole file. @returns the status of the answer */
export async function uploadWhole(link: string, form: string, file: Buffer): Promise<number | undefined> {
  const upload = beginUpload(link, form, file.length);
  await upload.send(file);
  upload.finish();
  const status = await upload.status;
  upload.abort();
  return status;
}
