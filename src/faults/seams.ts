import { INNER_KINDS } from '../config/fault-actions.ts';
import { DNS_KINDS } from '../config/fault-dns-actions.ts';
import type { FaultRule } from '../config/fault-schema.ts';
import { HANDSHAKE_ACTIONS } from '../config/fault-tls.ts';
import type { Clock } from '../lib/clock.ts';
import type { Person } from '../lib/person.ts';
import type { DatagramGate } from '../udp/index.ts';
import { DatagramActions } from './datagram-actions.ts';
import { RuleGate } from './datagram-gate.ts';
import { Lane } from './lane.ts';
import { listOf } from './matcher.ts';
import { dnsFault, explanationOf, httpFault, resourceFault, streamFault } from './outcomes.ts';
import type { FaultPorts, TcpFaults } from './ports.ts';
import type { Rule } from './rule.ts';
import type { Passing } from './types.ts';

/**
 * Where faults are injected: each seam has a lane with its rules, and a port, which exists only while the lane has rules. A seam without a
 * rule therefore costs one comparison.
 */
export abstract class FaultSeams implements FaultPorts {
  readonly #actions: DatagramActions;
  readonly #wire = new Lane();
  readonly #inner = new Lane();
  readonly #network = new Lane();
  readonly #streams = new Lane();
  readonly #decisions = new Lane();
  readonly #resources = new Lane();
  readonly #questions = new Lane();
  readonly #requests = new Lane();
  readonly #handshakes = new Lane();
  readonly #wireGate: DatagramGate;
  readonly #innerGate: DatagramGate;
  readonly #networkGate: DatagramGate;
  /** Faults for datagrams on the wire; undefined without rules. @internal */
  datagrams: DatagramGate | undefined;
  /** Faults for connections at their state changes. @internal */
  stream: FaultPorts['stream'];
  /** Faults for requests to the built-in Entra ID. @internal */
  http: FaultPorts['http'];
  /** Faults for TLS handshakes. @internal */
  handshake: FaultPorts['handshake'];
  /** Faults that override decisions. @internal */
  decision: FaultPorts['decision'];
  /** Faults for packets of the data channel, before encryption and after decryption. @internal */
  packets: DatagramGate | undefined;
  /** Faults for the bytes of connections. @internal */
  tcp: TcpFaults | undefined;
  /** Faults for IP packets in the tunnel. @internal */
  ipPackets: DatagramGate | undefined;
  /** Faults for requests for resources. @internal */
  resource: FaultPorts['resource'];
  /** Faults for queries to the tunnel's resolver. @internal */
  dns: FaultPorts['dns'];

  constructor(machine: Clock) {
    const personOf = (session: string): Person | undefined => this.personOf(session);
    this.#actions = new DatagramActions(machine);
    this.#wireGate = new RuleGate('wire', this.#wire, this.#actions, personOf);
    this.#innerGate = new RuleGate('channel', this.#inner, this.#actions, personOf);
    this.#networkGate = new RuleGate('network', this.#network, this.#actions, personOf);
  }

  /** The user of a session. @internal */
  protected abstract personOf(session: string): Person | undefined;

  /** Forgets the ports by which a rule identified clients. @internal */
  protected forgetPorts(rule: Rule): void {
    this.#actions.forget(rule);
  }

  /** The lanes for the items that a rule selects; none if it is not about single items. The selector must name all kinds. @internal */
  protected lanesOf({ on, then }: FaultRule): readonly Lane[] {
    const kinds = listOf(on.kind) ?? [];
    switch (on.seam) {
      case 'tcp':
        return [];
      case 'http':
        return [this.#requests];
      case 'dns':
        return [this.#questions];
      case 'packet':
        return [this.#network];
      case 'udp':
        if (then.do === 'reject') return [];
        return [kinds.some((kind) => INNER_KINDS.includes(kind)) ? this.#inner : this.#wire];
      case 'decision': {
        if (HANDSHAKE_ACTIONS.includes(then.do)) return [this.#handshakes];
        const other = then.do === 'refuse' || then.do === 'pool_exhausted' ? this.#decisions : this.#streams;
        return [...new Set(kinds.map((kind) => (kind === 'resource' ? this.#resources : other)))];
      }
    }
  }

  /** Opens exactly those seams that have rules. @internal */
  protected showSeams(tcp: TcpFaults & { readonly size: number }): void {
    this.datagrams = this.#wire.size > 0 ? this.#wireGate : undefined;
    this.tcp = tcp.size > 0 ? tcp : undefined;
    this.packets = this.#inner.size > 0 ? this.#innerGate : undefined;
    this.ipPackets = this.#network.size > 0 ? this.#networkGate : undefined;
    this.resource = this.#resources.size > 0 ? this.#atResource : undefined;
    this.dns = this.#questions.size > 0 ? this.#atQuestion : undefined;
    this.http = this.#requests.size > 0 ? this.#atRequest : undefined;
    this.handshake = this.#handshakes.size > 0 ? this.#atHandshake : undefined;
    this.stream = this.#streams.size > 0 ? this.#atStream : undefined;
    this.decision = this.#decisions.size > 0 ? this.#atDecision : undefined;
  }

  readonly #atStream: NonNullable<FaultPorts['stream']> = (point, facts) => {
    const passing: Passing = { seam: 'decision', kind: point, ...facts };
    const rule = this.#streams.decide(passing);
    const act = rule && streamFault(rule);
    if (act !== undefined) rule!.strike(passing);
    return act;
  };

  readonly #atRequest: NonNullable<FaultPorts['http']> = (endpoint) => {
    const passing: Passing = { seam: 'http', kind: endpoint };
    const rule = this.#requests.decide(passing);
    rule?.strike(passing);
    return rule && httpFault(rule, endpoint);
  };

  readonly #atResource: NonNullable<FaultPorts['resource']> = (facts) => {
    const passing: Passing = { seam: 'decision', kind: 'resource', ...facts };
    const rule = this.#resources.decide(passing);
    rule?.strike(passing);
    return rule && resourceFault(rule);
  };

  readonly #atQuestion: NonNullable<FaultPorts['dns']> = ({ type, ...facts }) => {
    const passing: Passing = { seam: 'dns', kind: DNS_KINDS.includes(type) ? type : 'other', ...facts };
    const rule = this.#questions.decide(passing);
    rule?.strike(passing);
    return rule && dnsFault(rule);
  };

  readonly #atHandshake: NonNullable<FaultPorts['handshake']> = (facts) => {
    const passing: Passing = { seam: 'decision', kind: 'tls', ...facts };
    const rule = this.#handshakes.decide(passing);
    rule?.strike(passing);
    return rule?.action;
  };

  readonly #atDecision: NonNullable<FaultPorts['decision']> = (point, facts) => {
    const passing: Passing = { seam: 'decision', kind: point, ...facts };
    const rule = this.#decisions.decide(passing);
    if (rule === undefined) return undefined;
    rule.strike(passing);
    return { kind: 'refuse', explanation: explanationOf(rule) };
  };
}
