import { addressBytes } from '../lib/ip-address.ts';
import { rangeTest } from '../lib/ip-range.ts';
import type { Person } from '../lib/person.ts';
import { fits, namePattern } from './name-patterns.ts';
import type { ConnectRequest, Decision, RefusalAnswer, ResourceProtocol } from './types.ts';

/** Known properties of a device. */
export type DeviceState = 'compliant' | 'noncompliant' | 'managed' | 'unmanaged' | 'unknown';

/** One access rule. An empty list matches anything; all parts of a rule must match. */
export interface AccessRule {
  readonly name?: string | undefined;
  /** Name in explanations, if it has no name. Default: its position in the configuration. */
  readonly place?: string | undefined;
  /** Name in the journal, if it has no name. Default: its position. */
  readonly id?: string | undefined;
  readonly action: 'allow' | 'deny';
  /** Addresses, CIDR ranges, host names, and wildcards such as `*.example.com`. */
  readonly match: readonly string[];
  readonly ports: readonly number[];
  readonly protocols: readonly ResourceProtocol[];
  /** Sign-in names, object IDs, or user names of the gateway. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** Client IDs. */
  readonly apps: readonly string[];
  /** One of them must match. */
  readonly devices: readonly DeviceState[];
}

export interface AccessSettings {
  /** Result when there are rules but none matches. */
  readonly otherwise: 'allow' | 'deny';
  readonly rules: readonly AccessRule[];
}

/** Data about users beyond their tokens. */
export interface PersonDirectory {
  /** IDs of a user's groups, in lower case; undefined if unknown. */
  groupsOf(person: Person): readonly string[] | undefined;
  deviceOf(person: Person): { readonly compliant: boolean; readonly managed: boolean } | undefined;
}

interface Compiled {
  readonly rule: AccessRule;
  /** Name in explanations. */
  readonly title: string;
  isAbout(request: ConnectRequest, address: Uint8Array): boolean;
  /** Why the rule does not match the user; undefined: it matches. */
  whyNot(person: Person | undefined): string | undefined;
}

/** Most rules to list in an explanation. */
const EXPLAINED = 3;

/** Access control: the first rule that matches the request and the user decides. Without rules, all users can reach everything reachable. */
export class AccessRules {
  readonly #directory: PersonDirectory;
  readonly #denyWith: () => RefusalAnswer;
  #settings: AccessSettings = { otherwise: 'allow', rules: [] };
  #rules: readonly Compiled[] = [];

  constructor(settings: AccessSettings, directory: PersonDirectory, denyWith: () => RefusalAnswer) {
    this.#directory = directory;
    this.#denyWith = denyWith;
    this.use(settings);
  }

  get settings(): AccessSettings {
    return this.#settings;
  }

  /** Applies new rules. */
  use(settings: AccessSettings): void {
    this.#settings = settings;
    this.#rules = settings.rules.map((rule, i) => this.#compile(rule, i));
  }

  /** @param reachable the decision if no rule denies it */
  decide(request: ConnectRequest, reachable: Decision): Decision {
    if (this.#rules.length === 0 || !reachable.allow) return reachable;
    const address = addressBytes(request.destination.address) ?? new Uint8Array();
    const { person } = request.requester;
    const near: string[] = [];
    for (const compiled of this.#rules) {
      if (!compiled.isAbout(request, address)) continue;
      const reason = compiled.whyNot(person);
      if (reason !== undefined) {
        if (compiled.rule.action === 'allow') near.push(`${compiled.title} is not for ${who(person)}: ${reason}`);
        continue;
      }
      const { title, rule } = compiled;
      if (rule.action === 'allow') {
        return { ...reachable, explanation: `${reachable.explanation} Access: ${title} allows it.` };
      }
      return this.#deny(
        `access ${rule.name ?? rule.id ?? title}`,
        `${title} denies ${shown(request)} to ${who(person)}.`,
      );
    }
    // Without names, nothing is reachable; a rule that denies it counts, though.
    const isDns = reachable.target.kind === 'service' && reachable.target.service === 'dns';
    if (this.#settings.otherwise === 'allow' || isDns) return reachable;
    const told = near.length === 0 ? 'no rule applies' : near.slice(0, EXPLAINED).join('; ');
    return this.#deny(
      'access',
      `No rule of resources.access allows ${shown(request)} to ${who(person)}: ${told}. Add a rule with action: allow, or change what is missing.`,
    );
  }

