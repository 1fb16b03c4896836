import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';
import { comesBack, describe, idOf, StressClient, type Belief } from './stress/client.ts';
import { differences, type Claim } from './stress/kernel.ts';
import { Random } from './random.ts';

/**
 * SIGKILL of the engine at random moments under load: `npm run stress -- --rounds 200 --seed N`. The seed decides what
 * the clients do and when the engine dies; the scheduler has the last word on the exact instruction.
 */
const ROUNDS = Number(process.env['GANTRY_STRESS_ROUNDS'] ?? 15);
const SEED = Number(process.env['GANTRY_STRESS_SEED'] ?? randomInt(2 ** 31));
const CLIENTS = 8;
const SETTLE_MS = 15_000;
const SETTLE_INTERVAL_MS = 25;
const ROUND_TIMEOUT_MS = 60_000;

let engine: TestEngine;
beforeAll(async () => {
  console.log(`crash stress: ${ROUNDS} rounds, seed ${SEED}`);
  engine = await startEngine();
});
afterAll(() => engine.stop());

interface Listed {
  Id: string;
  Names: string[];
  State: string;
}

interface Inspected {
  Name: string;
  State: { Status: string; Pid: number; ExitCode: number };
  NetworkSettings: {
    Ports: Record<string, { HostPort: string }[] | null>;
    Networks: Record<string, { IPAddress: string }>;
  };
  HostConfig: { NetworkMode: string };
}

test(
  `whatever is told to clients is true after ${ROUNDS} crashes`,
  { timeout: ROUNDS * ROUND_TIMEOUT_MS },
  async () => {
    const clients = Array.from({ length: CLIENTS }, (_, index) => new StressClient(engine, `c${index}`));
    for (let round = 0; round < ROUNDS; round += 1) {
      const random = new Random(SEED).fork(round);
      await crashUnderLoad(clients, random);
      const lastLog = engine.log();
      await engine.restart();
      const problems = await settledProblems(clients);
      if (problems.length > 0) {
        throw new Error(`seed ${SEED}, round ${round}:\n${problems.join('\n')}\nlog:\n${notableLog()}`);
      }
      const surprises = clients.flatMap((client) => client.surprises);
      if (surprises.length > 0) {
        throw new Error(`seed ${SEED}, round ${round}:\n${surprises.join('\n')}\nlog:\n${lastLog}`);
      }
    }
  },
);

const notableLog = (): string =>
  engine
    .log()
    .split('\n')
    .filter((line) => !line.includes(' debug request '))
    .join('\n');

/** Dies after a while, or right after some answer: the moments in between are where states are made. */
async function crashUnderLoad(clients: StressClient[], random: Random): Promise<void> {
  const answersLeft = random.chance(0.5) ? random.integer(80) + 1 : Infinity;
  let answers = 0;
  let die: () => void = () => undefined;
  const dying = new Promise<void>((resolve) => (die = resolve));
  const working = clients.map((client, index) =>
    client.work(random.fork(index), () => {
      answers += 1;
      if (answers >= answersLeft) die();
    }),
  );
  // Not a synchronisation: the moment is meant to be random.
  await Promise.race([dying, delay(20 + random.integer(400))]);
  if (random.chance(0.15)) killZygote();
  await engine.kill9();
  await Promise.all(working);
}

/** What it was doing ends in the middle of it, too. */
function killZygote(): void {
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(engine.pid())], {
    encoding: 'utf8',
  });
  const zygote = /^\s*(\d+) gantry-zygote/m.exec(children)?.[1];
  if (zygote !== undefined) process.kill(Number(zygote), 'SIGKILL');
}

/** Restart policies, exits and deletions take their time; then nothing may be left to say. */
async function settledProblems(clients: StressClient[]): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const problems = await findProblems(clients);
    if (problems.length === 0 || performance.now() > deadline) return problems;
    await delay(SETTLE_INTERVAL_MS);
  }
}

