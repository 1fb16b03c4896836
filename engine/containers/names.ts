import { randomInt } from 'node:crypto';
import { invalidArgument } from '../lib/errors.ts';

const NAME_CHARACTERS = '[a-zA-Z0-9][a-zA-Z0-9_.-]';
const NAME_PATTERN = new RegExp(`^/?${NAME_CHARACTERS}+$`);

const ADJECTIVES = `able agile airy alert amber ample azure balmy bold brave breezy bright brisk calm candid
cheery civil clear clever cosy crisp curious dapper daring deft eager earnest easy fair fleet fond frank fresh gentle
glad golden grand hardy hearty honest humble jaunty jolly keen kind lively lucid lunar mellow merry mighty modest neat
nimble noble patient placid plucky polite prime proud quick quiet rapid ready robust rosy sage serene sharp silver
sincere sleek snug solar solid spry stable steady stellar sunny swift tidy trusty upbeat vivid warm wise witty zesty`
  .trim()
  .split(/\s+/);

/** Cranes, ports and the sea: our own list. */
const NOUNS =
  `anchor arbor atoll bay beacon berth boom bosun bow bridge brig buoy cable canal cape capstan cargo
coast compass coral cove crane current davit deck delta derrick dock dune eddy estuary fathom fjord flag fleet galley
gangway gantry gull harbor hatch haven heron hoist hull inlet island jetty keel ketch kite lagoon lantern ledger
lighthouse lock mainsail mariner marina mast mole moor narwhal oar orca osprey otter pelican pier pilot pontoon port
pulley quay raft reef rigging rudder sail schooner sextant shoal skiff sloop sound spar spindle starboard stern strait
tern tide tiller tow trawler tug wake wharf winch yard`
    .trim()
    .split(/\s+/);

/** The name without its slash; 400 with Docker's text when it is not allowed. */
export function normalizeName(name: string): string {
  if (!NAME_PATTERN.test(name)) {
    throw invalidArgument(`Invalid container name (${name}), only ${NAME_CHARACTERS} are allowed`);
  }
  return name.replace(/^\//, '');
}

/** A free `adjective_noun`, with a digit appended once the plain ones keep colliding. */
export function generateName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt += 1) {
    const suffix = attempt < 6 ? '' : String(randomInt(10 ** Math.min(attempt - 5, 9)));
    const name = `${pick(ADJECTIVES)}_${pick(NOUNS)}${suffix}`;
    if (!isTaken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] as string;
}
