/**
 * What a side has done in all its slices.
 *
 * @typedef {{ count: number, seconds: number, rates: number[], perSecond: number }} Sum
 */

/**
 * Runs sides against each other in short slices, in turn and back again (a b b a …), so that what drifts on the machine
 * meets all of them alike.
 *
 * @param {Record<string, (seconds: number) => Promise<{ count: number, seconds: number }>>} sides by name, what runs one slice
 * @param {{ seconds: number, sliceSeconds: number }} length
 * @returns {Promise<Record<string, Sum>>} by name
 */
export async function alternate(sides, { seconds, sliceSeconds }) {
  const names = Object.keys(sides);
  /** @type {Record<string, Sum>} */
  const sums = Object.fromEntries(
    names.map((name) => [name, { count: 0, seconds: 0, rates: [], perSecond: 0 }]),
  );
  const rounds = Math.max(1, Math.round(seconds / sliceSeconds));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) {
      const slice = await sides[name](Math.min(seconds, sliceSeconds));
      sums[name].count += slice.count;
      sums[name].seconds += slice.seconds;
      sums[name].rates.push(Math.round(slice.count / slice.seconds));
    }
  }
  for (const sum of Object.values(sums)) sum.perSecond = sum.count / sum.seconds;
  return sums;
}