  #deny(rule: string, explanation: string): Decision {
    return { allow: false, rule, explanation, answer: this.#denyWith() };
  }

  #compile(rule: AccessRule, index: number): Compiled {
    const tests = rule.match.map(matchTest);
    const ports = new Set(rule.ports);
    const protocols = new Set(rule.protocols);
    const users = lower(rule.users);
    const groups = lower(rule.groups);
    const apps = lower(rule.apps);
    return {
      rule,
      title:
        rule.name === undefined ? (rule.place ?? `resources.access.rules[${index}]`) : `the access rule “${rule.name}”`,
      isAbout: ({ protocol, destination }, address) =>
        (protocols.size === 0 || protocols.has(protocol)) &&
        (ports.size === 0 || ports.has(destination.port)) &&
        (tests.length === 0 || tests.some((test) => test(destination, address))),
      whyNot: (person) => {
        if (users.size > 0 && !namesOf(person).some((name) => users.has(name))) {
          return `its users are ${listed(rule.users)}`;
        }
        const app = person?.facts?.app;
        if (apps.size > 0 && !(app !== undefined && apps.has(app.toLowerCase()))) {
          return app === undefined ? 'the token has no app' : `the token is for the app ${app}`;
        }
        return (groups.size > 0 ? this.#groupsWhyNot(person, groups) : undefined) ?? this.#deviceWhyNot(person, rule);
      },
    };
  }

  #groupsWhyNot(person: Person | undefined, wanted: ReadonlySet<string>): string | undefined {
    const groups = person && (person.facts?.groups ?? this.#directory.groupsOf(person));
    if (groups === undefined) {
      return 'the groups are unknown: the token has no groups claim, and the user is not in the directory';
    }
    return groups.some((group) => wanted.has(group)) ? undefined : `in none of the groups ${listed([...wanted])}`;
  }

  #deviceWhyNot(person: Person | undefined, { devices }: AccessRule): string | undefined {
    if (devices.length === 0) return undefined;
    const device = person && this.#directory.deviceOf(person);
    const states: DeviceState[] =
      device === undefined
        ? ['unknown']
        : [device.compliant ? 'compliant' : 'noncompliant', device.managed ? 'managed' : 'unmanaged'];
    if (devices.some((state) => states.includes(state))) return undefined;
    if (device !== undefined) return `the device is ${states.join(' and ')}`;
    return person?.facts?.device === undefined
      ? 'the device is unknown: the token has no deviceid claim, and the user has no device in the directory'
      : `the device ${person.facts.device} is not in the directory`;
  }
}

type Destination = ConnectRequest['destination'];

function matchTest(match: string): (destination: Destination, address: Uint8Array) => boolean {
  const isInRange = rangeTest(match);
  if (isInRange) return ({ isVirtual }, address) => !isVirtual && isInRange(address);
  const pattern = namePattern(match);
  return ({ names }) => pattern !== undefined && names.some((name) => fits(pattern, name.toLowerCase()));
}

function namesOf(person: Person | undefined): string[] {
  return [person?.username, person?.signInName, person?.objectId]
    .filter((name) => name !== undefined)
    .map((name) => name.toLowerCase());
}

function who(person: Person | undefined): string {
  return person?.signInName ?? person?.username ?? 'an unknown user';
}

function shown({ protocol, destination: { address, host = address, port } }: ConnectRequest): string {
  return port === 0 ? `pings to ${host}` : `${host} ${protocol} port ${port}`;
}

const lower = (texts: readonly string[]): ReadonlySet<string> => new Set(texts.map((text) => text.toLowerCase()));

const LISTED = 5;
const listed = (texts: readonly string[]): string =>
  texts.length > LISTED ? `${texts.slice(0, LISTED).join(', ')} and ${texts.length - LISTED} more` : texts.join(', ');
