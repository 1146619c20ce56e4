/** What the demo prints: a line for each step. */

/** Something did not hold, or the demo cannot be played; only its message is shown. */
export class DemoError extends Error {}

export const say = {
  /** A part of the scenario begins. */
  part: (text) => print(`\n${text}`),
  /** Something held. */
  done: (text) => print(`  ✓ ${text}`),
  /** More about the step above. */
  detail: (text) => print(`      ${text}`),
  plain: (text) => print(text),
  failed: (text) => process.stderr.write(`\n✗ ${text}\n`),
};

/**
 * Makes sure that something is as it must be.
 *
 * @throws DemoError saying what was expected and what there was
 */
export function expectEqual(what, actual, expected) {
  if (actual !== expected) {
    throw new DemoError(`${what} should be ${JSON.stringify(expected)} but is ${JSON.stringify(actual)}.`);
  }
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
