/** One reading of a container's counters, neutral between cgroup v1 and v2. Times in ns, sizes in bytes. */
export interface Sample {
  /** ms since the epoch. */
  readAt: number;
  cpu: {
    totalNs: bigint;
    userNs: bigint;
    systemNs: bigint;
    perCpuNs: bigint[];
    hostTotalNs: bigint;
    onlineCpus: number;
    periods: number;
    throttledPeriods: number;
    throttledNs: bigint;
  };
  memory: {
    usageBytes: number;
    maxUsageBytes: number | undefined;
    limitBytes: number;
    failures: number;
    /** memory.stat, names as the kernel writes them. */
    stat: Record<string, number>;
  };
  blockIo: {
    bytes: { major: number; minor: number; op: string; value: number }[];
    operations: { major: number; minor: number; op: string; value: number }[];
  };
  pids: { current: number; limit: number };
  networks: Record<
    string,
    {
      rxBytes: number;
      rxPackets: number;
      rxErrors: number;
      rxDropped: number;
      txBytes: number;
      txPackets: number;
      txErrors: number;
      txDropped: number;
    }
  >;
}
