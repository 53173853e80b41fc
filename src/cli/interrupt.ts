/** Turns Ctrl-C and SIGTERM into an abort signal while a run goes on. */
export const onInterrupt = (
  stderr: NodeJS.WritableStream,
): { readonly signal: AbortSignal; readonly dispose: () => void } => {
  const controller = new AbortController();
  const abort = (): void => {
    if (controller.signal.aborted) return;
    stderr.write('\nInterrupted: the change under way is awaited, then this run is taken back.\n');
    controller.abort();
  };
  process.on('SIGINT', abort).on('SIGTERM', abort).on('SIGHUP', abort);
  return {
    signal: controller.signal,
    dispose: () => process.off('SIGINT', abort).off('SIGTERM', abort).off('SIGHUP', abort),
  };
};
