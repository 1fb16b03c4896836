import { EngineError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { AddressPool } from '../address-pool.ts';
import type { EndpointRequest } from '../endpoint-request.ts';
import type { OverlayRecord } from '../network-record.ts';
import type { Network, NetworkRegistry } from '../network-registry.ts';
import { formatAddress, parseAddress, type Address } from '../subnet.ts';
import type { Claim } from './peer-state.ts';
import type { PeerStates } from './peer-states.ts';

interface AddressLoansOptions {
  /** This engine among the members of networks. */
  own: string;
  registry: NetworkRegistry;
  states: PeerStates;
  ask: (peer: string, request: object) => Promise<unknown>;
  /** Peers are to be told. */
  changed: () => void;
  logger: Logger;
}

/** Addresses of one engine's slot that containers of another have, because a client asked for them. */
export class AddressLoans {
  readonly #options: AddressLoansOptions;
  /** Addresses of others' slots that containers here are about to get. */
  readonly #claims = new Set<Claim>();
  /** Of our slots, what others have or are about to get. */
  readonly #lent = new Map<string, Claim>();

  constructor(options: AddressLoansOptions) {
    this.#options = options;
  }

  /** Part of what peers are told: an address is not free before its endpoint is there. */
  claims(): Claim[] {
    return [...this.#claims];
  }

  /**
   * Before a container gets an endpoint: addresses of other engines are asked for there. The result is to be called
   * when the endpoint is there, or will not be.
   */
  async admit(wanted: readonly EndpointRequest[]): Promise<() => void> {
    const claims: Claim[] = [];
    const end = (): void => {
      for (const claim of claims) this.#claims.delete(claim);
      if (claims.length > 0) this.#options.changed();
    };
    try {
      for (const { network, ipv4, ipv6 } of wanted) {
        const { overlay, name, id } = network.record;
        if (!overlay) continue;
        this.#checkMember(name, overlay);
        for (const address of [ipv4, ipv6]) {
          const owner = address && ownerOf(network, address);
          if (!address || owner === undefined || owner === this.#options.own) continue;
          const claim = { networkId: id, address: formatAddress(address) };
          claims.push(claim);
          this.#claims.add(claim);
          await this.#borrow(owner, claim);
        }
      }
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  /** Written down before it is answered. Throws forbidden for an address that is in use or not of our slot. */
  async lend(peer: string, claim: Claim): Promise<void> {
    const { states, own, registry } = this.#options;
    const network = registry.get(claim.networkId);
    const address = parseAddress(claim.address);
    if (!network || !address || ownerOf(network, address) !== own) {
      throw new EngineError('forbidden', `address ${claim.address} is not for this engine to give`);
    }
    const key = keyOf(claim);
    // Which of its containers has it, the peer knows itself.
    if (states.claimsOf(peer).some((held) => keyOf(held) === key)) return;
    if (!poolFor(network, address)?.take(address))
      throw new EngineError('forbidden', 'Address already in use');
    this.#lent.set(key, claim);
    const state = states.of(peer);
    await states.save(peer, { ...state, claims: [...state.claims, claim] });
  }

  /** What peers have of our slots is taken from our pools, and given back when they have it no longer. */
  recount(): void {
    const { states, own, registry, logger } = this.#options;
    const claims = new Map(states.claims().map((claim) => [keyOf(claim), claim]));
    for (const [key, { networkId, address: text }] of this.#lent) {
      if (claims.has(key)) continue;
      this.#lent.delete(key);
      const network = registry.get(networkId);
      const address = parseAddress(text);
      if (network && address) poolFor(network, address)?.release(address);
    }
    for (const [key, claim] of claims) {
      const network = registry.get(claim.networkId);
      const address = parseAddress(claim.address);
      if (!network || !address || this.#lent.has(key) || ownerOf(network, address) !== own) continue;
      if (poolFor(network, address)?.take(address)) this.#lent.set(key, claim);
      else logger.error('an address is used twice', { network: network.record.name, address: claim.address });
    }
  }

  #checkMember(name: string, { members }: OverlayRecord): void {
    const { own } = this.#options;
    if (members.includes(own)) return;
    throw new EngineError(
      'forbidden',
      `network ${name} was made for the engines at ${members.join(', ')}, this one is at ${own}`,
      { hint: 'remove the network and create it again with these peers' },
    );
  }

  async #borrow(owner: string, claim: Claim): Promise<void> {
    await this.#options.ask(owner, { kind: 'lend', ...claim }).catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.kind !== 'unavailable') throw error;
      const whose = `address ${claim.address} is for the engine at ${owner} to give`;
      throw new EngineError('unavailable', `${whose}: ${error.message}`, { cause: error });
    });
  }
}

const keyOf = ({ networkId, address }: Claim): string => `${networkId} ${address}`;

function poolFor({ addresses }: Network, { family }: Address): AddressPool | undefined {
  return family === 4 ? addresses.ipv4 : addresses.ipv6;
}

function ownerOf(network: Network, address: Address): string | undefined {
  const slot = poolFor(network, address)?.slotOf(address);
  return slot === undefined ? undefined : network.record.overlay?.members[slot];
}
