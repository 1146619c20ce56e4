/**
 * Every limit of the server, in one place. Units come last in the names.
 */
export const limits = {
  // Requests
  /** The default limit of a body. */
  bodyBytes: 64 * 1024,
  /** The limit of every body. */
  largestBodyBytes: 1024 * 1024,
  /** How much of a refused body is read and discarded, so that its sender can read the response. */
  discardedBodyBytes: 32 * 1024 * 1024,
  /** How long a refused body is read and discarded. */
  discardMs: 2000,
  jsonDepth: 32,
  /** The characters of a number in JSON. */
  numberLength: 64,
  requestIdLength: 128,
  idempotencyKeyLength: 255,
  headersBytes: 16 * 1024,
  /** The time for a whole request. */
  requestTimeoutMs: 30_000,
  /** The time for the headers of a request. */
  headersTimeoutMs: 10_000,
  /** How often the two are checked. */
  requestCheckMs: 1000,
  keepAliveTimeoutMs: 72_000,
  /** How long a connection with unsent data may make no progress. */
  stalledAnswerMs: 90_000,
  /** How long a broken request's connection stays for its client to read why. */
  brokenRequestMs: 2000,
  /** Connections in all, and those of one client: an IPv4 address or an IPv6 network of 64 bits. */
  connections: 8192,
  connectionsPerClient: 1024,
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
  /** The longest reference of a rail; most rails allow less. */
  referenceLength: 140,
  addressLines: 20,
  metadataPairs: 50,
  metadataKeyLength: 40,
  metadataValueLength: 500,
  amountTextLength: 40,
  /** The largest amount in minor units, far below the 2^63 of a database column. */
  amountMinor: 1_000_000_000_000_000n,
  rejectionReasons: 20,
  webhookEvents: 50,
  webhooksPerEnvironment: 50,
  testEventDataBytes: 16 * 1024,
  testEventDataFields: 1000,

  /** The validity of `security.txt`: less than a year (RFC 9116). */
  securityTextMs: 180 * 24 * 60 * 60 * 1000,

  // Request rates, in requests a second
  writesPerSecond: 500,
  readsPerSecond: 2000,
  burstFactor: 2,
  unauthenticatedPerSecond: 20,
  /** Documents and documentation page, by client address. */
  documentsPerSecond: 20,
  trackedClients: 10_000,

  /** The default port of probes and metrics. */
  adminPort: 9401,

  // Documents
  documentMaxAgeSeconds: 300,
  /** The best quality takes ten times as long for 3 % fewer bytes. */
  documentBrotliQuality: 9,
  /** From this size on, a document is compressed faster and a little worse. */
  largeDocumentBytes: 1024 * 1024,
  largeDocumentBrotliQuality: 5,

  // Test beside live
  /** How long test environments are throttled after a request with a live key. */
  liveInUseMs: 30_000,
  /** Concurrent requests of test environments while they are throttled. */
  testSlots: 2,
  /** The share of the event loop of all throttled requests. */
  testLoopShare: 0.2,
  /** The burst of event loop time of throttled requests. */
  testLoopBurstMs: 5,
  /** A request that waits longer for a slot is refused. */
  testSlotWaitMs: 5000,
  /** A larger body is read with a slot, which is released if the body does not arrive in time. */
  smallBodyBytes: 16 * 1024,
  testSlotBodyMs: 50,
  /** Bodies and heads of requests under way, for each kind of environment. */
  environmentBytes: 64 * 1024 * 1024,
  /** Of a batch, as long as one of the last so many had commands of live environments. */
  testCommandsBesideLive: 32,
  liveBatches: 1024,
  /** Deliveries per second to webhooks of test environments while they are throttled. */
  testDeliveriesPerSecond: 200,

  // Keys
  apiKeyCacheMs: 2000,
  apiKeyCacheEntries: 10_000,
  /** The least time between two statements that look up prefixes which are not cached, however many are guessed. */
  prefixLookUpMs: 50,
  /** Prefixes that wait for such a statement. */
  prefixesWaiting: 10_000,

  // The write path
  batchCommands: 256,
  /** Batches of a lane that were sent and are not committed yet: one that the database works on, and one behind it. */
  batchesUnderWay: 2,
  /** The least that such a second one must have: a batch costs as much as four or five of its commands, however many it has. */
  aheadCommands: 16,
  /** Commands of a lane that wait, for each kind of environment. */
  queueCommands: 4096,
  /** How many batches in a row must find the lane untouched by other servers before one is decided without its lock. */
  lockedBatches: 16,
  keptRows: 50_000,
  /** Right codes of rows that are cached, each with its message, and the most characters of a cached message. */
  verifiedCodes: 4096,
  verifiedCodeChars: 2048,
  keptIdempotencyKeys: 2000,
  rememberedAnswerMs: 10 * 60 * 1000,
  idempotencyWaitMs: 10_000,
  batchRecordRetentionMs: 60 * 60 * 1000,
  writeAttempts: 10,
  writeRetryMaxDelayMs: 1000,
  statementTimeoutMs: 30_000,
  /** What has not been answered by then never will be: the database itself gives up a statement earlier. */
  databaseAnswerTimeoutMs: 35_000,
  connectTimeoutMs: 10_000,
  /** For the requests of each kind of environment. */
  poolConnections: 10,
  systemConnections: 8,
  keyConnections: 2,
  /** Texts of reads that are prepared; lists have one for each combination of filters. */
  preparedStatements: 500,
  /** Rows that are looked up by one statement. */
  readBatchRows: 256,
  /** Such statements that run concurrently, for each table. */
  readBatches: 2,
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
  /** A caller's description of the bytes that it has signed. */
  signerTermsChars: 512,
  /** The least time between two signatures for one payment where transactions expire: 150 blocks of Solana take no less. */
  signAgainAfterMs: 60_000,
  /** The longest line of a separate signer's record. */
  signerRecordLineBytes: 32 * 1024,
  /** How long a payment is remembered after it was last signed. */
  signerMemoryDays: 400,
  /** How long a transfer's proof lets it be paid: not as long as the signer remembers. */
  transferProofDays: 365,
  /** How much more than at its acceptance a converted transfer may come to when it is sent, in percent. */
  proofMarginPercent: 5,

  // Chains
  nodeTimeoutMs: 15_000,
  nodeAnswerBytes: 64 * 1024 * 1024,
  nodeConnections: 8,
  /** A node that is more blocks behind the best one is not asked. */
  nodeLagBlocks: 3,
  /** A node that fails is left alone for so long at first, twice as long with each failure after it, for this at most. */
  nodeRestMs: 250,
  nodeRestMaxMs: 15_000,
  /** How often a node that says to be asked too often is asked the same. */
  nodeBusyTries: 4,
  /** After so long without a failure the earlier ones are forgotten. */
  nodeCalmMs: 60_000,
  /** After so many answers about a smaller range of blocks a larger one is tried again. */
  logRangeAnswers: 16,
  /** Blocks that are asked for by their hashes: nodes that lag know nothing of the last ones. */
  nearHeadBlocks: 64,
  /** Concurrent requests for EVM blocks to a node. */
  evmBlockConcurrency: 8,
  /** The logs of one request. A block can hold more, which are then asked for in parts. */
  logAnswerBytes: 8 * 1024 * 1024,
  /** An answer with so many logs is thought to have been cut short. */
  logsPerAnswer: 10_000,
  /** So many addresses are given to a node to choose by; of more, all transfers are fetched and matched here. */
  watchedTopics: 200,
  /** Receivers that a part of a block that is too large is asked for first. */
  receiversPerPart: 1000,
  /** The duration of a chain lease. */
  chainLeaseMs: 5000,
  /** How often the status of a chain is saved, beside every change. */
  chainStandingMs: 1000,
  /** Ranges of blocks that are read before the worker looks at anything else. */
  rangesPerTurn: 20,
  /** Heights below the newest confirmed block for which ids of blocks are kept: a deeper reorganisation cannot be followed. */
  confirmedBlockWindow: 4096,
  /** Ids of older blocks that are deleted at a time. */
  prunedBlocks: 100,
  /** The newest blocks whose prices are compared with those of a payment. */
  feeBlocks: 10,
  /** Nodes that are asked for the current fees. */
  feeNodes: 3,
  /** Payments that wait for a block at a time: nodes keep few of one sender. */
  paymentsInFlight: 16,
  /** The same where nothing keeps them in order. */
  unorderedPaymentsInFlight: 64,
  /** Slots per request of a list: Agave allows 500,000. */
  solanaSlotsPerRequest: 100_000,
  /** Transactions of a payment per request for their statuses: Agave allows 256. */
  attemptsAskedFor: 16,
  /** A reserved sweep or top-up that is not signed after so long was left by a process that ended. */
  reservationMs: 15_000,
  refusalsBeforeFailure: 3,
  /** Transfers of a chain that are screened at the same time. */
  screeningConcurrency: 16,
  /** How long the estimated cost of a transfer on a chain is used. */
  transferCostMs: 30_000,
  /** Transfers that are older than this do not count in what a customer's transfers cost today. */
  customerBudgetMs: 3 * 24 * 60 * 60 * 1000,
  /** Concurrent requests for balances to a node. */
  balanceConcurrency: 16,
  /** Concurrent requests for Solana blocks to a node, each up to a few megabytes. */
  solanaBlockConcurrency: 4,
  /** Accounts that a Solana node returns for one request, by its own limit. */
  solanaAccountsPerRequest: 100,
  /** Slots in a row that may be without a block. */
  solanaSkippedSlots: 500,
  /** Deposit addresses per page of a reconciliation. */
  addressesPerPage: 1000,
  reconcileEveryMs: 10 * 60 * 1000,
  /** A difference is looked at again after so many polls of the chain, before it holds payments. */
  reconcileAgainPolls: 30,
  /** Tries to find books and balances of one moment, where balances of the past cannot be had. */
  reconcileAttempts: 5,
  /** Balances of the newest block say nothing when more blocks than these are still to be read. */
  reconcileLagBlocks: 200,
  /** How often what has left a chain is compared with the books, at most. */
  outflowCheckMs: 2000,
  /** After a longer time without a check, or with the clock of the database set back, the database may be older than the chain. */
  chainGapMs: 120_000,
  /** Unknown nonces of a sender that are recorded together. */
  unknownSequences: 1000,
  /** Senders whose nonces are compared after a restore, before the server serves. */
  restoreCheckSenders: 10_000,
  /** The characters of a hold's detail. */
  holdDetailLength: 2000,
  /** Deposit addresses that are looked at in a turn. */
  sweepsPerTurn: 16,
  /** Sweeps and top-ups of the treasury that wait for a block at a time: half of `paymentsInFlight`, so that payments find a place. */
  sweepsInFlight: 8,
  /** Sweeps leave native coin for so many payments. */
  paymentsKeptCoinFor: 8,
  /** An address whose sweep costs too much is looked at after the others for so long. */
  sweepPostponedMs: 10 * 60 * 1000,
  /** Turns of the sweeps worker between two searches for deposits to sweep. */
  sweepEveryTurns: 10,
  /** Orders of operators that are carried out in a turn, and orders about one payment or deposit. */
  openActions: 100,
  actionsPerSubject: 100,
  /** Tries to make an order while others are made about the same. */
  orderTries: 5,
  /** After so long a payment whose signature never arrived is not signed by a request that is still under way. */
  unsignedPaymentMs: 120_000,
  /** Payments of a chain whose reason to wait is kept for the operator. */
  paymentWaits: 10_000,
  /** Deposits per batch of writes. */
  depositsPerBatch: 64,
  /** Deposits of a range of blocks that are shown, or measured and credited; the others are read again later, the largest first. */
  depositsPerRange: 1000,
  /** The same for transfers that are only recorded. */
  uncreditedPerRange: 5000,
  /** Of a block that is read again beside the followed chain. */
  uncreditedPerRescan: 25_000,
  /** Blocks whose deposits are measured concurrently. */
  measuredBlocks: 4,
  /** Transactions that a line of the log names. */
  loggedTransactions: 10,
  /** Final blocks are read again when they are this deep, so many at least together. */
  rereadDepthBlocks: 64,
  rereadBatchBlocks: 32,
  /** How soon a block that could not be read again is tried once more, twice as late after each failure. */
  rescanRetryMs: 1000,
  rescanRetryMaxMs: 10 * 60 * 1000,
  /** Tron: so long after the newest block a transaction may still get into one; then it may be signed again. */
  tronExpirationMs: 60_000,
  /** Tron: concurrent requests for blocks to a node. */
  tronBlockConcurrency: 4,

  // Webhooks
  deliveryTimeoutMs: 15_000,
  deliveryResponseBytes: 1024,
  /** How much of a response is read beyond the stored part, so that the connection can be reused. */
  deliveryReadBytes: 64 * 1024,
  deliveryAttempts: 10,
  /** No `Retry-After` makes a wait longer. */
  deliveryRetryAfterMs: 12 * 60 * 60 * 1000,
  /** Concurrent deliveries of a process, for each kind of environment. */
  deliveryConcurrency: 2048,
  /** Concurrent deliveries to a webhook without its own limit. */
  deliveryConcurrencyPerWebhook: 16,
  deliveryConnectionsPerOrigin: 512,
  /** After this many failures in a row a receiver is tried at a low rate until one delivery succeeds. */
  deliveryFailuresUntilPaced: 20,
  deliveryPacedPerSecond: 20,
  /** Deliveries claimed ahead for a fast receiver: those of this many milliseconds, at most this many. */
  deliveryAheadMs: 250,
  deliveryAhead: 1024,
  deliveryClaimMs: 30_000,
  /** A claimed delivery that did not start within this time is left to another claim. */
  deliveryStartMs: 10_000,
  /** How often the queue of a webhook is processed. */
  deliveryPaceTurnMs: 100,
  deliveryDrainMs: 17_000,
  deliveryRecordRows: 500,
  deliveryRetentionMs: 30 * 24 * 60 * 60 * 1000,
  /** Rows per statement that deletes the queue of a disabled or deleted webhook. */
  deliveryDropRows: 5000,
  fanOutEvents: 500,
  fanOutPauseMs: 20,
  webhookConcurrencyMax: 100,
  webhookPerSecondMax: 1000,
  secretOverlapSeconds: 24 * 60 * 60,
  /** Valid secrets of a webhook. */
  webhookSecrets: 5,
  webhookFailingMs: 5 * 24 * 60 * 60 * 1000,
  replayEventIds: 200,
  replayChunkEvents: 1000,

  // Reading events
  /** 64 lanes with numbers of 19 digits, and the environment. */
  eventCursorLength: 2048,
  /** How many events of each lane are looked at for one page. */
  eventScan: 10_000,
  /** For each kind of environment. */
  eventStreams: 100,
  eventStreamsPerEnvironment: 10,
  eventStreamPage: 100,
  eventStreamPollMs: 200,
  eventStreamHeartbeatMs: 15_000,
  /** How often the keys of open streams are looked up. */
  eventStreamKeyMs: 2000,
  /** The longest duration of a stream; its reader then reconnects. */
  eventStreamMs: 5 * 60 * 1000,
  eventStreamRetryMs: 1000,

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
  /** Documents are sealed and stored in parts of this size. */
  documentChunkBytes: 128 * 1024,
  /** What one upload takes in memory at most: buffers of the connection, a chunk, and its sealed copies. */
  uploadMemoryBytes: 1024 * 1024,
  /** What all uploads to one kind of environment (test, live) may take in a process. */
  uploadBudgetBytes: 32 * 1024 * 1024,
  /** Less than a request may take as a whole: the customer is to read why. */
  uploadTimeoutMs: 25_000,
  /** An upload that brings fewer bytes than this in a window is ended. */
  uploadWindowMs: 5000,
  /** What a form is parsed in: so much more than its limit of parts is looked at. */
  uploadSliceBytes: 1024,
  uploadWindowBytes: 32 * 1024,
  /** An upload whose process has ended frees its case after so long. */
  uploadLeaseMs: 60_000,
  expiredUploadRows: 100,
  uploadConnections: 2,
  /** Of the fields beside the file. */
  uploadFields: 10,
  uploadFieldBytes: 1024,
  uploadPartHeaderBytes: 4096,
  uploadRetrySeconds: 5,
  /** After this time bytes without a document never get one. */
  contentAbandonedMs: 60 * 60 * 1000,
  contentLookbackDays: 7,

  // Hosted pages
  formBytes: 64 * 1024,
  formFields: 50,
  formFieldNameBytes: 100,
  searchLength: 100,
  searchResults: 12,
  hostedPerSecond: 10,

  // The vault
  /** How often a process looks whether its master keys have changed; after this long all seal with the new one. */
  keyringRereadMs: 2000,
  /** The same when it meets a key that it does not know. */
  keyringMissRereadMs: 200,
  derivedKeys: 20_000,
  customerSalts: 20_000,
  /** How long an erasure by another process may go unnoticed by reads. */
  customerSaltMs: 2000,
  rotationRows: 200,
  rotationPasses: 8,
  rotationProgressMs: 2000,
  /** Of tables whose values are large. */
  rotationLargeRows: 4,

  // Workers
  workerPollMs: 500,
  workerErrorDelayMs: 1000,
  erasurePollMs: 2000,
  dueTransferBatch: 256,
  retentionIntervalMs: 60_000,
  retentionRows: 5000,

  // Verification
  /** How many run in a process, for each kind of environment: each holds a connection for as long as it reads everything. */
  verifyConcurrency: { test: 1, live: 2 },
  verifyWaiting: 512,
  /** For each statement: the longest on ten million postings takes a minute or two. */
  verifyTimeoutMs: 6 * 60 * 60 * 1000,
  verifyPageRows: 1000,
  /** What the database may take for each sort or hash of a check before it spills to disk. */
  verifyWorkMemoryKib: 65_536,
  verifyProblems: 100,
  /** Wallets whose addresses are read together, and those that a request compares with the seed: about a second's work. */
  verifyAddressPage: 100,
  verifyAddressesPerRequest: 500,

  /** How often a row that is not authentic is logged. */
  rowAlarmRestMs: 60_000,
  rowAlarmEntries: 1000,
} as const;
