/**
 * Every limit of the server, in one place. Units come last in the names.
 */
export const limits = {
  // Requests
  bodyBytes: 1024 * 1024,
  /** A refused body is read on (and thrown away) up to here, so that its sender can read the answer. */
  discardedBodyBytes: 32 * 1024 * 1024,
  jsonDepth: 32,
  requestIdLength: 128,
  idempotencyKeyLength: 255,
  headersBytes: 16 * 1024,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 72_000,
  shutdownTimeoutMs: 30_000,
  pageDefault: 50,
  pageMax: 200,
  cursorLength: 256,
  errorDetails: 50,

  // Fields
  emailLength: 254,
  nameLength: 200,
  shortTextLength: 255,
  urlLength: 2048,
  /** Longer than any bank identifier, spaces and dashes included. */
  identifierLength: 100,
  /** EMV QRCPS Merchant-Presented Mode: 512 characters. */
  brCodeLength: 512,
  /** The longest that a rail carries; most carry less. */
  referenceLength: 140,
  addressLines: 20,
  metadataPairs: 50,
  metadataKeyLength: 40,
  metadataValueLength: 500,
  amountTextLength: 40,
  /** No single amount is larger, in minor units: far below the 2^63 of a database column. */
  amountMinor: 1_000_000_000_000_000n,
  rejectionReasons: 20,
  webhookEvents: 50,
  webhooksPerEnvironment: 50,
  testEventDataBytes: 16 * 1024,

  // Request rates, in requests a second
  writesPerSecond: 500,
  readsPerSecond: 2000,
  burstFactor: 2,
  unauthenticatedPerSecond: 20,
  trackedClients: 10_000,

  // Keys
  apiKeyCacheMs: 2000,
  apiKeyCacheEntries: 10_000,

  // The write path
  batchCommands: 256,
  queueCommands: 4096,
  keptRows: 100_000,
  keptIdempotencyKeys: 10_000,
  rememberedAnswerMs: 10 * 60 * 1000,
  idempotencyWaitMs: 10_000,
  batchRecordRetentionMs: 60 * 60 * 1000,
  writeAttempts: 10,
  writeRetryMaxDelayMs: 1000,
  statementTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  poolConnections: 10,
  buckets: 64,

  // Custody
  /** How many derivation indexes a process reserves at a time. */
  derivationBlock: 16,
  /** No transfer is longer: a Solana message has 1,232 bytes at most, an EIP-3009 call 292. */
  signerTransactionBytes: 4096,
  /** One request or answer of the signer's socket. */
  signerFrameBytes: 64 * 1024,
  signerConnections: 32,
  signerTimeoutMs: 10_000,
  /** A signer that is away is called again after 0.1 s at first, after so long at most. */
  signerReconnectMs: 5000,
  signerPolicyBytes: 64 * 1024,
  /** How long a payment is remembered after it was last signed. */
  signerMemoryDays: 400,

  // Webhooks
  deliveryTimeoutMs: 15_000,
  deliveryResponseBytes: 1024,
  deliveryAttempts: 10,
  deliveryConcurrency: 64,
  deliveryConcurrencyPerWebhook: 8,
  deliveryClaimMs: 30_000,
  deliveryDrainMs: 5000,
  fanOutEvents: 500,

  // Sandbox
  /** How far a sandbox's clock can be ahead: ten years. */
  clockOffsetMs: 10 * 365 * 24 * 60 * 60 * 1000,
  // Exchange rates
  ratesTimeoutMs: 10_000,
  ratesResponseBytes: 1024 * 1024,
  ratesConnections: 4,
  /** How soon a source that gave nothing is asked again, at the latest. */
  ratesRetryMs: 15_000,
  /** No rate is larger than this, or smaller than one part of it. */
  rateFactor: 1_000_000_000n,
  rateJumpPercent: 20,

  // Identity
  /** How long a customer's link stays the same; it lives twice as long at most. */
  linkPeriodMs: 7 * 24 * 60 * 60 * 1000,
  youngestAge: 18,
  oldestAge: 120,
  ownersPerCase: 25,
  documentsPerCase: 10,
  /** Documents that may ever be uploaded in a case, those taken back included. */
  uploadsPerCase: 40,
  documentBytes: 8 * 1024 * 1024,
  fileNameLength: 100,
  /** Bytes that no document names after so long never get one. */
  contentAbandonedMs: 60 * 60 * 1000,
  contentSweepDays: 7,

  // Hosted pages
  formBytes: 64 * 1024,
  formFields: 50,
  formFieldNameBytes: 100,
  searchLength: 100,
  searchResults: 12,
  hostedPerSecond: 10,

  // Workers
  workerPollMs: 500,
  workerErrorDelayMs: 1000,
  settlementBatch: 256,
  sweepIntervalMs: 60_000,
  sweepRows: 5000,

  // Verification
  verifyPageRows: 5000,
  verifyProblems: 100,
} as const;
