#include "sha256.h"

#include <stdio.h>
#include <string.h>

static void to_hex(const unsigned char digest[32], char hex[SHA256_HEX]) {
  for (size_t i = 0; i < 32; i++)
    snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

#ifdef OPENSSL_SUPPRESS_DEPRECATED

void sha256_start(struct sha256 *hash) {
  SHA256_Init(&hash->context);
}

void sha256_update(struct sha256 *hash, const void *data, size_t size) {
  SHA256_Update(&hash->context, data, size);
}

void sha256_finish(struct sha256 *hash, char hex[SHA256_HEX]) {
  unsigned char digest[32];
  SHA256_Final(digest, &hash->context);
  to_hex(digest, hex);
}

#else

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate(uint32_t value, int by) {
  return value >> by | value << (32 - by);
}

static void compress(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
           (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t first = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + choice +
                     constants[i] + w[i];
    uint32_t second = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + majority;
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + second;
  }
  for (int i = 0; i < 8; i++)
    state[i] += s[i];
}

void sha256_start(struct sha256 *hash) {
  *hash = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                    0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_update(struct sha256 *hash, const void *data, size_t size) {
  const unsigned char *from = data;
  size_t filled = hash->length % sizeof hash->block;
  hash->length += size;
  while (size > 0) {
    if (filled == 0 && size >= sizeof hash->block) {
      compress(hash->state, from);
      from += sizeof hash->block;
      size -= sizeof hash->block;
      continue;
    }
    size_t room = sizeof hash->block - filled, count = size < room ? size : room;
    memcpy(hash->block + filled, from, count);
    from += count;
    size -= count;
    filled += count;
    if (filled == sizeof hash->block) {
      compress(hash->state, hash->block);
      filled = 0;
    }
  }
}

void sha256_finish(struct sha256 *hash, char hex[SHA256_HEX]) {
  static const unsigned char padding[64] = {0x80};
  uint64_t bits = hash->length * 8;
  size_t filled = hash->length % 64;
  unsigned char length[8], digest[32];
  for (int i = 0; i < 8; i++)
    length[i] = (unsigned char)(bits >> (56 - 8 * i));
  sha256_update(hash, padding, filled < 56 ? 56 - filled : 120 - filled);
  sha256_update(hash, length, sizeof length);
  for (int i = 0; i < 32; i++)
    digest[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
  to_hex(digest, hex);
}

#endif
