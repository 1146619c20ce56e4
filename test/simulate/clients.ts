import { ApiError } from '../../server/src/platform/errors.ts';
import type { Outcome } from '../../server/src/writer/command.ts';
import { answeringOf, drawRequest, type Request } from './requests.ts';
import { note, type World } from './world.ts';

/** Sends a new request, or an earlier one again, or an earlier key with another body. @returns what was done */
export function sendRequest(world: World): string {
  const { fault, random, sent, store } = world;
  const isRepeat = sent.length > 0 && random.chance(25);
  if (!isRepeat) {
    const request = drawRequest(store, random, world.made++);
    sent.push(fault?.request?.(request) ?? request);
    submit(world, sent.at(-1) as Request);
    return `send ${request.command.name}`;
  }
  const first = random.pick(sent);
  const request = first.again ? { ...first, command: first.again(world.made++) } : first;
  const isMisuse = request.answering && random.chance(15);
  if (!isMisuse) submit(world, request);
  else {
    const { key, route } = request.answering.claim;
    submit(world, { ...request, answering: answeringOf(route, key, 'another body') });
  }
  return `${isMisuse ? 'misuse' : 'repeat'} ${request.command.name}`;
}

function submit(world: World, request: Request): void {
  const { processes, random } = world;
  const process = processes[random.below(processes.length)] as World['processes'][number];
  // Both queues of a lane are used.
  const queue = request.command.bucket % 2 === 0 ? 'live' : 'test';
  void process.writer.submit(request.command, request.answering as never, queue).then(
    (outcome) => process.isAlive && acknowledge(world, request, outcome as Outcome<unknown>),
    (error: unknown) => {
      if (!process.isAlive || error instanceof ApiError) return;
      // A batch may fail for good when the database is lost again and again; any other error is a bug.
      const text = error instanceof Error ? error.message : String(error);
      note(world, 'failed');
      if (!/A batch failed|Connection terminated/.test(text)) world.broken = `unexpected_error ${text}`;
    },
  );
}

function acknowledge(world: World, { answering, command }: Request, outcome: Outcome<unknown>): void {
  const { acknowledged, trace } = world;
  note(world, `${command.name} ${outcome.kind}`);
  if (!('answer' in outcome) || !outcome.answer || !answering) return;
  const { key, route } = answering.claim;
  const { body } = outcome.answer;
  trace.add(`${route} ${key} ${outcome.kind} ${outcome.answer.status}`);
  const before = acknowledged.get(key);
  if (before && before.body !== body) world.broken = `two_answers ${key}`;
  acknowledged.set(key, { key, body });
}
