/* SHA-256 of a stream (FIPS 180-4): OpenSSL's where it was there at build time, which uses the
 * processor's own instructions, else plain C. */
#ifndef GANTRY_SHA256_H
#define GANTRY_SHA256_H

#include <stddef.h>
#include <stdint.h>

#if __has_include(<openssl/sha.h>) && !defined(GANTRY_PLAIN_SHA256)
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
struct sha256 {
  SHA256_CTX context;
};
#else
struct sha256 {
  uint32_t state[8];
  uint64_t length;
  unsigned char block[64];
};
#endif

enum { SHA256_HEX = 65 }; /* with the terminating NUL */

void sha256_start(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);

/* Lower-case hexadecimal digits. */
void sha256_finish(struct sha256 *hash, char hex[SHA256_HEX]);

#endif
