import Type, { type Static } from 'typebox';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';

export const ReferenceQuery = Type.Object({
  q: Type.Optional(
    Type.String({
      maxLength: limits.shortTextLength,
      description: 'Words that must all be in the code or the name; upper and lower case are the same',
    }),
  ),
});

const Entry = Type.Object({
  code: Type.String(),
  name: Type.String(),
});
export type ReferenceEntry = Static<typeof Entry>;

export const ReferenceEntries = Type.Array(Entry);

/** The JSON text of entries. */
export const referenceJson = compileSerialiser<readonly ReferenceEntry[]>(ReferenceEntries);
