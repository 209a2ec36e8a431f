/*
 * A report is shown by the same page as a running instance (`tunnelite open`): the document says so. Then nothing is asked for again and again, no
 * time passes, and nothing that would change something is offered.
 */

const made = globalThis.document?.documentElement.dataset.report;

/** When the report was made that is shown, in milliseconds since the Unix epoch; `undefined`: an instance runs. */
export const REPORTED_AT = made === undefined ? undefined : Number(made);

/** Whether a report is shown. */
export const IS_REPORT = REPORTED_AT !== undefined;

/** The time of the machine that is shown, in milliseconds since the Unix epoch. */
export function machineTime() {
  return REPORTED_AT ?? Date.now();
}
