import { type AppOutcome, appConfiguration, ManagedApp } from '../../client/index.ts';
import { GRAPH_RESOURCE_ID, MAM_RESOURCE_ID, TUNNEL_DEFAULT_SCOPE } from '../../entra/index.ts';
import { type SeedPolicies, seedPolicies } from '../../intune/index.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import { clientFacts, type Simulator, startSimulator } from '../../simulator/index.ts';
import type { JournalMark } from '../../telemetry/index.ts';
import { ANSWER_LIMITS } from '../context/instance.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { Narrator } from './narrator.ts';
import { pageLines, waitForDtls } from './page.ts';
import { signIn } from './sign-in.ts';

const PAGE = 'https://intranet.contoso.internal/';
const SCOPES = [
  'User.Read',
  'DeviceManagementConfiguration.ReadWrite.All',
  'DeviceManagementApps.ReadWrite.All',
  'Group.ReadWrite.All',
];
/** Names of the policies, in the order in which an administrator creates them. */
const NAMES: Readonly<Record<keyof SeedPolicies, string>> = {
  trustedRoot: 'trusted certificate profile',
  appConfiguration: 'app configuration policy',
  appProtection: 'app protection policy',
};

/** Creates the three policies with Graph, shows the page, and then what the user sees without each of them. */
export async function runPoliciesDemo(io: CliIo, json: boolean): Promise<number> {
  const story = new Narrator(json ? () => {} : (text) => io.out(text));
  story.say('\nTunnelite demo: from the policies in Intune to the page on the phone, on this machine.');
  const sim = await startSimulator();
  try {
    await withPolicies(sim, story);
    for (const missing of Object.keys(NAMES) as (keyof SeedPolicies)[]) {
      await sim.reset();
      await withoutPolicy(sim, story, missing);
    }
  } finally {
    await sim.close();
  }
  if (json) {
    const chapters = story.chapters.map((chapter) => ({ ...chapter, milliseconds: Math.round(chapter.milliseconds) }));
    io.out(`${JSON.stringify({ milliseconds: Math.round(story.elapsed), chapters })}\n`);
    return EXIT.ok;
  }
  story.say(`\n${story.table()}`);
  return EXIT.ok;
}

async function withPolicies(sim: Simulator, story: Narrator): Promise<void> {
  let begin = story.elapsed;
  story.turn('The administrator creates three policies over Microsoft Graph');
  const { app, user } = await createPolicies(sim, undefined, (line) => story.detail(line));
  story.done('', 'Three policies', 'created over Graph', begin);

  begin = story.elapsed;
  const mark = sim.journal.mark();
  story.action('0', `The app ${app} starts on the phone of ${user}`);
  const managed = managedApp(sim, app, user);
  try {
    await useApp(sim, story, managed, { user, mark, begin });
  } finally {
    await managed.close();
  }
}

interface Launch {
  readonly user: string;
  readonly mark: JournalMark;
  readonly begin: number;
}

/** From the start of the app to the page. */
async function useApp(sim: Simulator, story: Narrator, managed: ManagedApp, { user, mark, begin: launched }: Launch) {
  let begin = launched;
  const outcome = await managed.launch({ username: user, kind: 'work' });
  const [delivered] = sim.journal.query({ name: 'intune.delivered', since: mark });
  story.detail(`It gets ${delivered!.fields.settings} settings of “${delivered!.fields.policies}”`);
  assertConnected(outcome);
  story.done('0', 'The app has its policies, and connects', `${delivered!.fields.settings} settings`, begin);
  const issued = sim.journal.query({ name: 'identity.token.issued', since: mark }).at(-1)!;
  story.action('1', `A token is needed: Entra ID issues one for ${issued.fields.audience}`);
  story.done('1', 'A token is needed', 'Entra ID issued one', begin);
  const [session] = sim.journal.query({ name: 'session.connect', since: mark });
  story.action('2', `The gateway accepts the token, inside TLS: session ${session!.fields.session}`);
  story.done('2', 'TLS, and the token', 'accepted', begin);
  begin = story.elapsed;
  const dtls = await waitForDtls(sim);
  story.action('3', dtls ? 'The data channel: DTLS over UDP' : 'The data channel: TLS, because UDP is blocked');
  story.done('3', 'The data channel', dtls ? 'DTLS' : 'TLS', begin);
  begin = story.elapsed;
  const asked = { name: 'resource.request', since: mark, fields: { protocol: 'tcp' } } as const;
  const { status, body } = await managed.fetch(PAGE, { headers: { accept: 'text/html' } });
  const { fields } = await sim.journal.waitFor(asked);
  story.action('4a', `The app wants ${PAGE}: ${fields.decision} (${fields.rule})`);
  story.done('4a', 'A connect request', fields.decision, begin);
  story.action('4b', `The page, trusted because of the policy's root certificate: HTTP ${status}`);
  for (const line of pageLines(body.toString())) story.detail(`| ${line}`);
  story.done('4b', 'The web request', `HTTP ${status}`, begin);
}

