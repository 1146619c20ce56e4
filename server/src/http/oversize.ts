import type { FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { SizedSchema } from './bounds.ts';
import { escapePointer } from './json-body.ts';

/** A value whose oversized parts were emptied. */
export interface Trimmed {
  /** The value; its oversized parts are empty. */
  readonly value: unknown;
  /** Oversized parts and unknown fields, at most `limits.errorDetails` of them. */
  readonly faults: readonly FaultDetail[];
  /** Whether a path is in a part that was emptied. */
  isEmptied(path: string): boolean;
}

/**
 * Empties the parts of a value that are larger than its schema allows, so that later checks take little time. Does not look
 * into oversized parts.
 *
 * @param schema closed, and `bounded`
 */
export function trimOversize(schema: SizedSchema, value: unknown): Trimmed {
  const faults: FaultDetail[] = [];
  const emptied = new Set<string>();
  const tooLarge = (path: string, message: string, empty: unknown): unknown => {
    emptied.add(path);
    faults.push({ path, message });
    return empty;
  };
  const unknown = (path: string, message: string): void => {
    if (faults.length < limits.errorDetails) faults.push({ path, message });
  };

  const trim = (node: SizedSchema, given: unknown, path: string): unknown => {
    if (typeof given === 'string') {
      const most = node.maxLength;
      if (most === undefined || !isLonger(given, most)) return given;
      return tooLarge(path, `It must have at most ${most} characters.`, '');
    }
    if (Array.isArray(given)) return trimArray(node, given, path);
    return typeof given === 'object' && given !== null ? trimObject(node, given, path) : given;
  };
  const trimArray = (node: SizedSchema, given: readonly unknown[], path: string): unknown => {
    const { items, maxItems = 0 } = node;
    // The schema has no array here, so that the items do not matter.
    if (!items) return [];
    if (given.length > maxItems) return tooLarge(path, `It must have at most ${maxItems} items.`, []);
    return given.map((item, index) => trim(items, item, `${path}/${index}`));
  };
  const trimObject = (node: SizedSchema, given: object, path: string): unknown => {
    const { additionalProperties: others, maxProperties, properties = {} } = node;
    if (!node.properties && others === undefined) return {};
    const keys = Object.keys(given);
    if (maxProperties !== undefined && keys.length > maxProperties) {
      return tooLarge(path, `It must have at most ${maxProperties} properties.`, {});
    }
    const kept: Record<string, unknown> = {};
    for (const key of keys) {
      const at = `${path}/${escapePointer(key)}`;
      const inner = (given as Record<string, unknown>)[key];
      if (Object.hasOwn(properties, key)) kept[key] = trim(properties[key] as SizedSchema, inner, at);
      else if (others === false) unknown(at, 'This field does not exist.');
      else kept[key] = typeof others === 'object' ? trim(others, inner, at) : inner;
    }
    return kept;
  };

  const trimmed = trim(schema, value, '');
  return { value: trimmed, faults, isEmptied: (path) => isWithin(path, emptied) };
}

/** Whether a text has more than `most` code points. */
function isLonger(text: string, most: number): boolean {
  if (text.length <= most) return false;
  if (text.length > 2 * most) return true;
  let count = 0;
  for (const _character of text) count += 1;
  return count > most;
}

function isWithin(path: string, places: ReadonlySet<string>): boolean {
  if (places.size === 0) return false;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (places.has(path.slice(0, end))) return true;
  }
  return places.has('');
}
