/** The initial data of a PAC file's thread. */
export interface PacData {
  readonly script: string;
  /** For `myIpAddress`. */
  readonly address: string;
  /** Memory limit of the script, in bytes. */
  readonly memory: number;
}

/** To the thread. */
export type PacQuestion =
  | { readonly kind: 'find'; readonly id: number; readonly url: string; readonly host: string }
  | { readonly kind: 'address'; readonly id: number; readonly address: string | null };

/** From the thread. */
export type PacAnswer =
  | { readonly kind: 'found'; readonly id: number; readonly text: string }
  | { readonly kind: 'failed'; readonly id: number; readonly missing: boolean; readonly message: string }
  | { readonly kind: 'lookup'; readonly id: number; readonly name: string };
