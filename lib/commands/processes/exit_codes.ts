/**
 * With what code a command ends, besides 0 for done and 1 for an error.
 *
 * @module
 */

/**
 * A training was told to stop (Ctrl-C, SIGTERM, SIGUSR1, SIGHUP) and has, with a checkpoint: --resume goes on. It is
 * sysexits.h's EX_TEMPFAIL, by which a scheduler can know that the job is to be queued again.
 */
export const STOPPED = 75;

/** A command that keeps no checkpoints was ended by a signal, and has said what is lost; shells give a Ctrl-C that number. */
export const INTERRUPTED = 130;

/** What --help says of how a training ends. */
export const TRAINING_ENDS =
  `Ends with code 0 when all is done, 1 after an error, and ${STOPPED} where it was told to stop (Ctrl-C, SIGTERM, SIGUSR1)
  and has, with a checkpoint.`;
