/** What is captured: IP packets in tunnels, what goes over the network, or both. */
export type CaptureLayers = 'both' | 'inner' | 'outer';

/** How a capture begins and ends. */
export interface CaptureOptions {
  /** Only of the session with this short id. */
  readonly session?: string | undefined;
  /** Default `both`. */
  readonly layers?: CaptureLayers | undefined;
  /** Ends by itself after this time, such as `30s`; a number is in milliseconds. */
  readonly duration?: string | number | undefined;
  /** Ends by itself once it has had so many bytes. */
  readonly size?: number | undefined;
  /** Bytes of memory that hold the newest part of it. Default 16 MiB. */
  readonly ring?: number | undefined;
}

/** A capture as it is now. */
export interface CaptureStatus {
  readonly id: string;
  readonly state: 'running' | 'stopped';
  readonly layers: CaptureLayers;
  readonly session: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Packets and notes that it has had. */
  readonly packets: number;
  readonly bytes: number;
  /** How many of these are no longer in memory. */
  readonly overwritten: number;
  readonly ring: number;
}
