/**
 * Maps items in batches: the items of a batch concurrently, the batches one after the other.
 *
 * @param size items per batch
 * @returns the results in the order of the items
 */
export async function mapInBatches<Item, Result>(
  items: readonly Item[],
  size: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += size) {
    results.push(...(await Promise.all(items.slice(from, from + size).map(map))));
  }
  return results;
}
