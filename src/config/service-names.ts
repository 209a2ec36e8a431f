/** Services that can stand behind a TCP port of a mock host. */
export const STREAM_SERVICES = [
  'intranet-http',
  'intranet-https',
  'webapp-http',
  'webapp-https',
  'api-http',
  'api-https',
  'files-http',
  'files-https',
  'stream-http',
  'stream-https',
  'flaky-http',
  'flaky-https',
  'certificates-http',
  'trusted-https',
  'untrusted-https',
  'expired-https',
  'wrongname-https',
  'clientcert-https',
  'optionalcert-https',
  'echo',
  'discard',
  'generator',
  'dns',
  'proxy',
  'proxy-allow-list',
  'proxy-authenticated',
  'proxy-inspecting',
  'proxy-http',
  'stubs-http',
  'stubs-https',
] as const;

/** Services that can stand behind a UDP port of a mock host. */
export const DATAGRAM_SERVICES = ['echo', 'discard', 'dns'] as const;

export type StreamServiceName = (typeof STREAM_SERVICES)[number];
export type DatagramServiceName = (typeof DATAGRAM_SERVICES)[number];

/** Sites served over HTTPS with the certificate of the mock network, which contains the names of all hosts that run one of them. */
const SITES = new Set<string>(
  ['intranet', 'webapp', 'api', 'files', 'stream', 'flaky', 'clientcert', 'optionalcert'].map(
    (site) => `${site}-https`,
  ),
);

/** Whether a host with these services needs a name in the certificate of the mock network. */
export const needsCertificate = (tcp: Readonly<Record<string, string>>): boolean =>
  Object.values(tcp).some((service) => SITES.has(service));
