import type { FaultPorts, ResourceKind } from '../faults/ports.ts';
import type { ConnectRequest, Decision, ResourceTarget } from './types.ts';

/** The policy's decision, possibly changed by the fault plan. */
export function withFault({ resource }: FaultPorts, request: ConnectRequest, decision: Decision): Decision {
  const { requester, destination, protocol } = request;
  const fault = resource?.({
    session: requester.session,
    person: requester.person,
    name: destination.host ?? destination.address,
    port: destination.port,
    protocol,
    target: decision.allow ? kindOf(decision.target) : undefined,
  });
  if (fault === undefined) return decision;
  if (fault.kind === 'refuse') {
    return { allow: false, rule: 'fault', explanation: fault.explanation, answer: fault.answer };
  }
  const { kind: _, ...shape } = fault;
  return decision.allow ? { ...decision, shape } : decision;
}

/** Services of web sites are named `<name>-http` and `<name>-https`. */
function kindOf(target: ResourceTarget): ResourceKind | undefined {
  if (target.kind === 'upstream') return 'upstream';
  if (target.kind === 'echo') return undefined;
  return /-https?$/.test(target.service) ? 'http' : 'service';
}
