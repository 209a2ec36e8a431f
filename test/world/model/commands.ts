import fc from 'fast-check';
import { CLIENTS, type Model, type Reference, type Stage, sessionOver, wayChanged } from './stage.ts';

type Command = fc.AsyncCommand<Model, Stage, true>;

interface Kind {
  /** Whether it can be done to the client at all. */
  readonly can?: (reference: Reference) => boolean;
  readonly run: (stage: Stage, index: number, reference: Reference, model: Model) => unknown;
}

/** What can happen to a client, and what that means for what must hold of it. */
const KINDS = {
  login: {
    can: ({ wanted }) => !wanted,
    run: (stage, index, reference) => {
      reference.wanted = true;
      sessionOver(reference);
      // In a bad network it comes to nothing, and the client tries again.
      stage
        .client(index)
        .connect()
        .catch(() => undefined);
    },
  },
  disconnect: {
    can: ({ wanted }) => wanted,
    run: (stage, index, reference) => {
      reference.wanted = false;
      sessionOver(reference);
      void stage.client(index).disconnect();
    },
  },
  fetch: {
    can: ({ wanted }) => wanted,
    run: (stage, index, _reference, model) => stage.fetch(model, index),
  },
  cutUdp: {
    can: ({ udp, net }) => udp && net,
    run: (stage, index, reference) => {
      reference.udp = false;
      stage.client(index).cutUdp();
    },
  },
  restoreUdp: {
    can: ({ udp, net }) => !udp && net,
    run: (stage, index, reference) => {
      reference.udp = true;
      stage.client(index).restoreUdp();
    },
  },
  cut: {
    can: ({ net }) => net,
    run: (stage, index, reference) => {
      reference.net = false;
      stage.client(index).cut();
      wayChanged(reference, stage.world.now);
    },
  },
  restore: {
    can: ({ net }) => !net,
    run: (stage, index, reference) => {
      reference.net = true;
      reference.udp = true;
      stage.client(index).restore();
      wayChanged(reference, stage.world.now);
    },
  },
  rebind: { run: (stage, index) => stage.client(index).rebind() },
  roam: { can: ({ awake }) => awake, run: (stage, index) => stage.client(index).roam() },
  rekey: { can: ({ wanted }) => wanted, run: (stage, index) => stage.client(index).rekey() },
  suspend: {
    can: ({ awake }) => awake,
    run: (stage, index, reference) => {
      reference.awake = false;
      stage.client(index).suspend();
      wayChanged(reference, stage.world.now);
    },
  },
  resume: {
    can: ({ awake }) => !awake,
    run: (stage, index, reference) => {
      reference.awake = true;
      stage.client(index).resume();
      wayChanged(reference, stage.world.now);
    },
  },
  expireToken: { run: (stage, index) => stage.expireToken(index) },
  /** An administrator ends its session: the cookie is of no use any more. */
  terminate: {
    can: ({ wanted }) => wanted,
    run: (stage, index, reference) => {
      const { address } = stage.client(index);
      const session = address === undefined ? undefined : stage.world.sim.gateway.sessionAt(address);
      if (session === undefined) return;
      sessionOver(reference);
      stage.world.sim.gateway.disconnect(session.id);
    },
  },
} as const satisfies Record<string, Kind>;

type KindName = keyof typeof KINDS;

/** Something happens to a client, and then some time passes. */
class ClientCommand implements Command {
  readonly #name: KindName;
  readonly #index: number;
  readonly #wait: number;

  constructor(name: KindName, index: number, wait: number) {
    this.#name = name;
    this.#index = index;
    this.#wait = wait;
  }

  get #kind(): Kind {
    return KINDS[this.#name];
  }

  async check(model: Readonly<Model>): Promise<boolean> {
    return this.#kind.can?.(model[this.#index]!) ?? true;
  }

  async run(model: Model, stage: Stage): Promise<void> {
    this.#kind.run(stage, this.#index, model[this.#index]!, model);
    await stage.pass(model, this.#wait);
  }

  toString(): string {
    return `${this.#name}(${this.#index}) ${this.#wait}ms`;
  }
}

class RestartCommand implements Command {
  readonly #cookies: 'keep' | 'lose';
  readonly #wait: number;

  constructor(cookies: 'keep' | 'lose', wait: number) {
    this.#cookies = cookies;
    this.#wait = wait;
  }

  async check(): Promise<boolean> {
    return true;
  }

  async run(model: Model, stage: Stage): Promise<void> {
    if (this.#cookies === 'lose') for (const reference of model) sessionOver(reference);
    await stage.world.until(stage.world.sim.gateway.restart({ cookies: this.#cookies }));
    await stage.pass(model, this.#wait);
  }

  toString(): string {
    return `restart(${this.#cookies}) ${this.#wait}ms`;
  }
}

class SettleCommand implements Command {
  async check(): Promise<boolean> {
    return true;
  }

  run(model: Model, stage: Stage): Promise<void> {
    return stage.settle(model);
  }

  toString(): string {
    return 'settle';
  }
}

/** Mostly short: what comes next meets what is not over yet. */
const wait = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 40_000, max: 400_000 }) },
);
const index = fc.nat({ max: CLIENTS - 1 });

export const commands = (replayPath: string | undefined): fc.Arbitrary<Iterable<Command>> =>
  fc.commands<Model, Stage, true>(
    [
      ...(Object.keys(KINDS) as KindName[]).map((name) =>
        fc.tuple(index, wait).map(([i, ms]) => new ClientCommand(name, i, ms)),
      ),
      // What most of a life is made of.
      ...(['login', 'login', 'fetch', 'fetch'] as const).map((name) =>
        fc.tuple(index, wait).map(([i, ms]) => new ClientCommand(name, i, ms)),
      ),
      fc.tuple(fc.constantFrom('keep', 'lose'), wait).map(([cookies, ms]) => new RestartCommand(cookies, ms)),
      fc.constant(new SettleCommand()),
    ],
    { size: '+1', maxCommands: 40, ...(replayPath === undefined ? {} : { replayPath }) },
  );
