import { createWorld, type Page, type World, type WorldClient } from '../../../src/world/index.ts';
import { JournalReplica } from './journal-replica.ts';

export const CLIENTS = 2;
const COOKIE_S = 300;

/** Whoever had a tunnel such a time ago has its session still: less than a cookie lives, by what it takes to notice a loss and to come back. */
const SURE_MS = 150_000;

/** After so long without any trouble everybody has the best that there is: the longest pauses between tries, and the tries. */
const SETTLE = '4m';

/** Milliseconds without a way that a page gets over. */
const PAGE_PATIENCE_MS = 10_000;

/** What must hold of one client, from nothing but what was done to it. */
export class Reference {
  wanted = false;
  udp = true;
  net = true;
  awake = true;
  /** The session that it has to have still, and when that was seen last. */
  kept: { readonly session: string; readonly address: string; readonly at: number } | undefined;
  /** When it lost its way; undefined while it has one. */
  wayLostAt: number | undefined;
  /** Pages of which nothing is known: their way or their session was taken away. */
  epoch = 0;

  get way(): boolean {
    return this.net && this.awake;
  }
}

interface PendingPage {
  readonly client: number;
  readonly epoch: number;
  readonly at: number;
  page: Page | undefined;
}

export type Model = readonly Reference[];
export const newModel = (): Model => Array.from({ length: CLIENTS }, () => new Reference());

/** The world under test, and what watches it. */
export class Stage implements AsyncDisposable {
  readonly world: World;
  readonly #journal = new JournalReplica(COOKIE_S * 1000);
  readonly #tokens: Tokens;
  #read = 0;
  #pages: PendingPage[] = [];

  private constructor(world: World, tokens: Tokens) {
    this.world = world;
    this.#tokens = tokens;
  }

  static async open(seed: number, loss: number): Promise<Stage> {
    const tokens = new Tokens();
    const world = await createWorld({
      seed,
      clients: CLIENTS,
      connect: false,
      nat: (['none', 'easy', 'hard'] as const)[seed % 3]!,
      link: { delay: 20, jitter: 10, loss },
      config: { gateway: { dpd: 10, cookieTimeout: COOKIE_S, sessionTimeout: null } },
      token: (client, refused) => tokens.get(world, client, refused),
    });
    return new Stage(world, tokens);
  }

  client(index: number): WorldClient {
    return this.world.clients[index]!;
  }

  /** The token that the client has from now on is of no use. */
  expireToken(client: number): void {
    this.#tokens.expired.add(client);
  }

  /** Begins to fetch a page, which has to come if its way and its session last. */
  fetch(model: Model, index: number): void {
    const client = this.client(index);
    if (!model[index]!.way || !client.connected) return;
    const pending: PendingPage = { client: index, epoch: model[index]!.epoch, at: this.world.now, page: undefined };
    this.#pages.push(pending);
    void client.fetch('/whoami', { timeout: '2m' }).then((page) => (pending.page = page));
  }

  /** Lets time pass, and compares. */
  async pass(model: Model, time: number | string): Promise<void> {
    await this.world.run(time);
    this.#compare(model);
  }

