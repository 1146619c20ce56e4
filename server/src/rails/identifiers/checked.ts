/** A normalised identifier, or a fault for the client that never contains it. */
export type Checked = { readonly ok: true; readonly value: string } | Failed;

export interface Failed {
  readonly ok: false;
  readonly fault: string;
}

export function passed(value: string): Checked {
  return { ok: true, value };
}

export function failed(fault: string): Failed {
  return { ok: false, fault };
}

/** Removes spaces and dashes. */
export function compact(text: string): string {
  return text.replaceAll(/[\s-]/g, '');
}

/**
 * The sum of every digit times its weight; the weights repeat.
 *
 * @param digits ASCII digits only
 */
export function weightedSum(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    sum += (digits.charCodeAt(index) - 48) * (weights[index % weights.length] as number);
  }
  return sum;
}
