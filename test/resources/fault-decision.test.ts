import t from 'tap';
import type { FaultPorts, ResourceFacts, ResourceFault } from '../../src/faults/ports.ts';
import { noFaults } from '../../src/faults/ports.ts';
import { withFault } from '../../src/resources/fault-decision.ts';
import type { ConnectRequest, Decision, ResourceTarget } from '../../src/resources/types.ts';

const REQUEST: ConnectRequest = {
  id: 'r1',
  trace: '0af7651916cd43dd8448eb211c80319c',
  protocol: 'tcp',
  channel: 'dtls',
  requester: { session: 's1', person: undefined },
  source: { address: '169.254.0.2', port: 40_000 },
  destination: { address: '10.20.0.10', port: 443, host: 'intranet', names: ['intranet'], isVirtual: false },
};

const allowed = (target: ResourceTarget): Decision => ({ allow: true, rule: 'r', explanation: 'It is there.', target });
const DENIED: Decision = { allow: false, rule: 'default-deny', explanation: 'No rule.', answer: 'prohibited' };
const UPSTREAM: ResourceTarget = { kind: 'upstream', id: 'u1', host: 'www.example.com', port: 443, local: false };

/** A plan with one rule, and what it was told. */
function plan(fault?: ResourceFault): { ports: FaultPorts; told: ResourceFacts[] } {
  const told: ResourceFacts[] = [];
  const resource = (facts: ResourceFacts): ResourceFault | undefined => {
    told.push(facts);
    return fault;
  };
  return { ports: { ...noFaults, resource }, told };
}

t.test('the plan is told what kind of thing a request reaches', async (t) => {
  const { ports, told } = plan();
  const targets: readonly ResourceTarget[] = [
    UPSTREAM,
    { kind: 'echo' },
    { kind: 'service', service: 'intranet-http' },
    { kind: 'service', service: 'intranet-https' },
    { kind: 'service', service: 'dns' },
  ];
  for (const target of targets) withFault(ports, REQUEST, allowed(target));
  withFault(ports, REQUEST, DENIED);
  t.strictSame(
    told.map(({ target }) => target),
    ['upstream', undefined, 'http', 'http', 'service', undefined],
  );
  t.match(told[0], { session: 's1', name: 'intranet', port: 443, protocol: 'tcp' });
});

t.test('a destination without a name is told by its address', async (t) => {
  const { ports, told } = plan();
  withFault(ports, { ...REQUEST, destination: { ...REQUEST.destination, host: undefined, names: [] } }, DENIED);
  t.equal(told[0]!.name, '10.20.0.10');
});

t.test('a slow line is part of what is allowed, and makes nothing of what is denied', async (t) => {
  const { ports } = plan({ kind: 'shape', kbps: 64, delay: 100 });
  const decision = allowed(UPSTREAM);
  t.strictSame(withFault(ports, REQUEST, decision), { ...decision, shape: { kbps: 64, delay: 100 } });
  t.equal(withFault(ports, REQUEST, DENIED), DENIED);
});

t.test('a refusal of the plan replaces the decision; without a fault it stands', async (t) => {
  const { ports } = plan({ kind: 'refuse', answer: 'host-unreachable', explanation: 'Maintenance.' });
  t.strictSame(withFault(ports, REQUEST, allowed(UPSTREAM)), {
    allow: false,
    rule: 'fault',
    explanation: 'Maintenance.',
    answer: 'host-unreachable',
  });
  const decision = allowed(UPSTREAM);
  t.equal(withFault(noFaults, REQUEST, decision), decision);
  t.equal(withFault(plan().ports, REQUEST, decision), decision);
});
