import { ChainError } from '../../../server/src/chains/errors.ts';
import { releaseHold } from '../../../server/src/onchain/holds/commands.ts';
import { listHolds } from '../../../server/src/onchain/holds/queries.ts';
import { adoptTransaction } from '../../../server/src/onchain/outflows/adopt.ts';
import { AdoptionError } from '../../../server/src/onchain/outflows/adoption-error.ts';
import { listUnknown } from '../../../server/src/onchain/outflows/queries.ts';
import { note, type World } from './world.ts';

const order = { by: 'operator', reason: 'The database was restored.' };

/** What an operator does about what left the treasury and a restored database does not know: explains it, and releases the hold. */
export async function explainOutflows(world: World): Promise<void> {
  const { model, options, process } = world;
  const { chain } = options;
  const holds = await listHolds(process.pool, chain);
  if (holds.length === 0) return;
  const unknown = await listUnknown(process.pool, chain);
  for (const { sequence, txHash } of unknown) {
    const hash = txHash ?? (sequence === null ? undefined : model.transactionOf(sequence));
    if (hash !== undefined) await adopt(world, hash);
  }
  if ((await listUnknown(process.pool, chain)).length > 0) return;
  for (const { id, kind } of holds) {
    note(world, `hold released: ${kind}`);
    await releaseHold(process.pool, id, order);
  }
}

/** Names the transfer that a payment made, if there still is one. */
async function adopt(world: World, txHash: string): Promise<void> {
  const { model, process, transfers } = world;
  const to = model.payments().find((payment) => payment.txHash === txHash)?.to;
  const transferId = transfers.find((one) => model.comparable(one.to) === to)?.id;
  const { pool, port, writer } = process;
  for (const named of [transferId, undefined]) {
    try {
      const [adoption] = await adoptTransaction(
        { pool, port, writer },
        { ...order, txHash, transferId: named },
      );
      return note(world, `adopted: ${adoption?.resolution}`);
    } catch (error) {
      // It is not final yet, or the transfer is none of this database: the operator tries again.
      if (!(error instanceof AdoptionError || error instanceof ChainError)) throw error;
    }
  }
}