async function withoutPolicy(sim: Simulator, story: Narrator, missing: keyof SeedPolicies): Promise<void> {
  const begin = story.elapsed;
  story.turn(`Without the ${NAMES[missing]}`);
  const { app, user } = await createPolicies(sim, missing, () => {});
  const managed = managedApp(sim, app, user);
  const outcome = await launchAndFetch(managed, user).finally(() => managed.close());
  story.detail(`The tunnel: ${outcome.tunnel}. ${outcome.why}`);
  story.detail(`The user sees: ${outcome.seen}`);
  for (const { message, fix } of await (await sim.intune()).lint())
    story.detail(`tunnelite intune lint: ${message} ${fix}`);
  story.done('', `Without the ${NAMES[missing]}`, `tunnel ${outcome.tunnel}, no page`, begin);
}

async function launchAndFetch(managed: ManagedApp, user: string): Promise<AppOutcome & { readonly seen: string }> {
  const outcome = await managed.launch({ username: user, kind: 'work' });
  const seen = await managed.fetch(PAGE).then(
    ({ status }) => `HTTP ${status}`,
    (error: unknown) => errorText(error),
  );
  return { ...outcome, seen };
}

function assertConnected({ tunnel, why }: AppOutcome): void {
  if (tunnel !== 'connected') throw new TunneliteError('ERR_INTERNAL', `The demo's app has no tunnel: ${why}`);
}

/** The policies except one, for a group that contains the first user. */
async function createPolicies(sim: Simulator, missing: keyof SeedPolicies | undefined, told: (line: string) => void) {
  const facts = clientFacts(sim, { name: 'localhost', address: '127.0.0.1' });
  const { bundleId: app, user } = facts.identity!;
  const authorization = `Bearer ${await sim.token({ user, audience: GRAPH_RESOURCE_ID, scopes: SCOPES })}`;
  const post = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const url = new URL(path, sim.urls.authority);
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await exchange(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      ca: sim.ca,
      ...ANSWER_LIMITS,
    });
    if (answer.status < 300) return answer.body.length === 0 ? {} : JSON.parse(answer.body.toString());
    throw new TunneliteError('ERR_INTERNAL', `Graph refused the demo's ${path}: ${answer.body.toString()}`);
  };
  const group = await post('/v1.0/groups', { displayName: 'Tunnel users' });
  const { id } = sim.identity.directory.defaultTenant.users.get(user);
  await post(`/v1.0/groups/${group.id}/members/$ref`, {
    '@odata.id': `${new URL(sim.urls.authority).origin}/v1.0/directoryObjects/${id}`,
  });
  const { id: site } = (await sim.intune()).site;
  const policies = seedPolicies(facts, { app, platform: 'ios', group: String(group.id), site });
  for (const name of Object.keys(NAMES) as (keyof SeedPolicies)[]) {
    const { path, body } = policies[name];
    if (name === missing) continue;
    const made = await post(
      `/beta${path}`,
      name === 'appConfiguration' && missing === 'trustedRoot' ? withoutRoots(body) : body,
    );
    told(`POST ${path}: “${made.displayName}” is ${made.id}`);
  }
  return { app, user };
}

/** A policy cannot refer to the certificate of a profile that does not exist. */
function withoutRoots(body: Readonly<Record<string, unknown>>): object {
  const settings = body.customSettings as readonly { readonly name: string }[];
  return { ...body, customSettings: settings.filter(({ name }) => !name.endsWith('.trusted_root_certificates')) };
}

function managedApp(sim: Simulator, app: string, user: string): ManagedApp {
  const token = async (scope: string): Promise<string> => (await signIn(sim, user, scope)).accessToken ?? '';
  return new ManagedApp({
    app,
    platform: 'ios',
    device: { ca: sim.ca },
    policies: async () =>
      appConfiguration({
        authority: sim.urls.authority,
        token: await token(`${MAM_RESOURCE_ID}/.default`),
        app,
        platform: 'ios',
        ca: sim.ca,
      }),
    token: () => token(TUNNEL_DEFAULT_SCOPE),
  });
}
