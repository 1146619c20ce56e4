/** Row `memory`: the greatest resident size of the server process, in all that it was put through in this run. */
import { assertStored } from '../fixture.mjs';
import { runClosedLoop } from '../http.mjs';
import { transferLoad } from '../requests.mjs';

const atMostMb = 250;

export async function memory(context) {
  const { sizes } = context;
  const { connections, db, greatestResidentMb, key, wallets } = await context.fixture();
  const load = transferLoad(key, wallets, 'memory');
  await runClosedLoop(connections, sizes.sideSeconds, load);
  await assertStored(db, load);
  const greatest = greatestResidentMb();
  if (greatest === undefined) return [{ name: 'memory', figure: 'needs Linux' }];
  return [
    {
      name: 'memory',
      figure: `${Math.round(greatest)} MB`,
      mustReach: `≤ ${atMostMb} MB`,
      ok: greatest <= atMostMb,
      values: { greatest },
    },
  ];
}
