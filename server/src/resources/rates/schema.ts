import Type, { type Static } from 'typebox';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';

function currencyCode(description: string) {
  return Type.String({ minLength: 1, maxLength: limits.shortTextLength, description });
}

export const RateQuery = Type.Object({
  from: currencyCode('The currency that is given, in lower case'),
  to: currencyCode('The currency that is got for it, in lower case'),
});

export const Rate = Type.Object({
  from: Type.String(),
  to: Type.String(),
  buyRate: Type.String({
    description: 'Units of `to` taken for one of `from` when `to` is bought from you, fees included',
  }),
  sellRate: Type.String({
    description:
      'Units of `to` given for one of `from` when `to` is sold to you, fees included; conversions apply it',
  }),
});

/** A rate as the API shows it, as JSON text. */
export const rateJson = compileSerialiser<Static<typeof Rate>>(Rate);
