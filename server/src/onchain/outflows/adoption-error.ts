/** Why a transaction cannot be adopted, for the operator. Nothing was changed. */
export class AdoptionError extends Error {
  override readonly name = 'AdoptionError';
}
