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

/** Prints a message beside the output. Its line breaks stay, but every line after the first is indented: none looks like another's. */
export function printError(text: string): void {
  const [first = '', ...others] = text.split('\n').map(escapeUnprintable);
  process.stderr.write(`${[first, ...others.map((line) => line.replace(/^(?! )/, '  '))].join('\n')}\n`);
}
