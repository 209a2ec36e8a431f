import { type ClientStep, TunnelClient } from '../../client/index.ts';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { Narrator } from './narrator.ts';
import { pageLines, waitForDtls } from './page.ts';
import { revokeUser } from './revocation.ts';
import { TokenCache } from './sign-in.ts';
import { loseUdp } from './udp-loss.ts';

const PAGE = 'https://intranet.contoso.internal/';

/** Starts everything, runs all actions, describes each, and closes everything. */
export async function runDemo(io: CliIo, json: boolean): Promise<number> {
  const story = new Narrator(json ? () => {} : (text) => io.out(text));
  story.say('\nTunnelite demo: what happens between an app and its on-premises page, on this machine.');
  story.say('The gateway, Entra ID and the network behind them run in this process; nothing leaves the machine.');
  const sim = await startSimulator();
  try {
    await walkThrough(sim, story);
  } finally {
    await sim.close();
  }
  if (json) {
    const chapters = story.chapters.map((chapter) => ({ ...chapter, milliseconds: Math.round(chapter.milliseconds) }));
    io.out(`${JSON.stringify({ milliseconds: Math.round(story.elapsed), chapters })}\n`);
    return EXIT.ok;
  }
  story.say(`\n${story.table()}`);
  story.say('“npm start” keeps a gateway running for your own client; it prints how to connect.');
  return EXIT.ok;
}

/** Actions 0 to 4b of Tunnel for MAM, one after the other; then faults of a tunnel. */
async function walkThrough(sim: Simulator, story: Narrator): Promise<void> {
  const { client, cache, user } = await signedIn(sim, story);
  try {
    const udp = await dataChannel(sim, client, story);
    await visit(sim, client, story);
    if (udp) await loseUdp(sim, client, story);
    await revokeUser({ sim, client, cache, user, story });
  } finally {
    await client.close();
  }
}

/** Actions 0, 1, 1a and 2. */
async function signedIn(sim: Simulator, story: Narrator) {
  const user = sim.identity.directory.defaultTenant.users[Symbol.iterator]().next().value!.userPrincipalName;
  const cache = new TokenCache(sim, user);
  const begin = story.elapsed;
  story.action('0', `The app starts, and its SDK connects to ${sim.urls.gateway}`);
  let asked = begin;
  let presented = begin;
  const onStep = (step: ClientStep): void => {
    if (step.step === 'tls') {
      story.detail(`TLS handshake: ${step.protocol}, ${step.cipher}; the gateway's certificate is trusted`);
      story.done('0', 'The app connects', `${step.protocol}, certificate trusted`, begin);
    } else if (step.step === 'challenge') {
      asked = story.elapsed;
      story.action('1', 'The gateway asks for a token: 401, WWW-Authenticate: Bearer');
    } else if (step.step === 'authenticated') {
      story.detail('Accepted: signature, issuer, audience and times are valid');
    }
  };
  const token = async (): Promise<string> => {
    const seconds = await cache.fill();
    story.detail(`Entra ID (${new URL(sim.urls.authority).host}) signs in ${user}, and issues one for ${seconds} s`);
    story.done('1', 'A token is needed', 'Entra ID issued one', asked);
    await reuse(sim, cache, story);
    presented = story.elapsed;
    story.action('2', 'The first app presents its token, inside TLS, in the Authorization header');
    return cache.token;
  };
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token, onStep });
  const { address4, mtu, dnsServers, routesInclude } = client.configuration;
  story.detail(`The tunnel is open: address ${address4}, MTU ${mtu}, DNS ${dnsServers.join(', ')}`);
  story.detail(`Networks routed through it: ${routesInclude.join(', ') || 'all'}`);
  story.done('2', 'TLS, and the token', `accepted, tunnel address ${address4}`, presented);
  return { client, cache, user };
}

/** Action 1a: another app of the same publisher needs a tunnel too, and finds the token in the shared cache. */
async function reuse(sim: Simulator, cache: TokenCache, story: Narrator): Promise<void> {
  const begin = story.elapsed;
  const mark = sim.journal.mark();
  story.action('1a', 'A second app on the phone also needs a token, and finds this one in their shared cache');
  const second = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: cache.token, dtls: 'off' });
  const { address4 } = second.configuration;
  await second.close();
  const issued = sim.journal.count({ name: 'identity.token.issued', since: mark });
  const outcome = issued === 0 ? 'Entra ID was not asked again' : `Entra ID issued ${issued} more`;
  story.detail(`${outcome}. The gateway gives it its own session (${address4}); it disconnects again`);
  story.done('1a', 'A token is reused', outcome, begin);
}

/** Action 3. Returns true when data goes over DTLS. */
async function dataChannel(sim: Simulator, client: TunnelClient, story: Narrator): Promise<boolean> {
  const begin = story.elapsed;
  const finish = (outcome: string): void => story.done('3', 'The data channel', outcome, begin);
  story.action('3', 'The data channel: TLS over TCP carries the packets until DTLS over UDP is ready');
  const { dtls } = client.configuration;
  if (!dtls) {
    story.detail('The gateway offers no DTLS: TLS continues to carry the packets');
    finish('TLS, because the gateway offers no DTLS');
    return false;
  }
  story.detail(`The gateway offers DTLS on UDP port ${dtls.port}`);
  // The page loads over TLS just as well, so a machine on which UDP does not pass shows the rest.
  const opened = await waitForDtls(sim);
  if (!opened) {
    story.detail('There was no DTLS handshake, as when UDP is blocked: TLS continues to carry the packets');
    finish('TLS, because UDP is blocked');
    return false;
  }
  const { cipher } = opened.fields;
  story.detail(`The DTLS handshake is complete (${cipher}): UDP carries the packets from here on`);
  finish(`DTLS, ${cipher}`);
  return true;
}

/** Actions 4a and 4b. */
async function visit(sim: Simulator, client: TunnelClient, story: Narrator): Promise<void> {
  let begin = story.elapsed;
  const mark = sim.journal.mark();
  const host = new URL(PAGE).hostname;
  story.action('4a', `The app wants ${PAGE}`);
  story.detail(`The tunnel's resolver resolves ${host}: ${(await client.resolve(host)).join(', ')}`);
  const [response] = await Promise.all([
    client.fetch(PAGE, { ca: sim.ca, headers: { accept: 'text/html' } }),
    sim.journal
      .waitFor({ name: 'resource.request', since: mark, fields: { protocol: 'tcp' } })
      .then(({ fields: { decision, rule, explanation } }) => {
        story.detail(`The gateway decides: ${decision} (${rule}). ${explanation}`);
        story.done('4a', 'A connect request', `${decision} (${rule})`, begin);
        begin = story.elapsed;
      }),
  ]);
  const { protocol } = response.tls!;
  story.action('4b', `The page, encrypted end to end inside the tunnel (${protocol}): HTTP ${response.status}`);
  for (const line of pageLines(response.body.toString())) story.detail(`| ${line}`);
  story.done('4b', 'The web request', `HTTP ${response.status}, ${protocol} inside the tunnel`, begin);
}
