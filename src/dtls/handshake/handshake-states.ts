import { HANDSHAKE_TYPE } from '../protocol/constants.ts';

/** Handshake messages by the names of the specifications. */
type HandshakeName = keyof typeof HANDSHAKE_TYPE;

const names = new Map<number, HandshakeName>();
for (const [name, type] of Object.entries(HANDSHAKE_TYPE)) names.set(type, name as HandshakeName);

/** Name of a handshake message type; undefined for types that this engine does not know. */
function handshakeName(type: number): HandshakeName | undefined {
  return names.get(type);
}

/** The same as RFC 5246 writes it: `ServerHelloDone`. */
export function messageTitle(type: number): string {
  const name = handshakeName(type) ?? `message ${type}`;
  return name[0]!.toUpperCase() + name.slice(1);
}

/** A row of a transition table in which nothing is expected: the answer to each message is unexpected_message. */
const nothing = {
  helloRequest: 'refuse',
  clientHello: 'refuse',
  serverHello: 'refuse',
  helloVerifyRequest: 'refuse',
  certificate: 'refuse',
  serverKeyExchange: 'refuse',
  certificateRequest: 'refuse',
  serverHelloDone: 'refuse',
  certificateVerify: 'refuse',
  clientKeyExchange: 'refuse',
  finished: 'refuse',
} as const satisfies Record<HandshakeName, 'refuse'>;

/** `refuse`, or `take` to process the message. */
type Row = Record<HandshakeName, 'refuse' | 'take'>;

/** The messages that a state expects, and their epoch. */
interface Expectation {
  readonly epoch: 0 | 1;
  readonly on: Row;
}

/*
 * The server (RFC 5246 §7.3):
 *
 *                    full                                             Finished (ours follows)
 *   ClientHello ───────────▶ ┌───────────────────┐  CKE  ┌──────────┐ ──────────────▶ ┌──────┐
 *               ──────┐      │ clientKeyExchange │ ────▶ │ finished │                 │ done │
 *                     │      └───────────────────┘       └──────────┘                 └──────┘
 *                     └──── abbreviated: our Finished is sent ──▶ ▲
 */
export const SERVER_STATE = { clientKeyExchange: 'clientKeyExchange', finished: 'finished', done: 'done' } as const;
export type ServerState = (typeof SERVER_STATE)[keyof typeof SERVER_STATE];

export const SERVER_TRANSITIONS = {
  clientKeyExchange: { epoch: 0, on: { ...nothing, clientKeyExchange: 'take' } },
  finished: { epoch: 1, on: { ...nothing, finished: 'take' } },
  done: { epoch: 1, on: nothing },
} as const satisfies Record<ServerState, Expectation>;

/*
 * The client:
 *
 *           ┌──────────── HelloVerifyRequest: once more, with the cookie
 *           ▼  │
 *   ┌─────────────┐ ServerHello ┌─────────────┐ Certificate ┌───────────────────┐ SKE ┌─────────────────┐
 *   │ serverHello │ ──────────▶ │ certificate │ ──────────▶ │ serverKeyExchange │ ──▶ │ serverHelloDone │ ◀─┐
 *   └─────────────┘             └─────────────┘             └───────────────────┘     └─────────────────┘ ──┘
 *      │     └── PSK, with ECDHE ─────────────────────────────────▶ ▲                        │  CertificateRequest
 *      ├──────── plain PSK ──▶ ┌─────────────────────────────┐ SKE (an identity hint) ──────▶ ▲
 *      │                       │ serverKeyExchangeIfAny      │                               │ SHD: our Finished
 *      │                       └─────────────────────────────┘ ── SHD: our Finished ─▶ ┌─────▼────┐ Finished ┌──────┐
 *      └── abbreviated ──────────────────────────────────────────────────────────────▶ │ finished │ ───────▶ │ done │
 *                                                                                      └──────────┘          └──────┘
 */
export const CLIENT_STATE = {
  serverHello: 'serverHello',
  certificate: 'certificate',
  serverKeyExchange: 'serverKeyExchange',
  /** Plain PSK omits ServerKeyExchange when the server has no identity hint (RFC 4279 §2). */
  serverKeyExchangeIfAny: 'serverKeyExchangeIfAny',
  /** After a certificate: the server may ask for ours. */
  certificateRequestOrDone: 'certificateRequestOrDone',
  serverHelloDone: 'serverHelloDone',
  finished: 'finished',
  done: 'done',
} as const;
export type ClientState = (typeof CLIENT_STATE)[keyof typeof CLIENT_STATE];

export const CLIENT_TRANSITIONS = {
  serverHello: { epoch: 0, on: { ...nothing, serverHello: 'take', helloVerifyRequest: 'take' } },
  certificate: { epoch: 0, on: { ...nothing, certificate: 'take' } },
  serverKeyExchange: { epoch: 0, on: { ...nothing, serverKeyExchange: 'take' } },
  serverKeyExchangeIfAny: { epoch: 0, on: { ...nothing, serverKeyExchange: 'take', serverHelloDone: 'take' } },
  certificateRequestOrDone: { epoch: 0, on: { ...nothing, certificateRequest: 'take', serverHelloDone: 'take' } },
  serverHelloDone: { epoch: 0, on: { ...nothing, serverHelloDone: 'take' } },
  finished: { epoch: 1, on: { ...nothing, finished: 'take' } },
  done: { epoch: 1, on: nothing },
} as const satisfies Record<ClientState, Expectation>;

/** The message's name if the state accepts it; undefined if it must be refused. */
export function expected(expectation: Expectation, type: number, epoch: number): HandshakeName | undefined {
  const name = handshakeName(type);
  return name && epoch === expectation.epoch && expectation.on[name] === 'take' ? name : undefined;
}
