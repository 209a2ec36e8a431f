import { type ClientStep, TunnelClient } from '../../client/index.ts';
import { DEFAULT_PASSWORD } from '../../entra/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../lib/tunnel-api.ts';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { ANSWER_LIMITS } from '../context/instance.ts';
import { type CliIo, EXIT } from '../context/io.ts';

const PAGE = 'https://intranet.contoso.internal/';
/** How long the demo waits for UDP, in milliseconds. */
const DTLS_PATIENCE = 5000;

/** Starts everything, walks through all actions, tells each, and closes everything. */
export async function runDemo(io: CliIo): Promise<number> {
  io.out('\nTunnelite demo: what happens between an app and its on-premises page, on this machine.\n');
  const sim = await startSimulator();
  try {
    await walkThrough(sim, io);
  } finally {
    await sim.close();
  }
  io.out('\nDone. “npm start” keeps a gateway running for your own client; it prints what to connect with.\n');
  return EXIT.ok;
}

/** Actions 0 to 4b of Tunnel for MAM, one after the other. */
async function walkThrough(sim: Simulator, io: CliIo): Promise<void> {
  const action = (label: string, text: string): void => io.out(`\n${label.padEnd(3)} ${text}\n`);
  const detail = (text: string): void => io.out(`    ${text}\n`);
  const user = sim.identity.directory.defaultTenant.users[Symbol.iterator]().next().value!.userPrincipalName;

  action('0', `The app starts and asks for a tunnel to ${sim.urls.gateway}`);
  const onStep = (step: ClientStep): void => {
    if (step.step === 'tls') detail(`TLS handshake: ${step.protocol}, ${step.cipher}, certificate trusted`);
    else if (step.step === 'challenge') action('1', 'The gateway asks for a token: 401, WWW-Authenticate: Bearer');
    else if (step.step === 'authenticated') detail('Accepted: signature, issuer, audience and times are right');
  };
  const token = async (): Promise<string> => {
    const { accessToken, expiresIn } = await signIn(sim, user);
    detail(`Entra ID (${new URL(sim.urls.authority).host}) signs ${user} in and issues one for ${expiresIn} s`);
    action('2', 'The app presents the token over TLS, in the Authorization header');
    return accessToken;
  };
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token, onStep });
  try {
    await useTunnel(sim, client, action, detail);
  } finally {
    await client.close();
  }
}

/** What the app does once the tunnel is open. */
async function useTunnel(
  sim: Simulator,
  client: TunnelClient,
  action: (label: string, text: string) => void,
  detail: (text: string) => void,
): Promise<void> {
  const { configuration } = client;
  detail(
    `Tunnel open: address ${configuration.address4}, MTU ${configuration.mtu}, DNS ${configuration.dnsServers.join(', ')}`,
  );
  detail(`Networks through the tunnel: ${configuration.routesInclude.join(', ') || 'all'}`);

  action('3', 'The data channel: TLS over TCP carries the packets until DTLS over UDP is ready');
  if (configuration.dtls) {
    detail(`DTLS is on offer on UDP port ${configuration.dtls.port}`);
    // The page comes over TLS just as well, so a machine on which UDP does not pass shows the rest.
    const opened = await sim.journal
      .waitFor({ name: 'channel.dtls.open' }, { timeout: DTLS_PATIENCE })
      .catch(() => undefined);
    if (opened)
      detail(`The DTLS handshake is complete (${opened.fields.cipher}): UDP carries the packets from here on`);
    else detail('No DTLS handshake came about, as where UDP is blocked: TLS goes on carrying the packets');
  } else detail('The gateway offers no DTLS: TLS goes on carrying the packets');

  const host = new URL(PAGE).hostname;
  action('4a', `The app wants ${PAGE}`);
  detail(`The tunnel's resolver knows ${host}: ${(await client.resolve(host)).join(', ')}`);
  const response = await client.fetch(PAGE, { ca: sim.ca, headers: { accept: 'text/html' } });
  const asked = sim.journal
    .query({ name: 'resource.request', where: (event) => event.fields.destination.endsWith(':443') })
    .at(-1);
  if (asked)
    detail(`The gateway decides: ${asked.fields.decision} (${asked.fields.rule}). ${asked.fields.explanation}`);

  action('4b', `The page, encrypted end to end inside the tunnel (${response.tls?.protocol}): HTTP ${response.status}`);
  for (const line of pageLines(response.body.toString())) detail(`| ${line}`);
}

/** The password flow of Entra ID: what a test can do without a browser. */
async function signIn(sim: Simulator, username: string): Promise<{ accessToken: string; expiresIn: number }> {
  const tenant = sim.identity.directory.defaultTenant;
  const clientId = tenant.applications[Symbol.iterator]().next().value!.appId;
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: clientId,
    username,
    password: DEFAULT_PASSWORD,
    scope: TUNNEL_DEFAULT_SCOPE,
  });
  const { body } = await exchange(`${sim.urls.authority}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    ca: sim.ca,
    ...ANSWER_LIMITS,
  });
  const answer = JSON.parse(body.toString('utf8')) as {
    access_token?: string;
    expires_in?: number;
    error_description?: string;
  };
  if (!answer.access_token)
    throw new TunneliteError('ERR_INTERNAL', `Entra ID refused the demo's sign-in: ${answer.error_description}`);
  return { accessToken: answer.access_token, expiresIn: answer.expires_in ?? 0 };
}

/** The words of a page, line by line, for a terminal. */
function pageLines(html: string): string[] {
  const body = /<body>([\s\S]*)<\/body>/.exec(html)?.[1] ?? html;
  return body
    .replaceAll(/<\/th>\s*<td>/g, ': ')
    .replaceAll(/<[^>]+>/g, '\n')
    .replaceAll('&amp;', '&')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
