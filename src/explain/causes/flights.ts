import type { TunneliteEvent } from '../../telemetry/index.ts';
import { type Cause, cause } from '../visit/cause.ts';
import type { Visit } from '../visit/visit.ts';

/** Most lost flights to list for one handshake. */
const MOST = 30;

type Flight = TunneliteEvent<'channel.dtls.flight'>;

/** Flights of the handshake that led to an event, from the last ClientHello that is not a retransmission. */
export function flightsBefore(visit: Visit, seq: number): readonly Flight[] {
  const before = visit.recent('channel.dtls.flight', seq, MOST);
  const begin = before.findLastIndex(
    ({ fields }) => fields.flight <= 3 && fields.direction === 'in' && fields.repeat === 0,
  );
  return begin < 0 ? [] : before.slice(begin);
}

/** What a handshake lost, as sentences; undefined when it lost nothing, or flights were not recorded. */
export function lostFlight(flights: readonly Flight[]): string | undefined {
  const again = flights.filter(({ fields }) => fields.repeat > 0);
  const asked = again.filter(({ fields }) => fields.direction === 'in');
  const late = again.filter(
    ({ fields }) => fields.direction === 'out' && !/client requested it/.test(fields.explanation ?? ''),
  );
  const sent = flights.findLast(({ fields }) => fields.direction === 'out' && fields.repeat > 0)?.fields;
  if (sent === undefined) return undefined;
  const [lastAsked, lastLate] = [asked.at(-1)?.fields, late.at(-1)?.fields];
  const flight = `Flight ${sent.flight} (${sent.messages})`;
  if (lastAsked !== undefined) {
    return `${flight} was lost on the way to the client, which resent its ${lastAsked.messages} ${timesOf(lastAsked.repeat)}; it was sent ${timesOf(sent.repeat + 1)}.`;
  }
  if (lastLate === undefined) return undefined;
  return `${flight} was sent ${timesOf(sent.repeat + 1)}. ${lastLate.explanation ?? ''} It was lost on the way to the client, or the client's answer was lost on the way back.`;
}

function timesOf(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

export const FLIGHT_CAUSES: readonly Cause[] = [
  cause({
    id: 'dtls-flight-lost',
    area: 'channel',
    weight: 'note',
    title: 'A flight of the DTLS handshake was lost on the way',
    on: 'channel.dtls.open',
    when: (_, { visit, event }) => lostFlight(flightsBefore(visit, event.seq)) !== undefined,
    what: (_, { visit, event }) => {
      const flights = flightsBefore(visit, event.seq);
      const took = event.time - flights[0]!.time;
      return `${lostFlight(flights)} DTLS was ready ${took} ms after the ClientHello.`;
    },
    why: 'UDP loses datagrams, and each side resends its own after a timeout. DTLS is therefore ready later, and data goes over TLS until then.',
    next: [
      'Nothing, if it happens occasionally.',
      'If it happens every time, compare captures at both ends: a device on the path drops datagrams of that kind or size.',
    ],
    docs: ['docs/reference/dtls.md'],
    seams: ['udp'],
  }),
];
