import fc from 'fast-check';
import { Agent } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { createClient } from '../support/client.ts';
import { ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTreasury, storeTreasury } from '../support/treasury.ts';
import { exchange, type Target } from './exchange.ts';
import { settle, settleTreasury } from './fuzz-world.ts';
import { createKnownIds } from './known-ids.ts';
import { type Operation, type ReadDocument, readDocument } from './operations.ts';
import { anyRequest, type FuzzRequest, oneRequestEach } from './requests.ts';
import { everyHostileRequest } from './sweep.ts';

/**
 * Requests of every kind to every operation of the served document, made from that document alone: whatever comes, no
 * answer is a 5xx, each is the envelope, has a declared status and is what its schema says.
 *
 * FUZZ_SEED repeats a run, FUZZ_RUNS says how many requests it has, FUZZ_MINUTES lets rounds follow each other.
 */
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const requestsPerRound = Number(process.env.FUZZ_RUNS ?? 3000);
const lengthMs = Number(process.env.FUZZ_MINUTES ?? 0) * 60_000;
/** So many requests go out together at most. */
const together = 8;
/** After so many turns there is a new customer with all that belongs to one: the fuzzer ends things too. */
const turnsPerWorld = 100;
/** The short form takes no longer, however busy the machine is. */
const shortLimitMs = 25_000;

/** A server of a round's own, so that its seed alone repeats it. */
interface Round {
  readonly server: TestServer;
  readonly document: ReadDocument;
  readonly target: Target;
  /** A new world for the requests. */
  settle(): Promise<void>;
}

let current: Round | undefined;
afterEach(close);

async function open(): Promise<Round> {
  const server = await startServer();
  const document = await readDocument(server.app.url);
  // On this one, the live key may use the routes of the treasury.
  const { url } = await startTreasury(server);
  await storeTreasury(server);
  const target = {
    url,
    agent: new Agent({ connections: together }),
    ids: createKnownIds(document),
    keys: { test: server.testKey, live: server.liveKey },
  };
  const treasury = await createClient(url, server.liveKey);
  const renew = async (): Promise<void> => {
    await settle(server.api, document, target);
    await settleTreasury(server, treasury, target);
  };
  current = { server, document, target, settle: renew };
  return current;
}

async function close(): Promise<void> {
  const { server, target } = current ?? {};
  current = undefined;
  await target?.agent.destroy();
  await server?.stop();
}

const statuses = new Map<string, Map<number, number>>();

async function send(target: Target, request: FuzzRequest): Promise<void> {
  const status = await exchange(target, request);
  const counts = statuses.get(request.operation.id) ?? new Map<number, number>();
  statuses.set(request.operation.id, counts.set(status, (counts.get(status) ?? 0) + 1));
}

async function play(round: Round, roundSeed: number): Promise<void> {
  let turn = 0;
  await round.settle();
  // However few requests there is time for, every operation gets one.
  for (const request of oneRequestEach(round.document, roundSeed)) await send(round.target, request);
  const requests = fc.array(anyRequest(round.document), { minLength: 1, maxLength: together });
  const property = fc.asyncProperty(requests, async (drawn) => {
    if (turn % turnsPerWorld === turnsPerWorld - 1) await round.settle();
    turn += 1;
    await Promise.all(drawn.map((request) => send(round.target, request)));
  });
  await fc.assert(property, {
    seed: roundSeed,
    // Arrays of 1 to 8 have 4.5 requests on average.
    numRuns: Math.ceil(requestsPerRound / 4.5),
    ...(lengthMs === 0 ? { interruptAfterTimeLimit: shortLimitMs } : {}),
  });
  expect(await ok(round.server.api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
}

it('never break the server, its word or its books', { timeout: lengthMs + 600_000 }, async () => {
  const endMs = performance.now() + lengthMs;
  let operations: readonly Operation[] = [];
  let roundSeed = seed;
  do {
    const round = await open();
    operations = round.document.operations;
    await play(round, roundSeed).catch((error: Error) => {
      error.message = `FUZZ_SEED=${roundSeed} repeats it.\n${error.message}`;
      throw error;
    });
    await close();
    roundSeed += 1;
  } while (performance.now() < endMs);
  const through = tell();
  expect([...statuses.keys()].sort()).toEqual(operations.map(({ id }) => id).sort());
  // A fuzzer that nothing lets through tests the gate only.
  expect(through / operations.length).toBeGreaterThan(0.7);
});

it('take every hostile value in every place', { timeout: 120_000 }, async () => {
  const round = await open();
  const { document, target } = round;
  const refused: string[] = [];
  let sent = 0;
  for (const [good, ...hostile] of everyHostileRequest(document)) {
    await round.settle();
    if ((await exchange(target, good)) !== 200) refused.push(good.operation.id);
    sent += 1 + hostile.length;
    for (let start = 0; start < hostile.length; start += together) {
      await Promise.all(hostile.slice(start, start + together).map((request) => exchange(target, request)));
    }
  }
  process.stdout.write(`fuzz: ${sent} requests with one hostile value each\n`);
  expect(refused.length / document.operations.length, refused.join(', ')).toBeLessThan(0.2);
});

/** Says what was sent, and gives how many operations have succeeded at least once. */
function tell(): number {
  const counts = [...statuses.values()];
  const total = counts.flatMap((byStatus) => [...byStatus.values()]).reduce((sum, count) => sum + count, 0);
  const through = counts.filter((byStatus) => byStatus.has(200)).length;
  process.stdout.write(
    `fuzz: FUZZ_SEED=${seed}, ${total} requests to ${counts.length} operations; ${through} of them succeeded at least once\n`,
  );
  return through;
}
