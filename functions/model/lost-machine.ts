/** Failure code of an instance whose machine ceased to exist, although nothing of ours requested that. */
export const VANISHED = 'Vanished';
/** Failure code of an instance whose spot machine the cloud has taken back. The message has the cloud's reason. */
export const SPOT_INTERRUPTED = 'SpotInterrupted';

/** Returns true if a failure says that the cloud ended the machine, and nothing of ours requested that. Pure. */
export const isEndedUnasked = (failure: { code: string } | undefined): boolean =>
  failure?.code === VANISHED || failure?.code === SPOT_INTERRUPTED;
