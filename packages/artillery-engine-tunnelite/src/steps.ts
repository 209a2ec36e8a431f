import type { Context, Done, Events, Helpers, Script, Step } from './artillery.ts';
import { LOGIN_MEMBERS, type LoginFiles, loginOf } from './login.ts';
import { ping, udp } from './probes.ts';
import { request } from './request.ts';
import { isMembers, type Members, membersOf, numberOf, oneOf, scriptError, timeOf } from './values.ts';
import type { VirtualUser } from './virtual-user.ts';

/** The input for creating steps. */
export interface StepParts {
  readonly script: Script;
  readonly settings: Members;
  readonly files: LoginFiles;
  readonly helpers: Helpers;
  readonly events: Events;
  /** The user who runs the flow. */
  readonly userOf: (context: Context) => VirtualUser;
}

/** The action of a step, with its templates filled in; `undefined` if the step has no value. */
type Action = (user: VirtualUser, value: unknown, context: Context, parts: StepParts) => void | Promise<void>;

const actions: Readonly<Record<string, Action>> = {
  connect: (user, value, context, { script, settings, files, helpers }) => {
    const own = membersOf(value ?? {}, 'connect', LOGIN_MEMBERS);
    const filled = helpers.template(settings, context) as Members;
    return user.connect(loginOf(filled, own, script.config.target, files));
  },
  request: (user, value, context, { helpers }) => request(user, value, context, helpers),
  ping,
  udp,
  awaitChannel: (user, value) => {
    const where = 'awaitChannel';
    const members = typeof value === 'string' ? { channel: value } : membersOf(value, where, ['channel', 'timeout']);
    const channel = oneOf(members, 'channel', where, ['dtls', 'tls']);
    if (channel === undefined) throw scriptError(`${where} needs a "channel": dtls or tls.`);
    return user.awaitChannel(channel, timeOf(members, 'timeout', where, 30));
  },
  blockUdp: (user, value) =>
    user.blockUdp(numberOf(optional(value, 'blockUdp', ['loss']), 'loss', 'blockUdp', [0, 1]) ?? 1),
  restoreUdp: (user, value) => {
    optional(value, 'restoreUdp', []);
    user.restoreUdp();
  },
  roam: (user, value) => user.roam(timeOf(optional(value, 'roam', ['timeout']), 'timeout', 'roam', 30)),
  rekey: (user, value) => user.rekey(timeOf(optional(value, 'rekey', ['timeout']), 'timeout', 'rekey', 30)),
  disconnect: async (user, value) => {
    optional(value, 'disconnect', []);
    void user.client;
    await user.disconnect();
  },
  log: (_user, value) => console.log(String(value)),
};

/** Steps that consist of other things than one action, and the members allowed next to their names. */
const COMPOUND: Readonly<Record<string, readonly string[]>> = {
  think: ['jitter'],
  loop: ['count', 'over', 'whileTrue', 'loopValue', 'loopElement'],
  function: [],
};

/** The names of all steps. */
export const STEP_NAMES: readonly string[] = [...Object.keys(actions), ...Object.keys(COMPOUND)];

/**
 * The steps of a flow. Reports mistakes before the first user arrives, as far as they are visible despite templates.
 * @throws EngineError `ERR_ENGINE_SCRIPT`
 */
export function compileFlow(flow: unknown, where: string, parts: StepParts): readonly Step[] {
  if (!Array.isArray(flow)) throw scriptError(`${where} has no list of steps.`);
  return flow.flat().map((spec: unknown, index) => compileStep(spec, `step ${index + 1} of ${where}`, parts));
}

function compileStep(spec: unknown, where: string, parts: StepParts): Step {
  // `- disconnect` is a string, `- disconnect:` an object with an empty value.
  const members: unknown = typeof spec === 'string' ? { [spec]: undefined } : spec;
  if (!isMembers(members)) throw scriptError(`${where} is not a step. Steps are ${STEP_NAMES.join(', ')}.`);
  const name = Object.keys(members).find((each) => STEP_NAMES.includes(each));
  const beside = Object.keys(members).filter((each) => each !== name);
  if (name === undefined) {
    throw scriptError(`${where} is "${beside.join(', ')}", which is no step. Steps are ${STEP_NAMES.join(', ')}.`);
  }
  const stray = beside.find((each) => !COMPOUND[name]?.includes(each));
  if (stray !== undefined) throw scriptError(`${where}, ${name}, has "${stray}" beside it, which means nothing there.`);
  if (name === 'think') return parts.helpers.createThink(members, parts.script.config.defaults?.['think'] ?? {});
  if (name === 'loop') return loop(members, where, parts);
  if (name === 'function') return processorFunction(members['function'], where, parts);
  const action = actions[name]!;
  const value = members[name];
  return fromAction(async (context) => {
    const filled = value === undefined || value === null ? undefined : parts.helpers.template(value, context);
    await action(parts.userOf(context), filled, context, parts);
  });
}

function loop(members: Members, where: string, parts: StepParts): Step {
  const { loop: flow, count, over, whileTrue, loopValue, loopElement } = members;
  const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
  const condition = whileTrue === undefined ? undefined : functionOf(whileTrue, where, parts);
  return parts.helpers.createLoopWithCount(count ?? -1, compileFlow(flow, `the loop in ${where}`, parts), {
    loopValue: text(loopValue, '$loopCount'),
    loopElement: text(loopElement, '$loopElement'),
    ...(over !== undefined && { overValues: over }),
    ...(condition !== undefined && { whileTrue: condition }),
  });
}

type ProcessorFunction = (context: Context, events: Events, done?: Done) => unknown;

/** A function of the script's `processor`, with a callback or asynchronous. */
function processorFunction(name: unknown, where: string, parts: StepParts): Step {
  const called = functionOf(name, where, parts);
  return fromAction(async (context) => {
    if (called.constructor.name === 'AsyncFunction') {
      await called(context, parts.events);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      called(context, parts.events, (error) => (error ? reject(error) : resolve()));
    });
  });
}

function functionOf(name: unknown, where: string, { script }: StepParts): ProcessorFunction {
  const { processor = {} } = script.config;
  const found = typeof name === 'string' ? processor[name] : undefined;
  if (typeof found === 'function') return found as ProcessorFunction;
  throw scriptError(`${where} names the function "${String(name)}", which the script's "processor" does not export.`);
}

function fromAction(action: (context: Context) => Promise<void>): Step {
  return (context, done) => {
    action(context).then(
      () => done(null, context),
      (error: unknown) => done(error, context),
    );
  };
}

function optional(value: unknown, where: string, allowed: readonly string[]): Members {
  return membersOf(value ?? {}, where, allowed);
}
