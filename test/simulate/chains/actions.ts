import { createTransfer } from '../../../server/src/resources/transfers/commands.ts';
import { parseTransferRequest } from '../../../server/src/resources/transfers/request.ts';
import type { Process } from './process.ts';
import type { Fate, Step } from './steps.ts';
import { blocksBefore, currencies, type Disturbances, note, passTime, restart, type World } from './world.ts';

type Action = (world: World) => void | Promise<void>;

const fee = { numerator: 3n, denominator: 1000n };
const atPar = { rate: '1', midRate: '1', isParity: true };

/** How often each thing happens at the usual pace, of 1,000 steps. The rest of the steps are calls of the server. */
const often: readonly (readonly [number, (disturbances: Disturbances) => boolean, Action])[] = [
  [8, () => true, deposit],
  [10, () => true, transfer],
  [3, ({ crashes }) => crashes, crash],
  [3, ({ reorgDepth }) => reorgDepth > 0, reorganise],
  [10, ({ lies }) => lies.length > 0, changeLies],
  [2, ({ feeSpikes }) => feeSpikes, changeFees],
  [2, ({ frozenReceivers }) => frozenReceivers, freeze],
  [4, ({ restores }) => restores, copyDatabase],
  [4, () => true, goOn],
];
const blocksOf1000 = 20;

/** Takes one step of a run, drawn from the seed. */
export async function act(world: World): Promise<void> {
  const { disturbances, pace = 1 } = world.options;
  let luck = world.random.below(1000);
  for (const [of1000, isWanted, happen] of often) {
    if (!isWanted(disturbances)) continue;
    luck -= of1000 * pace;
    if (luck < 0) return happen(world);
  }
  return luck < blocksOf1000 ? passTime(world) : runStep(world);
}

function deposit({ counts, fixture, model, options, random, trace }: World): void {
  const wallet = random.pick(fixture.wallets);
  const amount = BigInt(1_000_000 + random.below(90_000_000));
  model.deposit(wallet.addresses[options.chain], amount);
  counts.deposit = (counts.deposit ?? 0) + 1;
  trace.add('deposit');
}

async function transfer(world: World): Promise<void> {
  const { fixture, model, options, process, random, transfers } = world;
  // The database serves nobody else while a transaction is open.
  if (process.steps.transaction) return;
  const wallet = random.pick(fixture.wallets);
  const to = Buffer.alloc(20);
  random.fill(to);
  const body = {
    customerId: wallet.customerId,
    walletId: wallet.id,
    amount: `${1 + random.below(30)}.${String(random.below(1_000_000)).padStart(6, '0')}`,
    destinationCurrency: currencies[options.chain],
    destinationPaymentRail: options.chain,
    destinationAddress: model.addressOf(to),
  };
  const parsed = parseTransferRequest(body, { onChainFee: fee, fiatFee: fee, convert: () => atPar });
  if ('refusal' in parsed) throw new Error(parsed.refusal.message);
  const { terms } = parsed;
  if (terms.kind !== 'chain') throw new Error('It must be a transfer on a chain.');
  const command = createTransfer(fixture.environmentId, body, terms, null, process.prove);
  const outcome = await process.writer.submit(command);
  note(world, `transfer ${outcome.kind}`);
  if (outcome.kind !== 'accepted') return;
  const { id } = JSON.parse(String(outcome.result)) as { id: string };
  const netMinor = terms.amountMinor - terms.feeMinor;
  transfers.push({ id, wallet, to: terms.address, amountMinor: terms.amountMinor, netMinor });
}

/** Kills the server wherever it is, and starts it again. */
async function crash(world: World): Promise<void> {
  note(world, 'crash');
  await world.process.kill();
  await restart(world);
}

function reorganise(world: World): void {
  const { model, options, random } = world;
  const depth = Math.min(1 + random.below(options.disturbances.reorgDepth), model.height() - blocksBefore);
  if (depth < 1) return;
  note(world, `reorganisation of ${depth}`);
  model.reorganise(depth, () => random.chance(40));
}

/** One node at a time lies: most often the one that is asked first. */
function changeLies(world: World): void {
  const { model, options, random } = world;
  for (const node of model.nodes) node.lie = undefined;
  const node = random.pick(model.nodes.slice(0, 1 + random.below(model.nodes.length)));
  if (random.chance(85)) node.lie = random.pick(options.disturbances.lies);
  note(world, `${node.name}: ${node.lie ?? 'honest'}`);
}

function changeFees(world: World): void {
  const factor = world.random.chance(50) ? 50 : 1;
  world.model.setFees(factor);
  note(world, `fees × ${factor}`);
}

/** The issuer blocks a receiver whose money may be on its way. */
function freeze(world: World): void {
  const { model, random, transfers } = world;
  if (transfers.length === 0) return;
  model.freeze(random.pick(transfers.slice(-3)).to);
  note(world, 'frozen receiver');
}

/** Keeps a copy of the database, or goes back to the last one. */
async function copyDatabase(world: World): Promise<void> {
  const { database } = world;
  const isRestoring = world.backedUp && world.random.chance(60);
  note(world, isRestoring ? 'restore' : 'backup');
  await world.process.kill();
  if (isRestoring) await database.restore();
  else await database.backUp();
  world.backedUp = true;
  await restart(world, isRestoring);
}

/** Lets the server do all it has to do for some blocks: what is final by then can be taken back later. */
async function goOn(world: World): Promise<void> {
  const blocks = 1 + world.random.below(8);
  note(world, 'undisturbed blocks');
  for (let block = 0; block < blocks; block += 1) {
    passTime(world);
    await drain(world.process);
  }
}

/** Lets one of the server's calls happen, or be lost. Without any, time passes. */
async function runStep(world: World): Promise<void> {
  const { options, process, random, trace } = world;
  const ready = process.steps.waiting.filter((step) => step.isReady());
  if (ready.length === 0) return passTime(world);
  const fate = random.below(1000) < options.disturbances.lost ? random.pick(fates) : 'done';
  await end(process.steps.waiting, random.pick(ready), fate);
  trace.add(fate);
}

const fates: readonly Fate[] = ['lost before', 'answer lost'];

/** Lets everything happen that the server waits for. */
export async function drain({ steps }: Pick<Process, 'steps'>): Promise<void> {
  for (;;) {
    await settled();
    const ready = steps.waiting.find((step) => step.isReady());
    if (!ready) return;
    await end(steps.waiting, ready, 'done');
  }
}

async function end(waiting: Step[], step: Step, fate: Fate): Promise<void> {
  waiting.splice(waiting.indexOf(step), 1);
  await step.run(fate);
}

/** Lets everything run that does not wait for a step. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await new Promise(setImmediate);
}