async function findProblems(clients: StressClient[]): Promise<string[]> {
  const problems: string[] = [];
  const { json: listed } = await engine.api<Listed[]>('GET', '/containers/json?all=1');
  const inspected = new Map<string, Inspected>();
  for (const { Id } of listed) {
    const { status, json } = await engine.api<Inspected>('GET', `/containers/${Id}/json`);
    if (status !== 200) return [`${Id} is listed and not found`];
    inspected.set(Id, json);
  }
  const names = listed.flatMap(({ Names }) => Names);
  if (new Set(names).size !== names.length) problems.push(`names twice: ${names.join(' ')}`);

  const believed = new Set<string>();
  for (const belief of clients.flatMap(({ beliefs }) => beliefs)) {
    const found = listed.find(
      ({ Id, Names }) => Id === belief.id || belief.names.has(Names[0]?.slice(1) ?? ''),
    );
    if (found) believed.add(found.Id);
    problems.push(...judge(belief, found && inspected.get(found.Id)));
  }
  problems.push(
    ...listed.filter(({ Id }) => !believed.has(Id)).map(({ Names }) => `${Names.join()} is nobody's`),
  );
  if (problems.length === 0) problems.push(...differences(engine, await claimOf(inspected)));
  if (problems.length > 0) return problems;

  for (const client of clients) {
    for (const belief of client.beliefs) {
      const found = listed.find(
        ({ Id, Names }) => Id === belief.id || belief.names.has(Names[0]?.slice(1) ?? ''),
      );
      learn(belief, found && { id: found.Id, ...(inspected.get(found.Id) as Inspected) });
    }
    client.forgetAbsent();
  }
  return [];
}

/** What is wrong with one container, given what its client was told. */
function judge(belief: Belief, found: Inspected | undefined): string[] {
  const wrong = (what: string): string[] => [`${idOf(belief)} ${what}: ${describe(belief)}`];
  if (!found) return belief.statuses.has('absent') ? [] : wrong('is lost');
  const { Status, Pid, ExitCode } = found.State;
  const status = Status as 'created' | 'running' | 'paused' | 'exited';
  if (!belief.names.has(found.Name.slice(1))) return wrong(`is called ${found.Name}`);
  // Between two runs, which its policy has planned.
  const mayRestart = belief.policy !== '' && belief.statuses.has('running') && belief.statuses.has('exited');
  if (Status === 'restarting' && mayRestart) return Pid === 0 ? [] : wrong(`is restarting with pid ${Pid}`);
  if (!belief.statuses.has(status)) return wrong(`is ${Status}`);
  const isActive = status === 'running' || status === 'paused';
  if (isActive !== Pid > 0) return wrong(`is ${status} with pid ${Pid}`);
  if (isActive && !isAlive(Pid)) return wrong(`is ${status}, its process is dead`);
  if (status === 'exited' && belief.command === 'exit 3' && belief.undisturbed && ExitCode !== 3) {
    return wrong(`ended with ${ExitCode}`);
  }
  return [];
}

/** From here on the client knows how it is. */
function learn(belief: Belief, found: ({ id: string } & Inspected) | undefined): void {
  if (!found) {
    belief.statuses = new Set(['absent']);
    return;
  }
  belief.shimLost = false;
  belief.history = [];
  belief.id = found.id;
  belief.names = new Set([found.Name.slice(1)]);
  const status = found.State.Status as 'created' | 'running' | 'paused' | 'exited';
  // One that ends by itself, or is started again and again by its policy, may be the other a moment later.
  const restless = belief.command === 'exit 3' && belief.policy !== '' && belief.statuses.has('running');
  const isRestarting = found.State.Status === 'restarting';
  belief.statuses =
    isRestarting || (restless && status !== 'created') ? new Set(['running', 'exited']) : new Set([status]);
  if (comesBack(belief) && status === 'exited') belief.statuses.add('running');
}

async function claimOf(inspected: Map<string, Inspected>): Promise<Claim> {
  const active = [...inspected].filter(([, { State }]) => State.Pid > 0);
  const onBridge = active.filter(([, { HostConfig }]) => HostConfig.NetworkMode === 'bridge');
  const volumes = await engine.api<{ Volumes: { Name: string }[] | null }>('GET', '/volumes');
  return {
    ids: new Set(inspected.keys()),
    active: new Set(active.map(([id]) => id)),
    onBridge: onBridge.length,
    ports: new Set(
      onBridge.flatMap(
        ([
          ,
          {
            NetworkSettings: { Ports, Networks },
          },
        ]) => (Ports['80/tcp'] ?? []).map(({ HostPort }) => `${HostPort}:${Networks['bridge']?.IPAddress}`),
      ),
    ),
    volumes: new Set((volumes.json.Volumes ?? []).map(({ Name }) => Name)),
  };
}
