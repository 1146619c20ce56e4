import { errors } from 'undici';
import { ForbiddenTargetError } from './connector.ts';

/** The exchange timed out. */
export const timedOut = new Error('The exchange timed out');

/** Why a delivery got no response, as shown to the client. @param timeoutMs the timeout of the exchange */
export function explainFault(error: unknown, timeoutMs: number): string {
  if (error instanceof ForbiddenTargetError) return 'The target leads to an address that is not public.';
  if (error === timedOut) return `The receiver did not answer within ${timeoutMs / 1000} s.`;
  if (error instanceof errors.HTTPParserError) return "The receiver's answer is not valid HTTP.";
  const code = (error as { code?: string } | undefined)?.code ?? '';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'No TLS connection could be made.';
  return faults[code] ?? 'The connection closed before the response was complete.';
}

const faults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  EHOSTUNREACH: 'The receiver could not be reached.',
  ENETUNREACH: 'The receiver could not be reached.',
  EADDRNOTAVAIL: 'The receiver could not be reached.',
  ETIMEDOUT: 'The receiver could not be reached in time.',
  UND_ERR_HEADERS_OVERFLOW: "The headers of the receiver's answer are too long.",
  ENOTFOUND: "The receiver's name cannot be resolved.",
  EAI_AGAIN: "The receiver's name cannot be resolved at the moment.",
  UND_ERR_CONNECT_TIMEOUT: 'The receiver could not be reached in time.',
  DEPTH_ZERO_SELF_SIGNED_CERT: "The receiver's certificate is not trusted.",
  SELF_SIGNED_CERT_IN_CHAIN: "The receiver's certificate is not trusted.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The receiver's certificate is not trusted.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "The receiver's certificate is not trusted.",
  UNABLE_TO_GET_ISSUER_CERT: "The receiver's certificate is not trusted.",
  CERT_NOT_YET_VALID: "The receiver's certificate is not valid yet.",
  CERT_HAS_EXPIRED: "The receiver's certificate has expired.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The receiver's certificate is for another name.",
};
