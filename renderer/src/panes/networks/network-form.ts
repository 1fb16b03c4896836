export interface NetworkForm {
  name: string;
  subnet: string;
  gateway: string;
  internal: boolean;
}

export interface NetworkErrors {
  subnet?: 'subnetInvalid';
  gateway?: 'gatewayInvalid';
}

function toNumber(address: string): number | undefined {
  const parts = address.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}

/** IPv4 ranges are checked here; the engine has the last word, also on IPv6. */
export function validateNetworkForm(form: NetworkForm): NetworkErrors {
  const subnet = form.subnet.trim();
  const gateway = form.gateway.trim();
  const [address = '', lengthText = ''] = subnet.split('/');
  const base = toNumber(address);
  const length = /^\d{1,2}$/.test(lengthText) ? Number(lengthText) : 99;
  const ipv6 = subnet.includes(':');
  const errors: NetworkErrors = {};
  if (subnet !== '' && !ipv6 && (base === undefined || length > 32)) errors.subnet = 'subnetInvalid';
  if (gateway === '' || ipv6 || errors.subnet) return errors;
  const host = toNumber(gateway);
  const block = 2 ** (32 - length);
  if (base === undefined || host === undefined || Math.floor(host / block) !== Math.floor(base / block)) {
    errors.gateway = 'gatewayInvalid';
  }
  return errors;
}
