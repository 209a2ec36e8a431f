/** What to capture: IP packets in tunnels, network traffic, or both. */
export type CaptureLayers = 'both' | 'inner' | 'outer';

/** Options of a capture. */
export interface CaptureOptions {
  /** Captures only the session with this short ID. */
  readonly session?: string | undefined;
  /** Default `both`. */
  readonly layers?: CaptureLayers | undefined;
  /** Stops after this time, such as `30s`; a number is in milliseconds. */
  readonly duration?: string | number | undefined;
  /** Stops after this many bytes. */
  readonly size?: number | undefined;
  /** Memory for the newest part of the capture, in bytes. Default 16 MiB. */
  readonly ring?: number | undefined;
}

/** The current state of a capture. */
export interface CaptureStatus {
  readonly id: string;
  readonly state: 'running' | 'stopped';
  readonly layers: CaptureLayers;
  readonly session: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Packets and notes captured. */
  readonly packets: number;
  readonly bytes: number;
  /** How many of these are no longer in memory. */
  readonly overwritten: number;
  readonly ring: number;
}
