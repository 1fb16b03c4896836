// What Gantry needs from Debian, by purpose. A package counts as present when its `probe` file is.
export const DEBIAN_PACKAGES = [
  { name: 'gcc', probe: ['/usr/bin/cc', '/usr/bin/gcc'], purpose: 'build', why: 'builds the native helper' },
  { name: 'libc6-dev', probe: ['/usr/include/stdio.h'], purpose: 'build', why: 'builds the native helper' },
  { name: 'make', probe: ['/usr/bin/make'], purpose: 'build', why: 'builds the native helper' },
  { name: 'busybox-static', probe: ['/bin/busybox'], purpose: 'build', why: 'the starter image' },
  { name: 'nftables', probe: ['/usr/sbin/nft'], purpose: 'run', why: 'NAT and published ports' },
  { name: 'iproute2', probe: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'], purpose: 'run', why: 'bridges' },
  {
    name: 'uidmap',
    probe: ['/usr/bin/newuidmap'],
    purpose: 'run',
    why: "an ordinary user's engine: id ranges",
  },
  {
    name: 'slirp4netns',
    probe: ['/usr/bin/slirp4netns'],
    purpose: 'run',
    why: "an ordinary user's engine: network",
  },
  { name: 'procps', probe: ['/usr/bin/ps', '/bin/ps'], purpose: 'run', why: 'docker top' },
  { name: 'chromium', probe: ['/usr/bin/chromium'], purpose: 'test', why: 'e2e tests and screenshots' },
  {
    name: 'fonts-dejavu-core',
    probe: ['/usr/share/fonts/truetype/dejavu'],
    purpose: 'test',
    why: 'screenshots',
  },
  {
    name: 'fonts-nanum',
    probe: ['/usr/share/fonts/truetype/nanum'],
    purpose: 'test',
    why: 'Korean screenshots',
  },
  {
    name: 'qemu-system-x86',
    probe: ['/usr/bin/qemu-system-x86_64'],
    purpose: 'test',
    why: 'the engine on cgroup v2',
  },
  { name: 'clang-format', probe: ['/usr/bin/clang-format'], purpose: 'test', why: 'checks the format of C' },
];
