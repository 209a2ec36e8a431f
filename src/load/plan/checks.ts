import { isIPv4 } from 'node:net';
import { durationText, parseDuration } from '../../lib/duration.ts';
import type { Path, Problem } from '../../lib/schema/index.ts';
import { flowTarget } from './flow-target.ts';
import { isThreshold, parseThreshold } from './threshold.ts';
import type { LoadPhase, LoadPlan } from './types.ts';

/** Ours: longest run, in milliseconds, and a request rate that one process cannot reach. */
const MAX_RUN_MS = 7 * 86_400_000;
const MAX_REQUESTS = 100_000;
/** Ours: clients of one process. Each needs two descriptors and ports of the machine. */
const MAX_CLIENTS = 100_000;
/** Ours: shortest phase, and shortest request period, in milliseconds. */
const MIN_PHASE_MS = 100;
const MIN_PERIOD_MS = 10;

/**
 * Members of a plan that contradict each other, in words and with the member's location.
 * @param workers number of processes that run it
 */
export function planProblems(plan: LoadPlan, workers: number): Problem[] {
  return [
    ...sizeProblems(plan, workers),
    ...loginProblems(plan),
    ...trafficProblems(plan, workers),
    ...clientProblems(plan),
    ...phasesProblems(plan),
  ];
}

function sizeProblems({ clients }: LoadPlan, workers: number): Problem[] {
  const path = ['clients'];
  if (clients < workers) {
    return [{ path, message: `some of ${workers} workers would have no client`, expected: `${workers} or more` }];
  }
  if (clients <= MAX_CLIENTS * workers) return [];
  const message = `${clients} clients are too many for ${workers === 1 ? 'one process' : `${workers} workers`}`;
  const hint = `Run it on ${Math.ceil(clients / MAX_CLIENTS)} workers or more (--worker).`;
  return [{ path, message, hint }];
}

function loginProblems({ token, password, source }: LoadPlan): Problem[] {
  const problems: Problem[] = [];
  const given = Object.keys(token ?? {});
  if (given.length > 1) {
    problems.push({
      path: ['token', given[1]!],
      atKey: true,
      message: 'there is more than one source of tokens',
      expected: 'one of users, file and command',
    });
  }
  if (token !== undefined && password !== undefined) {
    problems.push({
      path: ['password'],
      atKey: true,
      message: 'clients log in with either a token or a password',
      hint: 'Remove one of the two.',
    });
  }
  if (source !== undefined && !source.startsWith('127.')) {
    problems.push({
      path: ['source'],
      message: `${source} is not in the loopback network`,
      expected: 'a network in 127.0.0.0/8, such as 127.1.0.0/16',
    });
  }
  return problems;
}

function trafficProblems({ traffic, flows, clients, lag }: LoadPlan, workers: number): Problem[] {
  const problems: Problem[] = [];
  for (const [path, every, share] of [
    [['traffic', 'every'], traffic?.every, 1],
    [['flows', 'every'], flows?.every, flows?.share ?? 1],
  ] as const) {
    if (every === undefined) continue;
    const period = parseDuration(every);
    if (period < MIN_PERIOD_MS)
      problems.push({ path, message: 'this is too often', expected: `${MIN_PERIOD_MS}ms or more` });
    else if ((clients * share * 1000) / period / workers > MAX_REQUESTS) {
      const rate = Math.round((clients * share * 1000) / period / workers);
      problems.push({
        path,
        message: `${clients} clients every ${every} are ${rate} requests per second${workers > 1 ? ' of each worker' : ''}, more than one process can send`,
        hint: 'Use fewer clients, a longer period, or more workers (--worker).',
      });
    }
  }
  const ping = traffic?.ping;
  if (ping !== undefined && ping !== 'gateway' && !isIPv4(ping)) {
    problems.push({
      path: ['traffic', 'ping'],
      message: `“${ping.slice(0, 60)}” cannot be pinged`,
      expected: 'an IPv4 address, or gateway',
    });
  }
  if (flows && flowTarget(flows.to) === undefined) {
    problems.push({
      path: ['flows', 'to'],
      message: `“${flows.to.slice(0, 60)}” is not an address of a service`,
      expected: 'host:port, such as tcpecho.contoso.internal:7',
    });
  }
  if (lag !== undefined && parseDuration(lag) < 1)
    problems.push({ path: ['lag'], message: 'every generator is sometimes late', expected: '1ms or more' });
  return problems;
}

