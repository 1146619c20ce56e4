/** What a failure of a chain or of its nodes is. Each kind says what the caller does; see `isAboutRequest` and `policyOf`. */
export type ChainErrorKind =
  /** A node is unreachable or its response is invalid, too few nodes agree, or the configuration does not match the chain. */
  | 'failed'
  /** The node understood the request and rejected it; `code` is the node's own. */
  | 'rejected'
  /** The node receives too many requests. A smaller request does not help; a later one may. */
  | 'rate_limited'
  /** The node has not reached the block yet, or the chain changed during the read. No node is at fault. */
  | 'unsettled'
  /** The response is too large or too late. A smaller request may succeed. */
  | 'too_large'
  /** The chain is held: nothing of it is signed. Nothing was signed for this request. */
  | 'held';

/** A failure of a chain or of its nodes. The message never contains the URL of a node. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  readonly kind: ChainErrorKind;
  /** The node's code if it rejected the request; otherwise 0. */
  readonly code: number;

  constructor(message: string, kind: ChainErrorKind = 'failed', code = 0) {
    super(message);
    this.kind = kind;
    this.code = code;
  }
}

/** Why the signer refuses to sign. */
export type SignerRefusalCode =
  | 'invalid_request'
  | 'chain_not_allowed'
  | 'token_not_allowed'
  | 'meaning_differs'
  | 'over_transfer_limit'
  | 'over_day_limit'
  | 'over_fee_limit'
  | 'reference_reused'
  | 'signed_before'
  | 'not_expired'
  | 'record_behind'
  | 'not_proven';

/** The signer's policy or the bytes of the transaction do not allow a signature. The message never contains those bytes. */
export class SignerRefusal extends Error {
  override readonly name = 'SignerRefusal';
  readonly code: SignerRefusalCode;
  /** The id of the last transaction that was signed under the reference: the refusal concerns the new bytes only. */
  readonly signedId: string | undefined;

  constructor(code: SignerRefusalCode, message: string, signedId?: string) {
    super(message);
    this.code = code;
    this.signedId = signedId;
  }
}

/** Whether a refusal proves that nothing was ever signed under the reference. */
export function provesUnsigned({ code, signedId }: SignerRefusal): boolean {
  return signedId === undefined && code !== 'record_behind';
}

/** The signer is unreachable or did not respond in time. It may have signed; repeating the request is safe. */
export class SignerUnavailableError extends Error {
  override readonly name = 'SignerUnavailableError';
}

/** Everything that can stop a payment and carries a policy. Any other error is a defect. */
export type PaymentError = ChainError | SignerRefusal | SignerUnavailableError;

/** Why a payment cannot proceed now, and what happens to it. */
export type BlockingReason =
  /** The payment waits; the next turn tries again. */
  | { readonly policy: 'retry'; readonly text: string }
  /** Nothing else is signed in this turn: each attempt would reserve a nonce or slot that the budget does not count. */
  | { readonly policy: 'stop_signing'; readonly text: string }
  /** The payment waits until an operator changes the configuration, the policy or the transfer. */
  | { readonly policy: 'ask_operator'; readonly text: string }
  /** The transfer fails once this has been repeated often enough. The client reads `clientText`. */
  | { readonly policy: 'refuse'; readonly text: string; readonly clientText: string };

const overTransferLimit = 'The amount exceeds the limit for one transfer.';

/** Whether an error is one of those that carry a policy. */
export function isPaymentError(error: unknown): error is PaymentError {
  return (
    error instanceof ChainError || error instanceof SignerRefusal || error instanceof SignerUnavailableError
  );
}

/**
 * Decides what happens to a payment after an error.
 *
 * @param paymentId names the payment in the text where an operator has to find it among many
 * @throws the error itself if it carries no policy
 */
export function blockingReasonOf(error: unknown, paymentId: string): BlockingReason {
  if (!isPaymentError(error)) throw error;
  switch (error.name) {
    case 'ChainError':
      return { policy: error.kind === 'held' ? 'stop_signing' : 'retry', text: error.message };
    case 'SignerUnavailableError':
      return { policy: 'stop_signing', text: error.message };
    case 'SignerRefusal':
      return refusalReason(error, paymentId);
  }
}

function refusalReason(refusal: SignerRefusal, paymentId: string): BlockingReason {
  const { code, message, signedId } = refusal;
  const text = `The signer refuses: ${message}`;
  // Whatever the refusal is: something was signed, and may be paid.
  if (signedId !== undefined && code !== 'not_expired') {
    return {
      policy: 'ask_operator',
      text: `The signer refuses ${paymentId}, for which it signed ${signedId}: ${message}`,
    };
  }
  switch (code) {
    // The amount of a payment never changes.
    case 'over_transfer_limit':
      return { policy: 'refuse', text, clientText: overTransferLimit };
    // The limit of the day starts anew at midnight UTC, and fees fall again.
    case 'over_day_limit':
    case 'over_fee_limit':
    case 'not_expired':
      return { policy: 'retry', text };
    // It would refuse everything else too.
    case 'record_behind':
      return { policy: 'stop_signing', text };
    // The transfer may have been changed in the database: it stays as it is until an operator has checked it.
    case 'not_proven':
      return { policy: 'ask_operator', text: `The signer refuses ${paymentId}: ${message}` };
    case 'invalid_request':
    case 'chain_not_allowed':
    case 'token_not_allowed':
    case 'meaning_differs':
    case 'reference_reused':
    case 'signed_before':
      return { policy: 'ask_operator', text };
  }
}
