import {
  type Capture,
  CaptureFile,
  type CaptureHub,
  type CaptureOptions,
  type CaptureStatus,
  captureFile,
  follow,
} from '../capture/index.ts';

/** The options of a capture, and the file to write. */
export interface OwnCaptureOptions extends CaptureOptions {
  /** Path of a file, readable only by its owner because it contains keys. Written as packets arrive. If omitted: memory only. */
  readonly file?: string | undefined;
  /** With `size`: continues in a new file after this many bytes, and keeps this many files. If omitted: ends at `size`. */
  readonly files?: number | undefined;
}

/** A capture that a program started. */
export class OwnCapture implements AsyncDisposable {
  readonly #hub: CaptureHub;
  readonly #capture: Capture;
  readonly #written: Promise<{ readonly lost: number }> | undefined;

  private constructor(hub: CaptureHub, capture: Capture, written: Promise<{ readonly lost: number }> | undefined) {
    this.#hub = hub;
    this.#capture = capture;
    this.#written = written;
    // Reported by `stop`.
    written?.catch(() => {});
  }

  /** @internal */
  static start(hub: CaptureHub, { file, files, ...options }: OwnCaptureOptions): OwnCapture {
    if (file === undefined) return new OwnCapture(hub, hub.start(options), undefined);
    const { size, ...rest } = options;
    const target = new CaptureFile(file, files === undefined ? {} : { size, files });
    try {
      const capture = hub.start(files === undefined ? options : rest);
      const written = follow(capture, target, { begin: 'oldest', time: () => hub.time() });
      return new OwnCapture(hub, capture, written);
    } catch (error) {
      target.destroy();
      throw error;
    }
  }

  get status(): CaptureStatus {
    return this.#capture.status;
  }

  /**
   * Ends the capture, and waits until all data is written. `lost`: packets that are missing because the file was too slow.
   * @throws TunneliteError `ERR_CAPTURE_FILE`
   */
  async stop(): Promise<CaptureStatus & { readonly lost: number }> {
    this.#capture.stop('requested');
    const { lost } = (await this.#written) ?? { lost: 0 };
    return { ...this.#capture.status, lost };
  }

  /** The part in memory, as a file for Wireshark. */
  bytes(): Buffer {
    return captureFile(this.#capture, this.#hub.time());
  }

  /** Ends the capture, and discards the part in memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { id } = this.#capture;
    await this.stop();
    if (this.#hub.list().includes(this.#capture)) this.#hub.remove(id);
  }
}
