export { Capture } from './capture.ts';
export { CaptureFile } from './capture-file.ts';
export { CaptureHub, RING_BYTES } from './hub.ts';
export { type CaptureTaps, NO_TAPS, type PacketTap, type TappedConnection } from './ports.ts';
export { captureFile, follow } from './reader.ts';
export type { CaptureLayers, CaptureOptions, CaptureStatus } from './types.ts';
