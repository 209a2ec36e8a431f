/* Numbers of the specifications. */

/** Record content types (RFC 5246 §6.2.1). */
export const CONTENT_TYPE = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

/** Handshake message types (RFC 5246 §7.4, RFC 6347 §4.3.2, RFC 5077). */
export const HANDSHAKE_TYPE = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** Extension numbers (IANA "TLS ExtensionType Values"). */
export const EXTENSION = {
  serverName: 0,
  supportedGroups: 10,
  ecPointFormats: 11,
  signatureAlgorithms: 13,
  encryptThenMac: 22,
  extendedMasterSecret: 23,
  recordSizeLimit: 28,
  renegotiationInfo: 0xff01,
} as const;

/** TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3). */
export const RENEGOTIATION_SCSV = 0x00ff;

export const DTLS_1_0 = 0xfeff;
export const DTLS_1_2 = 0xfefd;

/** RFC 6347 §4.1. */
export const RECORD_HEADER_LENGTH = 13;
/** RFC 6347 §4.2.2. */
export const HANDSHAKE_HEADER_LENGTH = 12;
/** RFC 5246 §6.2.1. */
export const MAX_PLAINTEXT = 16_384;
/** Record sequence numbers have 48 bits (RFC 6347 §4.1). */
export const MAX_SEQUENCE = 2 ** 48 - 1;
/** Smallest record_size_limit that may be sent (RFC 8449 §4). */
export const MIN_RECORD_SIZE_LIMIT = 64;
export const RANDOM_LENGTH = 32;
/** Tag of the AEADs in use (RFC 5288 §3, RFC 7905 §2). */
export const TAG_LENGTH = 16;
/** Longest session_id of a hello (RFC 5246 §7.4.1.2). */
export const MAX_SESSION_ID = 32;
export const MASTER_SECRET_LENGTH = 48;
export const VERIFY_DATA_LENGTH = 12;

/* Choices of this implementation. */

/**
 * First retransmission. RFC 6347 §4.2.4.1 recommends 1 s; a lost packet then costs a VPN client a second of TCP
 * fallback, and openconnect begins at 400 ms too.
 */
export const RETRANSMIT_TIMEOUT_MS = 400;
/** The retransmission timer doubles up to this: a path that comes back is found within seconds. */
export const RETRANSMIT_TIMEOUT_MAX_MS = 8000;
/** RFC 6347 §4.2.4.1 names 60 s as the largest timer; we give up then. */
export const HANDSHAKE_TIMEOUT_MS = 60_000;
/**
 * How long the last flight is kept for a peer that may have missed it, if no application data shows otherwise: for as long as the peer
 * may repeat its own.
 */
export const LAST_FLIGHT_MS = HANDSHAKE_TIMEOUT_MS;
/** Most flights of one handshake to report: a successful one has four; the rest are repetitions, which an attacker can provoke. */
export const MAX_FLIGHT_REPORTS = 24;
/** Least time between two repetitions of a flight that the peer's repetitions ask for. */
export const REPEAT_MIN_MS = 100;
/** Timers are rounded up to this, so that thousands of handshakes wake the process few times. */
export const TIMER_GRAIN_MS = 20;
/** Timeouts after which a flight is sent in small datagrams (RFC 6347 §4.1.1.1). */
export const TIMEOUTS_BEFORE_SMALL_MTU = 2;
/** 576-byte IPv4 datagram less IP and UDP headers. */
export const SMALL_MTU = 548;
/** Fits an IPv6 minimum MTU of 1280 with room for a tunnel. */
export const DEFAULT_MTU = 1200;
/** Least useful handshake datagram: record and message headers, nonce, tag and a few bytes. */
export const MIN_MTU = 128;

/** Largest handshake message that a server reads: ClientHello, ClientKeyExchange and the like. */
export const SERVER_MAX_MESSAGE = 4096;
/** Largest handshake message that a client reads: a certificate chain. */
export const CLIENT_MAX_MESSAGE = 32_768;
/** How many messages ahead of the next expected one are kept. */
export const REASSEMBLY_WINDOW = 8;
/** Records of the next epoch that overtook the messages before them. */
export const EARLY_RECORDS = 2;
export const EARLY_RECORD_MAX_BYTES = 512;

/**
 * Bytes that go to an address that is not proven, for each byte from there, repetitions included (RFC 9000 §8.1; RFC 9147 §5.1 gives no
 * number).
 */
export const AMPLIFICATION_LIMIT = 3;

/** Cookie keys change this often; the last one stays valid as long again. */
export const COOKIE_KEY_LIFETIME_MS = 60_000;
export const COOKIE_LENGTH = 20;

/** Shortest time between two handshakes of one session, as in ocserv 1.3.0; a retransmission of the client succeeds later. */
export const HANDOVER_MIN_MS = 3000;
export const MAX_ASSOCIATIONS = 65_536;
export const MAX_HANDSHAKES = 4096;
/** ClientHellos in fragments that wait for the rest, and for how long. */
export const MAX_FRAGMENTED_HELLOS = 64;
export const FRAGMENTED_HELLO_MS = 5000;
/** Warning alerts (no_renegotiation) are answered at most this often. */
export const WARNING_MIN_MS = 1000;

/** Associations that one datagram from an unknown address is tried on. */
export const ROAM_TRIALS_PER_DATAGRAM = 64;
/** Trial decryptions per second over all, at some 5 µs each. */
export const ROAM_TRIALS_PER_SECOND = 2000;
/** How far ahead of the last record a moved peer's record may be. */
export const ROAM_SEQUENCE_WINDOW = 65_536;
/** Associations looked at per second over all, without a decryption, at some 50 ns each. */
export const ROAM_VISITS_PER_SECOND = 100_000;
/** Searches in vain per second that records of one IP address may cause. */
export const ROAM_FAILURES_PER_SOURCE = 4;
/** IP addresses whose searches in vain are counted. */
export const ROAM_SOURCES = 1024;
