/**
 * All that commands print goes through here. Names, reasons and file names were typed by strangers, and some texts come
 * from nodes and receivers: none of it may steer a terminal, reverse what is written, or begin a line of its own.
 */

/** Control characters, formats (direction marks among them), separators of lines, and halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text with every character that does not show itself written as JSON writes it: `\u202e`. JSON stays the same JSON. */
export function escapeUnprintable(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** Prints lines; a line break within one is escaped. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.map(escapeUnprintable).join('\n')}\n`);
}

/** Prints one line. */
export function printLine(line: string): void {
  printLines([line]);
}

/** Prints a value as JSON, over several lines. */
export function printJson(value: unknown): void {
  printLines(JSON.stringify(value, null, 2).split('\n'));
}

/** Tells the user something beside the output. Line breaks stay: messages have their own. */
export function printError(text: string): void {
  process.stderr.write(`${text.split('\n').map(escapeUnprintable).join('\n')}\n`);
}
