/** Tells what goes on all the same: on standard error by Node's own way, which programs can listen to ("warning"). */
export function warn(message: string): void {
  process.emitWarning(message, "ForetokenWarning");
}