  /** Gives everybody a network, waits, and compares with the best that each can have. */
  async settle(model: Model): Promise<void> {
    for (const [i, reference] of model.entries()) {
      const client = this.client(i);
      if (!reference.net) {
        client.restore();
        if (!reference.udp) client.cutUdp();
        reference.net = true;
      }
      if (!reference.awake) client.resume();
      reference.awake = true;
    }
    await this.pass(model, SETTLE);
    for (const [i, reference] of model.entries()) {
      const client = this.client(i);
      equal(client.connected, reference.wanted, `client ${i} is connected`);
      if (!reference.wanted) continue;
      const page = await this.world.until(client.fetch());
      equal(page.status, 200, `client ${i} gets a page (${page.failure})`);
      equal(JSON.parse(page.body).source.address, client.address, `client ${i} is known by its address`);
      equal(client.channel, reference.udp ? 'dtls' : 'tls', `channel of client ${i}`);
      const session = this.world.sim.gateway.sessionAt(client.address!);
      equal(session?.dataChannel, reference.udp ? 'dtls' : 'cstp', `channel of client ${i} at the gateway`);
    }
    this.#compare(model);
    const wanted = model.filter((each) => each.wanted).length;
    const connected = this.world.sim.gateway.sessions().filter(({ state }) => state === 'connected').length;
    equal(connected, wanted, 'sessions that are connected');
    equal(this.#journal.count('auth.accepted') <= this.#tokens.good, true, 'no token was good that was not');
    equal(this.#journal.count('auth.refused') <= this.#tokens.bad, true, 'no token was refused that was good');
    equal(this.#pages.length, 0, 'pages that have neither come nor failed');
  }

  #compare(model: Model): void {
    const { world } = this;
    this.#journal.readAll(world.journal.query(), this.#read);
    this.#read = world.journal.query().at(-1)?.seq ?? 0;
    this.#compareJournal();
    for (const [i, reference] of model.entries()) this.#compareClient(i, reference);
    this.#comparePages(model);
  }

  /** What the journal tells is what there is. */
  #compareJournal(): void {
    const sessions = this.world.sim.gateway.sessions();
    const addresses = sessions.flatMap(({ address4 }) => address4 ?? []);
    equal(new Set(addresses).size, addresses.length, 'addresses that two sessions have');
    const there = sessions
      .filter(({ state }) => state === 'connected')
      .map(({ id, address4, dataChannel }) => `${id} ${address4} ${dataChannel}`);
    const told = this.#journal.live
      .filter(({ state }) => state === 'connected')
      .map(({ id, address4, channel }) => `${id} ${address4} ${channel}`);
    equal(told.sort().join(), there.sort().join(), 'sessions that the journal tells of');
    const left = sessions.filter(({ state }) => state === 'disconnected').map(({ id }) => id);
    const toldLeft = this.#journal.live.filter(({ state }) => state === 'left').map(({ id }) => id);
    equal(toldLeft.sort().join(), left.sort().join(), 'sessions without a tunnel that the journal tells of');
  }

  /** Session and address are kept, as long as the cookie is good. */
  #compareClient(index: number, reference: Reference): void {
    const client = this.client(index);
    const { address } = client;
    const now = this.world.now;
    if (!reference.wanted) equal(client.connected, false, `client ${index} is connected, and has left`);
    if (!client.connected || address === undefined) return;
    const session = this.world.sim.gateway.sessionAt(address);
    if (session === undefined || !reference.way) return;
    const { kept } = reference;
    if (kept && now - kept.at < SURE_MS) {
      equal(`${session.id} ${address}`, `${kept.session} ${kept.address}`, `session and address of client ${index}`);
    }
    reference.kept = { session: session.id, address, at: now };
  }

  #comparePages(model: Model): void {
    this.#pages = this.#pages.filter(({ client, epoch, at, page }) => {
      if (page === undefined) return true;
      const excused = model[client]!.epoch !== epoch;
      if (!excused) equal(page.status, 200, `the page of client ${client} at ${at} ms (${page.failure})`);
      return false;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.close();
  }
}

/** The reference after a way was lost or found again at `now`. Pages get over a short time without one. */
export function wayChanged(reference: Reference, now: number): void {
  if (reference.way) {
    if (reference.wayLostAt !== undefined && now - reference.wayLostAt > PAGE_PATIENCE_MS) reference.epoch++;
    reference.wayLostAt = undefined;
  } else {
    reference.wayLostAt ??= now;
  }
}

/** The session is over, and with it what was under way. */
export function sessionOver(reference: Reference): void {
  reference.kept = undefined;
  reference.epoch++;
}

/** What clients sign in with: a token of its own for each, which is asked for anew once it was refused. */
class Tokens {
  readonly expired = new Set<number>();
  /** Tokens that were handed out, of each kind. */
  good = 0;
  bad = 0;

  get(world: World, client: number, refused: boolean): Promise<string> {
    if (refused) this.expired.delete(client);
    if (!this.expired.has(client)) {
      this.good++;
      return world.sim.token();
    }
    this.bad++;
    return world.sim.token({ expiresIn: -60 });
  }
}

function equal(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new Error(`${what}: ${String(found)}, and not ${String(expected)}`);
}
