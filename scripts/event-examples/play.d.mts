/** An event, as the API shows it. */
export interface PlayedEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly previousAttributes?: Readonly<Record<string, unknown>>;
}

/** Makes a server write events of every type. @returns an event of each type */
export function playEveryEvent(
  // The data of answers of every shape.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  call: (method: string, path: string, body?: object) => Promise<any>,
): Promise<Record<string, PlayedEvent>>;
