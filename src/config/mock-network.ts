import type { DatagramServiceName, StreamServiceName } from './service-names.ts';

/** A host of the default mock network. */
export interface MockHost {
  /** Its label in `contoso.internal`. */
  readonly label: string;
  /** The last number of its addresses: `10.20.0.<number>` and `fd10:20::<number>`, with the same digits. */
  readonly number: number;
  readonly tcp: Readonly<Record<string, StreamServiceName>>;
  readonly udp?: Readonly<Record<string, DatagramServiceName>>;
  readonly closedPorts?: 'drop';
  /** Its purpose, as described in docs/reference/resources.md. */
  readonly about: string;
}

const site = <const T extends string>(name: T) => ({ '80': `${name}-http`, '443': `${name}-https` }) as const;
const certificate = <const T extends string>(name: T) =>
  ({ '80': 'certificates-http', '443': `${name}-https` }) as const;

/** The default mock network: the one table behind DNS, policy, banner and documentation. */
export const MOCK_HOSTS: readonly MockHost[] = [
  {
    label: 'intranet',
    number: 10,
    tcp: site('intranet'),
    about: 'A page that shows the client behind the tunnel, and its path',
  },
  { label: 'webapp', number: 11, tcp: site('webapp'), about: 'A web application: login form, cookies, upload' },
  {
    label: 'api',
    number: 12,
    tcp: site('api'),
    about: 'A REST API: echo, status, delay, redirect; Basic, Bearer and Digest',
  },
  {
    label: 'files',
    number: 13,
    tcp: site('files'),
    about: 'Files of any size with checksum; ranges, slow, chunked; upload',
  },
  { label: 'stream', number: 14, tcp: site('stream'), about: 'Server-sent events, WebSocket, long poll, HTTP/2' },
  { label: 'flaky', number: 15, tcp: site('flaky'), about: 'A site that fails in a pattern you choose' },
  { label: 'stubs', number: 16, tcp: site('stubs'), about: 'Your own answers' },
  {
    label: 'tools',
    number: 20,
    tcp: { '7': 'echo', '9': 'discard', '19': 'generator' },
    udp: { '7': 'echo', '9': 'discard' },
    about: 'The classic small services: echo, discard, an endless stream of characters',
  },
  { label: 'tcpecho', number: 21, tcp: { '7': 'echo' }, about: 'Echoes TCP data' },
  { label: 'udpecho', number: 22, tcp: {}, udp: { '7': 'echo' }, about: 'Echoes each datagram' },
  { label: 'discard', number: 23, tcp: { '9': 'discard' }, udp: { '9': 'discard' }, about: 'Discards all input' },
  {
    label: 'trusted',
    number: 31,
    tcp: certificate('trusted'),
    about: 'A certificate from the CA, with an intermediate',
  },
  { label: 'untrusted', number: 32, tcp: certificate('untrusted'), about: 'A self-signed certificate' },
  {
    label: 'expired',
    number: 33,
    tcp: certificate('expired'),
    about: 'A certificate from the CA that expired a week ago',
  },
  {
    label: 'wrongname',
    number: 34,
    tcp: certificate('wrongname'),
    about: 'A certificate from the CA for another name',
  },
  { label: 'clientcert', number: 35, tcp: certificate('clientcert'), about: 'Requires a client certificate' },
  { label: 'optionalcert', number: 36, tcp: certificate('optionalcert'), about: 'Requests a client certificate' },
  {
    label: 'blackhole',
    number: 40,
    tcp: {},
    closedPorts: 'drop',
    about: 'Does not answer, like a firewall that drops packets',
  },
  { label: 'refused', number: 41, tcp: {}, about: 'Refuses every connection: RST, and ICMP port unreachable over UDP' },
  {
    label: 'proxy',
    number: 42,
    tcp: {
      '80': 'proxy-http',
      '3128': 'proxy',
      '3129': 'proxy-allow-list',
      '3130': 'proxy-authenticated',
      '3131': 'proxy-inspecting',
    },
    about: 'HTTP proxies: open, with an allow-list, with a password, inspecting',
  },
  { label: 'pac', number: 43, tcp: { '80': 'proxy-http' }, about: 'The PAC file, which lists what uses the proxy' },
  { label: 'dns', number: 53, tcp: { '53': 'dns' }, udp: { '53': 'dns' }, about: 'The resolver of the mock network' },
];

/** The domain of the mock network. */
export const MOCK_DOMAIN = 'contoso.internal';

/** The names of a host of the table. */
export const mockName = ({ label }: Pick<MockHost, 'label'>): string => `${label}.${MOCK_DOMAIN}`;

/** Its addresses, IPv4 first. */
export const mockAddresses = ({ number }: Pick<MockHost, 'number'>): [string, string] => [
  `10.20.0.${number}`,
  `fd10:20::${number}`,
];

/** The table in the form of the configuration. */
export const mockHosts = () =>
  MOCK_HOSTS.map((host) => ({
    names: [mockName(host)],
    addresses: [...mockAddresses(host)],
    tcp: { ...host.tcp },
    udp: { ...host.udp },
    closedPorts: host.closedPorts ?? ('refuse' as const),
  }));
