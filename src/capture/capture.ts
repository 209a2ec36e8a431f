import {
  LinkType,
  packetBlockLength,
  pcapngHeader,
  pcapngInterface,
  pcapngPacket,
  pcapngSecrets,
  textPdu,
  writePacketBlock,
} from '../wire/pcapng.ts';
import { BlockList } from './block-list.ts';
import type { CaptureDirection } from './ports.ts';
import { BlockRing } from './ring.ts';
import type { CaptureLayers, CaptureStatus } from './types.ts';

/** Most interfaces of one capture: further sessions share one. Own choice. */
const MAX_INTERFACES = 2_000;
const MAX_INTERFACE_BYTES = 1024 * 1024;

/** Bytes of keys to keep: enough for about 8,000 connections. Own choice. */
const MAX_SECRET_BYTES = 8 * 1024 * 1024;

/** Longest note, in characters. */
const MAX_NOTE = 2_000;

/** A packet with generated headers: `head` precedes `buffer[offset, offset + length)`. */
export interface Frame {
  readonly time: number;
  readonly direction: CaptureDirection;
  readonly head: Buffer;
  readonly headLength: number;
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
}

interface CaptureParts {
  readonly id: string;
  readonly layers: CaptureLayers;
  readonly session: string | undefined;
  /** Bytes. */
  readonly ring: number;
  readonly size: number | undefined;
  readonly startedAt: number;
  /** Wireshark shows it as the application that wrote the file. */
  readonly application: string;
  /** Called once, when the capture ends. */
  readonly onStop: (reason: string) => void;
}

/** One capture in memory: its latest packets, and everything needed to read them. */
export class Capture {
  readonly id: string;
  readonly layers: CaptureLayers;
  /** Short ID of the only session to capture. */
  readonly session: string | undefined;
  readonly section: Buffer;
  readonly ring: BlockRing;
  readonly interfaces = new BlockList(MAX_INTERFACE_BYTES);
  readonly secrets = new BlockList(MAX_SECRET_BYTES);
  readonly #parts: CaptureParts;
  /** Interface numbers by session; '' = not yet known. */
  readonly #numbers = { inner: new Map<string, number>(), outer: new Map<string, number>() };
  #interfaceCount = 0;
  /** Position of the latest packet in the ring. */
  #keysGo = 0;
  #bytes = 0;
  #stopped = false;
  readonly #listeners = new Set<() => void>();
  #scheduled = false;

  constructor(parts: CaptureParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.layers = parts.layers;
    this.session = parts.session;
    this.ring = new BlockRing(parts.ring);
    this.section = pcapngHeader(parts.application, []);
    this.#describe('journal', LinkType.UpperPdu);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  get status(): CaptureStatus {
    const { id, layers, session, ring } = this;
    return {
      id,
      state: this.#stopped ? 'stopped' : 'running',
      layers,
      session,
      startedAt: this.#parts.startedAt,
      packets: ring.next,
      bytes: this.#bytes,
      overwritten: ring.first,
      ring: this.#parts.ring,
    };
  }

  /** Adds a packet of a session, or of no known session. */
  frame(layer: 'inner' | 'outer', session: string | undefined, frame: Frame): void {
    if (this.session !== undefined && session !== this.session) return;
    const interfaceId = this.#interfaceOf(layer, session ?? '');
    if (layer === 'outer' && frame.direction === 'in') this.#keysGo = this.ring.head;
    const length = packetBlockLength(frame.headLength + frame.length);
    const at = this.ring.reserve(length);
    writePacketBlock(this.ring.bytes, at, {
      interfaceId,
      time: frame.time,
      direction: frame.direction,
      head: frame.head,
      headLength: frame.headLength,
      bytes: frame.buffer,
      offset: frame.offset,
      length: frame.length,
    });
    this.#grew(length);
  }

  /** Adds an event: a packet of the interface `journal`, with the sentence as its comment. */
  note(time: number, text: string): void {
    const comment = text.slice(0, MAX_NOTE);
    const block = pcapngPacket({ time, bytes: textPdu(comment), comment, interfaceId: 0 });
    block.copy(this.ring.bytes, this.ring.reserve(block.length));
    this.#grew(block.length);
  }

  /** Adds a line of a key log. It arrives while the first packet that needs it is processed, and must precede that packet. */
  key(line: string): void {
    const bytes = pcapngSecrets(`${line}\n`);
    this.secrets.add({ at: this.#keysGo, bytes });
    this.#grew(bytes.length);
  }

  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#parts.onStop(reason);
    this.#tell();
  }

  /** Calls back at most once per turn when there is data to read, and after the end. Call the returned function to stop. */
  onData(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #grew(bytes: number): void {
    this.#bytes += bytes;
    const { size } = this.#parts;
    if (size !== undefined && this.#bytes >= size) this.stop('size limit');
    else this.#tell();
  }

  #tell(): void {
    if (this.#scheduled || this.#listeners.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const listener of this.#listeners) listener();
    });
  }

  #interfaceOf(layer: 'inner' | 'outer', session: string): number {
    const numbers = this.#numbers[layer];
    const known = numbers.get(session);
    if (known !== undefined) return known;
    if (this.#interfaceCount >= MAX_INTERFACES && session !== '') return this.#interfaceOf(layer, '');
    const number = this.#describe(`${session === '' ? 'gateway' : session} ${layer}`, LinkType.Raw);
    numbers.set(session, number);
    return number;
  }

  #describe(name: string, linkType: LinkType): number {
    const bytes = pcapngInterface(name, linkType);
    this.interfaces.add({ at: this.ring.head, bytes });
    this.#bytes += bytes.length;
    return this.#interfaceCount++;
  }
}
