/** Limits and times that pages state in figures, against the constants of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LINK_LIFETIME_MS } from '../../src/admin/link-codes.ts';
import { MAX_TOKEN_CHARACTERS } from '../../src/bearer/constants.ts';
import * as dtls from '../../src/dtls/protocol/constants.ts';
import * as entra from '../../src/entra/context/constants.ts';
import * as gateway from '../../src/gateway/constants.ts';
import { HANDSHAKE_TIMEOUT, MAX_REQUESTS_PER_CONNECTION, REQUEST_LIMITS } from '../../src/gateway/control/constants.ts';
import { UNANSWERED_SWITCH_MS } from '../../src/gateway/data/data-channel-constants.ts';
import * as netstack from '../../src/netstack/core/constants.ts';
import * as pairing from '../../src/pairing/constants.ts';
import * as resources from '../../src/resources/constants.ts';
import { CSTP_MAX_PAYLOAD } from '../../src/wire/cstp.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

/** A constant that its file keeps to itself, such as `const MAX_CAPTURES = 8;`. */
function inner(path: string, name: string): number {
  const [, value] = new RegExp(`\\b${name}\\b(?: =|:) ([\\d_ *]+)[;,} ]`).exec(read(path)) ?? [];
  if (value === undefined) throw new Error(`${path} has no ${name}`);
  return value
    .replaceAll('_', '')
    .split('*')
    .reduce((product, factor) => product * Number(factor), 1);
}

const UNITS: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  ms: 1,
  s: 1000,
  min: 60_000,
};
const WORDS: Readonly<Record<string, number>> = { two: 2, three: 3, four: 4, five: 5, eight: 8, ten: 10, fifty: 50 };

/** `16 384`, `4096`, `64 KiB`, `two`: bytes, milliseconds or a count. */
function figure(text: string): number {
  if (Object.hasOwn(WORDS, text)) return WORDS[text]!;
  const [, digits = '', unit] = /^([\d ,.]*\d) ?([A-Za-z]+)?$/.exec(text) ?? [];
  return Number(digits.replaceAll(/[ ,]/g, '')) * (unit === undefined ? 1 : UNITS[unit]!);
}

const security = 'docs/explanation/security.md';
const protocol = 'docs/reference/protocol.md';
const stack = 'docs/reference/netstack.md';
const engine = 'docs/reference/dtls.md';
const servers = 'docs/how-to/reach-your-servers.md';

