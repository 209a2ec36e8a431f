/* The part of Artillery that an engine uses: the documented contract between the two, and no more. Times of metrics are milliseconds. */

/** The variables of one virtual user, and the functions that its templates may call. */
export interface Context {
  vars: Record<string, unknown>;
  funcs: Record<string, unknown>;
}

export type Done = (error?: unknown, context?: Context) => void;

/** One step of a flow, as Artillery's own helpers accept and return it. */
export type Step = (context: Context, done: Done) => void;

/** Emitter for metrics. Each virtual user must emit `started`, or the run ends too early. */
export interface Events {
  emit(event: 'started'): unknown;
  emit(event: 'counter' | 'histogram', name: string, value: number): unknown;
  emit(event: 'rate', name: string): unknown;
  /** Counted as `errors.CODE`. */
  emit(event: 'error', code: string): unknown;
}

/** The functions that Artillery passes to an engine. */
export interface Helpers {
  template(value: unknown, context: Context): unknown;
  createThink(spec: unknown, defaults: unknown): Step;
  createLoopWithCount(
    count: unknown,
    steps: readonly Step[],
    options: {
      readonly loopValue: string;
      readonly loopElement: string;
      readonly overValues?: unknown;
      readonly whileTrue?: unknown;
    },
  ): Step;
  captureOrMatch(
    params: { capture?: unknown; match?: unknown },
    response: { readonly body: string; readonly headers: Readonly<Record<string, unknown>> },
    context: Context,
    done: (
      error: unknown,
      result?: {
        readonly captures?: Readonly<Record<string, { readonly value?: unknown; readonly failed?: boolean }>>;
        readonly matches?: Readonly<Record<string, { readonly success?: boolean }>>;
      } | null,
    ) => void,
  ): void;
}

export interface Scenario {
  readonly name?: string;
  readonly flow?: unknown;
}

/** The complete script, as read by Artillery. */
export interface Script {
  readonly config: {
    readonly target?: string;
    readonly engines?: Readonly<Record<string, unknown>>;
    readonly defaults?: Readonly<Record<string, unknown>>;
    readonly processor?: Readonly<Record<string, unknown>>;
    /** `worker` counts from 1. */
    readonly phases?: readonly { readonly worker?: number; readonly totalWorkers?: number }[];
  };
}
