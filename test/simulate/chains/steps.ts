import type { PoolClient } from 'pg';
import { SignerUnavailableError } from '../../../server/src/chains/errors.ts';
import type { Node } from '../../../server/src/chains/node.ts';
import type { TransactionSigner } from '../../../server/src/chains/signing.ts';
import type { Pool } from '../../../server/src/store/pool.ts';
import type { Writer } from '../../../server/src/writer/writer.ts';

/** What becomes of a step. */
export type Fate =
  | 'done'
  /** It has no effect, and the caller gets an error. */
  | 'lost before'
  /** It has its effect, and the caller gets an error. */
  | 'answer lost';

/** A call of a server process to something outside it, which waits for the scheduler. */
export interface Step {
  readonly name: string;
  /** Whether it can be executed now: what needs the database waits for the transaction that is open. */
  isReady(): boolean;
  run(fate: Fate): Promise<void>;
}

/** The calls of one server process. Once it is dead, none of them is ever answered. */
export interface Steps {
  readonly waiting: Step[];
  isAlive: boolean;
  /** The connection that has a transaction open: the database serves nobody else until it ends. */
  transaction: PoolClient | undefined;
}

export function createSteps(): Steps {
  return { waiting: [], isAlive: true, transaction: undefined };
}

interface Call<Result> {
  readonly name: string;
  readonly work: () => Promise<Result>;
  readonly lost: () => Error;
  isReady?(): boolean;
  /** Undoes what must not outlive a call whose connection is lost. */
  abandon?(): Promise<unknown>;
}

/** Makes a call wait for the scheduler. */
function wait<Result>(steps: Steps, { abandon, isReady, lost, name, work }: Call<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    steps.waiting.push({
      name,
      isReady: isReady ?? (() => true),
      async run(fate) {
        if (fate === 'lost before') {
          await abandon?.();
          return reject(lost());
        }
        const result = await work().then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
        if (fate === 'answer lost') {
          await abandon?.();
          return reject(lost());
        }
        if ('value' in result) resolve(result.value);
        else reject(result.error);
      },
    });
  });
}

const connectionLost = (): Error => new Error('Connection terminated unexpectedly');

/** The first words of a statement, which name it in a trace. */
function nameOf(statement: unknown): string {
  const { name, text } =
    typeof statement === 'string'
      ? { name: undefined, text: statement }
      : (statement as { name?: string; text: string });
  return name ?? text.trim().split(/\s+/).slice(0, 4).join(' ');
}

/** Returns the pool as a process uses it: each statement is a step. */
export function stepwisePool(steps: Steps, pool: Pool): Pool {
  const isFree = (): boolean => steps.transaction === undefined;
  const connect = async (): Promise<PoolClient> => {
    const client = await wait(steps, {
      name: 'connect',
      isReady: isFree,
      lost: connectionLost,
      work: async () => {
        steps.transaction = await pool.connect();
        return steps.transaction;
      },
      abandon: async () => {
        steps.transaction?.release();
        steps.transaction = undefined;
      },
    });
    return stepwiseClient(steps, client);
  };
  const query = (statement: unknown, values?: unknown[]) =>
    wait(steps, {
      name: nameOf(statement),
      isReady: isFree,
      lost: connectionLost,
      work: () => pool.query(statement as string, values),
    });
  return { guard: pool.guard, connect, query } as unknown as Pool;
}

function stepwiseClient(steps: Steps, client: PoolClient): PoolClient {
  let isOver = false;
  const query = (statement: unknown, values?: unknown[]) => {
    const name = nameOf(statement);
    return wait(steps, {
      name,
      lost: connectionLost,
      work: () => client.query(statement as string, values),
      abandon: () => client.query('rollback'),
    });
  };
  const release = (): void => {
    if (isOver) return;
    isOver = true;
    if (steps.isAlive) steps.transaction = undefined;
    client.release();
  };
  return { query, release } as unknown as PoolClient;
}

/** Returns the writer as a process uses it: each command is a step. */
export function stepwiseWriter(steps: Steps, writer: Writer): Writer {
  return {
    ...writer,
    submit: ((command: Parameters<Writer['submit']>[0], ...more: []) =>
      wait(steps, {
        name: command.name,
        isReady: () => steps.transaction === undefined,
        lost: () => new Error('A batch failed'),
        work: () => writer.submit(command, ...more),
      })) as Writer['submit'],
  };
}

/**
 * Returns a node as a process uses it: each request is a step.
 *
 * @param lost the error of a request without a response
 */
export function stepwiseNode(steps: Steps, node: Node, lost: () => Error): Node {
  return {
    name: node.name,
    call: (method, params, read) =>
      wait(steps, {
        name: `${node.name} ${method}`,
        lost,
        work: () => node.call(method, params, read),
      }),
    close: node.close,
  };
}

/** Ends a process: nothing that it waits for is ever answered, and its transaction is rolled back. */
export async function endSteps(steps: Steps): Promise<void> {
  steps.isAlive = false;
  steps.waiting.length = 0;
  const { transaction } = steps;
  steps.transaction = undefined;
  if (!transaction) return;
  await transaction.query('rollback').catch(() => undefined);
  transaction.release();
}

/** Returns the signer as a process uses it. An answer that is lost may have been a signature. */
export function stepwiseSigner(steps: Steps, signer: TransactionSigner): TransactionSigner {
  const lost = (): Error => new SignerUnavailableError('The signer does not respond.');
  return {
    async sign(request) {
      // What the signer writes down is made of steps itself: only its answer is one more.
      const signed = await signer.sign(request);
      return wait(steps, { name: 'signer', lost, work: async () => signed });
    },
    lastSigned: (reference) =>
      wait(steps, { name: 'last signed', lost, work: () => signer.lastSigned(reference) }),
    signAuthorization: (request) =>
      wait(steps, { name: 'authorization', lost, work: () => signer.signAuthorization(request) }),
  };
}
