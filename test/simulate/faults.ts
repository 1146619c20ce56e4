import type { LaneHeadRow } from '../../server/src/store/tables/lanes.ts';
import type { AnyRow, TableName } from '../../server/src/store/tables.ts';
import type { Changes } from '../../server/src/writer/batch-state.ts';
import type { Command, State } from '../../server/src/writer/command.ts';
import type { LaneHead } from '../../server/src/writer/statement.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Fault } from './world.ts';

/** Writes other rows than those that were decided, bypassing all checks of the database. */
function writing(change: (rows: readonly AnyRow[]) => readonly AnyRow[], table: TableName): Fault {
  return {
    store: (store) => ({
      ...store,
      apply(head, changes) {
        const applied = store.apply(head, changes);
        if (applied) store.corrupt(table, change(rowsOf(changes, table)), rowsOf(changes, table));
        return applied;
      },
    }),
  };
}

function rowsOf({ inserts, updates }: Changes, table: TableName): readonly AnyRow[] {
  return [...inserts, ...updates].filter((change) => change.table === table).flatMap(({ rows }) => rows);
}

function deciding(decide: (command: Command<unknown>) => Command<unknown>): Fault {
  return { request: (request) => ({ ...request, command: decide(request.command) }) };
}

const withoutLast = (rows: readonly AnyRow[]) => rows.slice(0, -1);
const changed = (change: object) => (rows: readonly AnyRow[]) => rows.map((row) => ({ ...row, ...change }));

function rich(state: State): State {
  return {
    holdings: state.holdings,
    get: (table, id) => {
      const row = state.get(table, id);
      return table === 'accounts' && row ? { ...row, balance_minor: 10n ** 15n } : row;
    },
  };
}

const releasing = (command: Command<unknown>): Command<unknown> => ({
  ...command,
  decide(state, context) {
    const decision = command.decide(state, context);
    if ('refusal' in decision) return decision;
    const release = decision.journals?.find(({ kind }) => kind === 'transfer_release');
    return release ? { ...decision, journals: [...(decision.journals ?? []), release] } : decision;
  },
});

/** Credits the receiver of an internal transfer again, as if its deposit were not looked up. */
const creditingAgain = (command: Command<unknown>): Command<unknown> => {
  if (command.name !== 'credit_internal_transfer') return command;
  return {
    ...command,
    decide(state, context) {
      let before: string | undefined;
      const get: State['get'] = (table, id) => {
        if (table !== 'transactions') return state.get(table, id);
        before = id;
        return undefined;
      };
      const decision = command.decide({ ...state, get }, context);
      if ('refusal' in decision || before === undefined) return decision;
      const [old, id] = [before, context.newId('txn')];
      return {
        ...decision,
        writes: (decision.writes ?? []).map((write) =>
          write.table === 'transactions' ? { ...write, row: { ...write.row, id } } : write,
        ),
        journals: (decision.journals ?? []).map((journal) => ({ ...journal, transactionId: id })),
        events: (decision.events ?? []).map((event) =>
          event.objectId === old ? { ...event, objectId: id, data: event.data.replace(old, id) } : event,
        ),
      };
    },
  };
};

function headOf({ heads }: MemoryStore, lane: number): LaneHead {
  const { batch_id: batchId, seq } = heads[lane] as LaneHeadRow;
  return { seq, batchId };
}

const overApply = (apply: (store: MemoryStore) => MemoryStore['apply']): Fault => ({
  store: (store) => ({ ...store, apply: apply(store) }),
});

/** A fault, the invariant that must detect it, and what worlds it needs, if not the usual ones. */
interface PlantedFault {
  readonly fault: Fault;
  readonly caught: RegExp;
  readonly world?: { readonly steps: number; readonly lanes: number };
}

/** One fault of each kind, and the invariant that must detect it. */
export const faults: Readonly<Record<string, PlantedFault>> = {
  'a lost posting': { fault: writing(withoutLast, 'postings'), caught: /journal_unbalanced/ },
  'an unbalanced journal': {
    fault: writing(
      (rows) => rows.map((row) => ({ ...row, amount_minor: (row.amount_minor as bigint) + 1n })),
      'postings',
    ),
    caught: /journal_unbalanced/,
  },
  'a missing overdraft check': {
    fault: deciding((command) => ({
      ...command,
      decide: (state, context) => command.decide(rich(state), context),
    })),
    caught: /unexpected_error .*stays at or above zero/,
  },
  'a duplicate that takes effect twice': {
    fault: writing((rows) => rows.slice(0, 0), 'idempotency_keys'),
    caught: /effect_without_key|acknowledged_lost/,
  },
  'a lost event': { fault: writing(withoutLast, 'events'), caught: /event_sequence/ },
  'an event without its change': {
    fault: writing((rows) => rows.slice(0, 0), 'wallets'),
    caught: /event_without_change|event_mismatch/,
  },
  'a change without its event': {
    fault: deciding((command) => ({
      ...command,
      decide(state, context) {
        const decision = command.decide(state, context);
        return 'refusal' in decision ? decision : { ...decision, events: [] };
      },
    })),
    caught: /event_mismatch/,
  },
  'a head that is not compared': {
    fault: overApply(
      (store) => (head, changes) => store.apply({ ...head, expected: headOf(store, head.lane) }, changes),
    ),
    caught: /\w/,
  },
  'a head of which only seq is compared': {
    fault: overApply(
      (store) => (head, changes) =>
        store.apply(
          { ...head, expected: { ...head.expected, batchId: headOf(store, head.lane).batchId } },
          changes,
        ),
    ),
    caught: /chain_broken|event_sequence|account_mismatch/,
  },
  'a fence that reports every batch as committed': {
    fault: { store: (store) => ({ ...store, fence: (lane, id) => store.fence(lane, id) || true }) },
    caught: /acknowledged_lost|without a verdict/,
  },
  'a broken hash chain': {
    fault: writing(changed({ hash: Buffer.alloc(32, 1) }), 'journals'),
    caught: /chain_broken/,
  },
  'a commit that is acknowledged and lost': {
    fault: overApply(() => () => true),
    caught: /acknowledged_lost/,
  },
  'the receiver of an internal transfer credited twice': {
    fault: deciding(creditingAgain),
    caught: /internal_transit_mismatch|effect_without_key/,
    world: { steps: 1500, lanes: 4 },
  },
  'a refund made twice': { fault: deciding(releasing), caught: /\w/ },
  'cached rows that have changed in the database': {
    fault: {
      lane(lane) {
        const first = new Map<string, AnyRow>();
        return {
          ...lane,
          async loadRows(table, wanted) {
            const rows = await lane.loadRows(table, wanted);
            if (table !== 'accounts') return rows;
            return rows.map((row) => {
              const kept = first.get(row.id as string) ?? row;
              first.set(row.id as string, kept);
              return kept;
            });
          },
        };
      },
    },
    caught: /\w/,
  },
};
