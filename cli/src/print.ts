/**
 * Every output of commands. Names, reasons and file names come from third parties, and some texts from nodes and receivers:
 * none may control the terminal, reverse the text, or start a line.
 */

/** Control and format characters (with direction marks), line separators, and lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Escapes every invisible character as JSON does: `\u202e`. JSON stays equivalent. */
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

/** Prints a message to stderr. Line breaks stay, and every line after the first is indented, so that none looks like another message. */
export function printError(text: string): void {
  const [first = '', ...others] = text.split('\n').map(escapeUnprintable);
  process.stderr.write(`${[first, ...others.map((line) => line.replace(/^(?! )/, '  '))].join('\n')}\n`);
}

/** How long ago a time was, in the largest unit that fits: `59s`, `59m`, `23h`, `9d`. */
export function ageOf(since: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
