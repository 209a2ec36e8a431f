import t from 'tap';
import { certificateIdentity } from '../../../src/dtls/handshake/certificate-identity.ts';
import { handshakeMessage } from '../../../src/dtls/handshake/handshake-message.ts';
import { CLIENT_TRANSITIONS, SERVER_TRANSITIONS } from '../../../src/dtls/handshake/handshake-states.ts';
import { HANDSHAKE_TYPE } from '../../../src/dtls/protocol/constants.ts';
import { testCertificate } from '../../support/dtls-certificates.ts';
import { DtlsLink, type LinkOptions, plainRecord, recordsOf } from '../../support/dtls-link.ts';

const MASTER_SECRET = Buffer.alloc(48, 7);
const RSA_GCM = 'TLS_RSA_WITH_AES_256_GCM_SHA384';
/** A type that no specification has. */
const UNKNOWN = 99;
const types = [...Object.entries(HANDSHAKE_TYPE), ['unknown', UNKNOWN] as const];

const { cert, key, ca } = await testCertificate('p256');
const certificate: LinkOptions = {
  credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
  client: { credentials: { kind: 'certificate', ca } },
};
const ecdhe: LinkOptions = { client: { cipherSuites: ['TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256'] } };
const resume: LinkOptions = {
  credentials: { kind: 'resume', masterSecret: MASTER_SECRET, cipherSuite: RSA_GCM, context: '' },
  client: {
    credentials: {
      kind: 'resume',
      masterSecret: MASTER_SECRET,
      sessionId: Buffer.alloc(32, 1),
      cipherSuite: RSA_GCM,
    },
  },
};

/** What is sent to show a message in its place: its body makes no sense, so where it is taken it is a decode error. */
function record(type: number, messageSequence: number): Buffer {
  return plainRecord(22, 50, handshakeMessage(type, messageSequence, Buffer.alloc(1)));
}

/** Handshakes that stop in a state of the client: after so many messages of the server. */
const clientStates: Record<keyof typeof CLIENT_TRANSITIONS, [LinkOptions, number] | undefined> = {
  serverHello: [{}, 0],
  certificate: [certificate, 1],
  serverKeyExchange: [ecdhe, 1],
  serverKeyExchangeIfAny: [{}, 1],
  certificateRequestOrDone: [certificate, 3],
  serverHelloDone: [ecdhe, 2],
  finished: [{}, 2],
  // No handshake is left to send to.
  done: undefined,
};

function clientIn(state: keyof typeof CLIENT_TRANSITIONS): [DtlsLink, number] | undefined {
  const setup = clientStates[state];
  if (!setup) return undefined;
  const [options, messages] = setup;
  const link = new DtlsLink({ ...options, fate: (direction) => (direction === 'to-server' ? [1] : []) });
  link.client.start(0);
  link.run(5);
  // A certificate asks for a cookie first: one message more, which leads back to the first state.
  const before = options === certificate ? 1 : 0;
  for (const verify of link.datagrams('to-client').slice(0, before)) link.client.input(verify, 5);
  link.run(10);
  const records = link.datagrams('to-client').slice(before).flatMap(recordsOf);
  for (const item of records.slice(0, messages)) link.client.input(plainRecord(22, item.sequence, item.body), 10);
  return [link, before + messages];
}

t.test('the client takes in each state what the state is for, and answers the rest with unexpected_message', (t) => {
  for (const [state, { epoch, on }] of Object.entries(CLIENT_TRANSITIONS)) {
    for (const [name, type] of types) {
      const setup = clientIn(state as keyof typeof CLIENT_TRANSITIONS);
      if (!setup) continue;
      const [link, sequence] = setup;
      link.client.input(record(type, sequence), 11);
      const taken = epoch === 0 && name in on && on[name as keyof typeof on] === 'take';
      const alert = link.clientClosed[0]?.details.alert;
      if (taken) t.not(alert, 'unexpected_message', `${state}: ${name} is taken`);
      else t.equal(alert, 'unexpected_message', `${state}: ${name} is refused`);
    }
  }
  t.end();
});

const serverStates: Record<keyof typeof SERVER_TRANSITIONS, [LinkOptions, number] | undefined> = {
  clientKeyExchange: [{}, 1],
  finished: [resume, 1],
  done: undefined,
};

t.test('so does the server', (t) => {
  for (const [state, { epoch, on }] of Object.entries(SERVER_TRANSITIONS)) {
    for (const [name, type] of types) {
      const setup = serverStates[state as keyof typeof SERVER_TRANSITIONS];
      // A ClientHello is not for the handshake but for the server.
      if (!setup || name === 'clientHello') continue;
      const link = new DtlsLink({ ...setup[0], fate: () => [] });
      link.client.start(0);
      link.server.input(link.datagrams('to-server')[0]!, link.clientPeer, 0);
      link.server.input(record(type, setup[1]), link.clientPeer, 1);
      const taken = epoch === 0 && name in on && on[name as keyof typeof on] === 'take';
      const alert = link.failed[0]?.details.alert;
      if (taken) t.equal(alert, 'decode_error', `${state}: ${name} is taken`);
      else t.equal(alert, 'unexpected_message', `${state}: ${name} is refused`);
    }
  }
  t.end();
});

t.test('a Finished in the clear is refused, and so is any other message under the keys', (t) => {
  const link = new DtlsLink({ ...resume, fate: (direction) => (direction === 'to-client' ? [1] : []) });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, link.clientPeer, 0);
  link.run(5);
  const inside = link.client.association as unknown as {
    records: { write(out: Buffer, at: number, type: number, epoch: 1, b: Buffer, o: number, n: number): number };
  };
  const message = handshakeMessage(HANDSHAKE_TYPE.clientKeyExchange, 1, Buffer.alloc(2));
  const out = Buffer.alloc(200);
  const length = inside.records.write(out, 0, 22, 1, message, 0, message.length);
  link.server.input(out.subarray(0, length), link.clientPeer, 6);
  t.match(link.failed[0], { details: { alert: 'unexpected_message' } });
  t.end();
});