/** A sentence of a page in which each # is a figure, and the values in their order. */
const STATED: readonly (readonly [page: string, sentence: string, ...values: number[]])[] = [
  [security, 'connections without a tunnel | #, or half of the file descriptors', gateway.MAX_PENDING_CONNECTIONS],
  [security, 'one in #, and at least #, is kept free', gateway.DESCRIPTOR_RESERVE_SHARE, gateway.DESCRIPTOR_RESERVE],
  [security, 'TLS handshake, login | #, `gateway.authTimeout`', HANDSHAKE_TIMEOUT * 1000],
  [security, '`http.rejected` # of each reason within # |', gateway.STRANGERS_TOLD, 10_000],
  [
    security,
    '# of headers in 256 lines, # of body, # requests',
    REQUEST_LIMITS.head,
    REQUEST_LIMITS.body,
    MAX_REQUESTS_PER_CONNECTION,
  ],
  [security, 'unproven address | # for each byte', dtls.AMPLIFICATION_LIMIT],
  [security, 'connections to Entra ID | #, or an eighth', entra.MAX_CONNECTIONS],
  [security, 'the administration | #, or an eighth', inner('src/admin/server.ts', 'MAX_CONNECTIONS')],
  [
    security,
    'request to the administration | #, # | 408',
    inner('src/admin/server.ts', 'HEADERS_TIMEOUT_MS'),
    inner('src/admin/server.ts', 'REQUEST_TIMEOUT_MS'),
  ],
  [security, 'of TCP and UDP | #, or a quarter', resources.MAX_UPSTREAM_SOCKETS],
  [security, 'an eighth as many as are free, and at most # |', resources.MAX_NAMES_OF_SESSION],
  [security, 'names | # of one session may wait', resources.MAX_LOOK_UPS_OF_SESSION],
  [security, 'portions of 1024 segments, at most # of one', netstack.FLOW_SEGMENTS],
  [servers, 'at least # and at most #.', resources.FEW_NAMES, resources.MAX_NAMES_OF_SESSION],
  [servers, '# seconds after the last lookup', resources.NAME_HOLD_MS / 1000],
  [servers, 'A larger network has more, up to #.', resources.MAX_NAMES],
  [servers, 'resolves the name again after # seconds', resources.UPSTREAM_ADDRESS_MS / 1000],
  [protocol, '| # requests per connection', MAX_REQUESTS_PER_CONNECTION],
  [protocol, 'URL up to # bytes', REQUEST_LIMITS.target],
  [protocol, 'request line and headers up to #, #', REQUEST_LIMITS.head, REQUEST_LIMITS.headerCount],
  [protocol, 'body up to #;', REQUEST_LIMITS.body],
  [protocol, 'a length above #, is', CSTP_MAX_PAYLOAD],
  [protocol, '# for the TLS handshake', HANDSHAKE_TIMEOUT * 1000],
  [stack, '| `tcpFlows` | #', netstack.DEFAULT_LIMITS.tcpFlows],
  [stack, '| `tcpHalfOpen` | #', netstack.DEFAULT_LIMITS.tcpHalfOpen],
  [stack, '| `outOfOrderBytes` | #', netstack.DEFAULT_LIMITS.outOfOrderBytes],
  [stack, '| `memory` | #', netstack.DEFAULT_LIMITS.memory],
  [stack, '| `udpFlows`, `udpIdle` | #, #', netstack.DEFAULT_LIMITS.udpFlows, netstack.DEFAULT_LIMITS.udpIdle],
  [
    stack,
    '| `fragmentBytes`, `fragmentPackets` | #, #',
    netstack.DEFAULT_LIMITS.fragmentBytes,
    netstack.DEFAULT_LIMITS.fragmentPackets,
  ],
  [stack, '| TIME-WAIT | # entries', netstack.TIME_WAIT_ENTRIES],
  [stack, '| ICMP errors | # a second, # of them', netstack.ICMP_RATE, netstack.ICMP_PARTY_RATE],
  [engine, '| `maxAssociations`, `maxHandshakes` (server) | #, #', dtls.MAX_ASSOCIATIONS, dtls.MAX_HANDSHAKES],
  [engine, 'one handshake every #;', dtls.HANDOVER_MIN_MS],
  [engine, 'at most #. The cost', dtls.ROAM_TRIALS_PER_DATAGRAM],
  [engine, '# attempts and # associations', dtls.ROAM_TRIALS_PER_SECOND, dtls.ROAM_VISITS_PER_SECOND],
  [engine, 'and # unsuccessful searches', dtls.ROAM_FAILURES_PER_SOURCE],
  ['docs/explanation/benchmarks.md', 'notice the loss after #,', UNANSWERED_SWITCH_MS],
  [
    'docs/reference/client.md',
    'It has # for an answer, # of memory, and #',
    ...['ANSWER_TIMEOUT_MS', 'MEMORY_BYTES', 'MAX_PAC_BYTES'].map((name) =>
      inner('src/client/routing/pac-script.ts', name),
    ),
  ],
  [
    'docs/reference/client.md',
    'At most # connections are open at once',
    inner('src/client/local/constants.ts', 'MAX_CONNECTIONS'),
  ],
  ['docs/reference/tokens.md', 'both policies refuse tokens over #,', MAX_TOKEN_CHARACTERS],
  ['docs/reference/tokens.md', '| `too-large` | over # |', MAX_TOKEN_CHARACTERS],
  ['docs/reference/resources.md', 'There may be # stubs', inner('src/services/stub-table.ts', 'MAX_STUBS')],
  [
    'docs/reference/resources.md',
    'every query beyond # waiting ones of a session, or # in all',
    resources.MAX_FORWARDED_OF_SESSION,
    resources.MAX_FORWARDED,
  ],
  ['docs/reference/dashboard.md', 'once, within # minutes', LINK_LIFETIME_MS / 60_000],
  ['docs/how-to/share-a-report.md', 'once, within # minutes', LINK_LIFETIME_MS / 60_000],
  [
    'docs/how-to/share-a-report.md',
    'the newest # events and # at most',
    inner('src/report/pack.ts', 'events'),
    inner('src/report/pack.ts', 'bytes'),
  ],
  ['docs/how-to/share-a-report.md', 'larger than # when unpacked', inner('src/report/unpack.ts', 'unpacked')],
  [
    'docs/how-to/connect-a-phone.md',
    'after # wrong attempts by all phones together; one phone may try # times',
    pairing.CODE_TRIES,
    pairing.TRIES_PER_ADDRESS,
  ],
  [
    'docs/how-to/decrypt-with-wireshark.md',
    'The limit is # captures, with #',
    inner('src/capture/hub.ts', 'MAX_CAPTURES'),
    inner('src/capture/hub.ts', 'max'),
  ],
  ['docs/how-to/policies.md', 'the last # requesters', inner('src/intune/deliveries.ts', 'MAX_APPS')],
  [
    'docs/reference/rest.md',
    'At most # readers can follow',
    inner('src/admin/routes/journal-streams.ts', 'MAX_READERS'),
  ],
];

t.test('the limits and times on the pages are those of the code', async (t) => {
  const figures = `(\\d+(?:[ ,.]\\d+)*(?: (?:${Object.keys(UNITS).join('|')})\\b)?|${Object.keys(WORDS).join('|')})`;
  for (const [page, sentence, ...values] of STATED) {
    const text = read(page).replaceAll(/\s*\n\s*/g, ' ');
    const pattern = sentence.replaceAll(/[.*+?^$()|[\]\\{}]/g, '\\$&').replaceAll('#', figures);
    const found = new RegExp(pattern).exec(text);
    t.ok(found, `${page} has: ${sentence}`);
    t.strictSame(
      found?.slice(1).map((one) => figure(one.trim())),
      values,
      `${page}: ${sentence}`,
    );
  }
});
