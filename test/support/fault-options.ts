import { randomInt } from 'node:crypto';
import type { Counts } from './load-outcome.ts';

/** How a fault test runs. */
interface FaultOptions {
  readonly rounds: number;
  /** Where chance starts: the same seed draws the same requests and moments. */
  readonly seed: number;
  /** Run by `npm run soak -- faults`, which has time. */
  readonly isLong: boolean;
}

const isLong = process.env.FAULT_LONG === '1';

/**
 * Says how a fault test is to run, and prints it. `FAULT_ROUNDS` and `FAULT_SEED` go before what is given.
 *
 * @param rounds how many rounds it has within `npm test`, and by `npm run soak -- faults`
 */
export function faultOptions(name: string, rounds: { short: number; long: number }): FaultOptions {
  const { FAULT_ROUNDS, FAULT_SEED } = process.env;
  const options = {
    rounds: Number(FAULT_ROUNDS ?? (isLong ? rounds.long : rounds.short)),
    seed: Number(FAULT_SEED ?? randomInt(2 ** 31)),
    isLong,
  };
  console.log(`${name}: seed ${options.seed}, ${options.rounds} rounds`);
  return options;
}

/** Prints how far a fault test is: every round of a long run, the last of a short one. */
export function report(name: string, round: number, rounds: number, counts: Counts): void {
  if (isLong || round === rounds) console.log(`${name}: round ${round} of ${rounds}, ${describe(counts)}`);
}

function describe({ acknowledged, cutOff, cutOffButEffective }: Counts): string {
  return `${acknowledged} acknowledged and kept, ${cutOff} cut off (${cutOffButEffective} had taken effect)`;
}