function clientProblems({ client }: LoadPlan): Problem[] {
  if (!client) return [];
  const problems: Problem[] = [];
  if (client.dtlsRetry) {
    const [first, most] = client.dtlsRetry.map((one) => parseDuration(one)) as [number, number];
    if (first < 100)
      problems.push({ path: ['client', 'dtlsRetry', 0], message: 'this is too often', expected: '100ms or more' });
    if (most < first)
      problems.push({
        path: ['client', 'dtlsRetry', 1],
        message: 'the longest pause is shorter than the first',
        expected: `${client.dtlsRetry[0]} or more`,
      });
  }
  if (client.timeout !== undefined && parseDuration(client.timeout) < 1000) {
    problems.push({
      path: ['client', 'timeout'],
      message: 'the time is too short to connect',
      expected: '1s or more',
    });
  }
  return problems;
}

/** Kinds of phases that require datagrams. */
const NEEDS_DTLS = new Set(['udp blackout', 'partial loss', 'return']);

function phasesProblems(plan: LoadPlan): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  let total = 0;
  let loggedIn = false;
  let impaired = false;
  for (const [i, phase] of plan.phases.entries()) {
    const path: Path = ['phases', i];
    problems.push(...phaseProblems(phase, path));
    if (phase.name !== undefined) {
      const other = names.get(phase.name);
      if (other !== undefined)
        problems.push({ path: [...path, 'name'], message: `phases[${other}] already has this name` });
      else names.set(phase.name, i);
    }
    total += parseDuration(phase.for);
    const at: Path = [...path, 'phase'];
    if (phase.phase === 'login storm') loggedIn = true;
    else if (!loggedIn) {
      problems.push({
        path: at,
        message: `before the first login, a ${phase.phase} has no clients`,
        hint: 'Begin with a login storm.',
      });
    }
    if (plan.client?.dtls === 'off' && NEEDS_DTLS.has(phase.phase)) {
      problems.push({ path: at, message: `with client.dtls: off, a ${phase.phase} has no effect` });
    }
    if (phase.phase === 'return' && !impaired) {
      problems.push({
        path: at,
        message: 'there was no loss before to recover from',
        hint: 'Add a udp blackout or a partial loss before it.',
      });
    }
    impaired =
      phase.phase === 'udp blackout' || phase.phase === 'partial loss' || (impaired && phase.phase !== 'return');
  }
  if (total > MAX_RUN_MS) {
    problems.push({
      path: ['phases'],
      message: `all phases together last ${durationText(total)}`,
      expected: `${durationText(MAX_RUN_MS)} at most`,
    });
  }
  return [...problems, ...thresholdProblems(plan.thresholds, [])];
}

function phaseProblems(phase: LoadPhase, path: Path): Problem[] {
  const problems: Problem[] = [];
  const length = parseDuration(phase.for);
  const only = (key: 'loss' | 'how' | 'cookies', kind: string): void => {
    if (phase[key] !== undefined && phase.phase !== kind) {
      problems.push({ path: [...path, key], atKey: true, message: `only a ${kind} has this` });
    }
  };
  only('loss', 'partial loss');
  only('how', 'node loss');
  only('cookies', 'node loss');
  if (length < MIN_PHASE_MS)
    problems.push({ path: [...path, 'for'], message: 'this is too short', expected: `${MIN_PHASE_MS}ms or more` });
  if (phase.phase === 'partial loss' && phase.loss === undefined) {
    problems.push({
      path: [...path, 'phase'],
      message: 'the amount of loss is missing',
      hint: 'Set loss, such as 0.3 for 30 %.',
    });
  }
  if (phase.phase === 'steady') {
    for (const key of ['arrivals', 'share'] as const) {
      if (phase[key] !== undefined)
        problems.push({ path: [...path, key], atKey: true, message: 'a steady phase has no arrivals' });
    }
  }
  if (phase.warmup !== undefined && parseDuration(phase.warmup) >= length) {
    problems.push({
      path: [...path, 'warmup'],
      message: 'nothing of the phase is left after its warm-up',
      expected: `less than ${phase.for}`,
    });
  }
  const { arrivals } = phase;
  if (typeof arrivals === 'object' && 'ramp' in arrivals && arrivals.ramp[0] === 0 && arrivals.ramp[1] === 0) {
    problems.push({ path: [...path, 'arrivals', 'ramp'], message: 'from 0 to 0, no client arrives' });
  }
  return [...problems, ...thresholdProblems(phase.thresholds, path)];
}

function thresholdProblems(thresholds: readonly string[] | undefined, path: Path): Problem[] {
  return (thresholds ?? []).flatMap((text, i) => {
    const read = parseThreshold(text);
    return isThreshold(read) ? [] : [{ path: [...path, 'thresholds', i], ...read }];
  });
}
