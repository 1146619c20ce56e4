/** HTML templates that escape every value, except HTML that a template made. */

const markup = Symbol('markup');

/** HTML text. Keyed by a symbol, so that no JSON document can contain one. */
export interface Html {
  readonly [markup]: string;
}

/** A value of a template. Strings are escaped, lists joined, `undefined` omitted. */
export type Piece = string | number | Html | undefined | readonly Piece[];

/**
 * Template tag for HTML. Attributes must stand in double quotes.
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const texts = pieces.map((piece, index) => printPiece(piece) + (strings[index + 1] ?? ''));
  return { [markup]: (strings[0] ?? '') + texts.join('') };
}

/** Marks a constant text as HTML. Never for text from a document or a request. */
export function verbatim(text: string): Html {
  return { [markup]: text };
}

/** The finished text of some HTML. */
export function printHtml(page: Html): string {
  return page[markup];
}

/** Puts a separator between pieces. */
export function joined(pieces: readonly Piece[], separator: string): Piece {
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece]));
}

function printPiece(piece: Piece): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string') return escapeText(piece);
  if (typeof piece === 'number') return String(piece);
  return isHtml(piece) ? piece[markup] : piece.map(printPiece).join('');
}

function isHtml(piece: Html | readonly Piece[]): piece is Html {
  return markup in piece;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
