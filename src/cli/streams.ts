/** Where a command writes: stdout carries the result and nothing else, stderr the rest. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** What the process ends with; set by the command that ran. */
  exitCode: number;
}
