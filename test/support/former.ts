// Objects as JSON: of every shape.
type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object as it was, by what an event says of it: its previous attributes laid over what it is now. */
export function laidOver(present: JsonObject, previous: JsonObject): JsonObject {
  const laid = Object.entries(previous).map(([name, former]): [string, Json] => {
    const now = present[name];
    return [name, isObject(former) && isObject(now) ? laidOver(now, former) : former];
  });
  return { ...present, ...Object.fromEntries(laid) };
}

/** An object without what is `null`, and without some fields: absent and `null` are the same in previous attributes. */
export function withoutNulls(object: JsonObject, left: readonly string[] = []): JsonObject {
  const kept = Object.entries(object).filter(([name, value]) => value !== null && !left.includes(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, isObject(value) ? withoutNulls(value) : value]),
  );
}
