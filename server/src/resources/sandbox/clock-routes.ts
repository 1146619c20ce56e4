import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EnvironmentClocks } from '../../store/environment-clocks.ts';
import { advanceClock, clockFaults, resetSandbox } from './clock-commands.ts';
import { AdvanceClockBody, clockJson, SandboxClock } from './schema.ts';

export interface ClockDeps {
  readonly clock: Clock;
  readonly clocks: EnvironmentClocks;
  /** Called once a sandbox's clock has advanced, to delete idempotency keys that have expired by it. */
  onClockMoved(environmentId: string, keptKey: string | undefined): Promise<void>;
  /** Called once the current data of an environment has changed. @param rowId the id of the environment's row */
  onReset(rowId: string): void;
}

const tag = 'Sandbox';
const data = { name: 'SandboxClock', schema: SandboxClock };

export function clockRoutes(deps: ClockDeps): Route[] {
  return [readRoute(deps), advanceRoute(deps), resetRoute(deps)];
}

function readRoute({ clocks }: ClockDeps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/sandbox/clock',
    operationId: 'getSandboxClock',
    tag,
    summary: "Get the sandbox's clock",
    description: 'Tells what time it is in the sandbox. It runs as fast as the real one.',
    access: 'test',
    okDescription: 'The clock',
    data,
    async read({ caller }) {
      const { id } = caller.environment;
      return clockJson(clocks.nowIn(id), clocks.offsetMs(id));
    },
  };
}

function advanceRoute({ clock, clocks, onClockMoved }: ClockDeps): Route {
  return writeRoute<AdvanceClockBody>({
    method: 'POST',
    path: '/v1/sandbox/clock/advance',
    operationId: 'advanceSandboxClock',
    tag,
    summary: "Move the sandbox's clock forward",
    description:
      'Settlement, cut-offs, weekends and holidays, webhook retries and the expiry of idempotency keys follow it. ' +
      'What has become due happens within moments. It never goes back, but for a reset.',
    access: 'test',
    body: AdvanceClockBody,
    faults: clockFaults,
    okDescription: 'The clock',
    data,
    write: ({ body, caller }) => advanceClock(caller.environment, body, clock.now()),
    async done({ caller, idempotencyKey }) {
      await clocks.refresh();
      await onClockMoved(caller.environment.id, idempotencyKey);
    },
  });
}

function resetRoute({ clock, clocks, onReset }: ClockDeps): Route {
  return writeRoute<unknown>({
    method: 'POST',
    path: '/v1/sandbox/reset',
    operationId: 'resetSandbox',
    tag,
    summary: 'Reset the sandbox',
    description:
      'Customers, wallets, transactions, webhooks, everything is gone but the API keys; the clock is back to the real ' +
      'time. Other server processes follow within two seconds.',
    access: 'test',
    okDescription: 'The clock of the empty sandbox',
    data,
    write: ({ caller }) => resetSandbox(caller.environment, clock.now()),
    async done({ caller }) {
      await clocks.refresh();
      onReset(caller.environment.rowId);
    },
  });
}
