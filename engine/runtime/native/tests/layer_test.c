/* Layers on their way in: digests, decompression, and that a tree in memory means what extraction
 * makes. */
#include "erofs_image.h"
#include "extract.h"
#include "layer_source.h"
#include "layer_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "decoder.h"
#include "descriptor.h"
#include "rooted.h"
#include "tar_builder.h"
#include "test.h"

static void digests_are_those_of_the_standard(void) {
  static const struct {
    const char *text, *digest;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct sha256 hash;
    char digest[SHA256_HEX];
    sha256_start(&hash);
    for (const char *c = cases[i].text; *c; c++)
      sha256_update(&hash, c, 1);
    sha256_finish(&hash, digest);
    CHECK_EQUAL(digest, cases[i].digest);
  }
}

static void digests_of_long_layers_are_those_of_short_pieces(void) {
  enum { SIZE = 5 * 1024 * 1024 + 77 };
  unsigned char *bytes = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++)
    bytes[i] = (unsigned char)(i * i >> 7);
  struct hasher hasher = {0};
  struct sha256 at_once, fed[2];
  char expected[SHA256_HEX], digest[SHA256_HEX];
  sha256_start(&at_once);
  sha256_update(&at_once, bytes, SIZE);
  sha256_finish(&at_once, expected);
  sha256_start(&fed[0]);
  sha256_start(&fed[1]);
  for (size_t at = 0, size = 1; at < SIZE; at += size, size = size * 3 % 700001) {
    size = size < SIZE - at ? size : SIZE - at;
    hasher_feed(&hasher, &fed[0], bytes + at, size);
    hasher_feed(&hasher, &fed[1], bytes + at, size);
  }
  hasher_end(&hasher);
  for (int i = 0; i < 2; i++) {
    sha256_finish(&fed[i], digest);
    CHECK_EQUAL(digest, expected);
  }
  free(bytes);
}

/* A gzip member of `text` behind what is there; the new size. */
static size_t add_member(unsigned char *to, size_t size, const char *text) {
  z_stream stream = {.next_in = (unsigned char *)text,
                     .avail_in = (unsigned)strlen(text),
                     .next_out = to + size,
                     .avail_out = 4096};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
      deflate(&stream, Z_FINISH) != Z_STREAM_END)
    abort();
  size += stream.total_out;
  deflateEnd(&stream);
  return size;
}

/* In pieces of `piece` bytes; -1: damaged, else whether the input may end here. */
static int gunzip(const unsigned char *bytes, size_t size, size_t piece, char *text) {
  struct error err = {0};
  struct decoder *decoder = decoder_open(DECODER_GZIP, &err);
  size_t length = 0, made = 1;
  int result = 0;
  for (size_t at = 0; result == 0 && (at < size || made > 0);) {
    size_t used = size - at < piece ? size - at : piece;
    made = piece;
    result = decoder_run(decoder, bytes + at, &used, (unsigned char *)text + length, &made, &err);
    length += result == 0 ? made : 0;
    at += used;
  }
  text[length] = '\0';
  result = result < 0 ? -1 : decoder_may_end(decoder);
  decoder_close(decoder);
  return result;
}

static void gzip_members_are_read_in_any_pieces(void) {
  static unsigned char bytes[8192];
  char text[4096];
  size_t first = add_member(bytes, 0, "the first, "), size = add_member(bytes, first, "the second");
  memset(bytes + size, 0, 20);
  for (size_t piece = 1; piece < 120; piece++) {
    CHECK(gunzip(bytes, size, piece, text) == 1);
    CHECK_EQUAL(text, "the first, the second");
    CHECK(gunzip(bytes, size + 20, piece, text) == 1);
    CHECK(gunzip(bytes, size - 1, piece, text) == 0);
    CHECK(gunzip(bytes, first + 1, piece, text) == 0);
  }
  bytes[size + 19] = 'x';
  CHECK(gunzip(bytes, size + 20, 64, text) == -1);
  for (size_t at = 0; at < first; at++) {
    unsigned char before = bytes[at];
    bytes[at] ^= 0x55;
    bool is_told = at > 3 && at < 10; /* time and system of the writer are nobody's business */
    CHECK(is_told || gunzip(bytes, size, 64, text) != 1);
    bytes[at] = before;
  }
}

static void bounds_stop_a_layer(void) {
  static const struct {
    uint64_t bytes, ratio, from;
    bool fits;
  } cases[] = {{1 << 20, 1, 0, true}, {1000, 1, 0, false}, {1 << 20, 1, 1 << 20, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned char buffer[512];
    struct error err = {0};
    add("file", '0', "content", 7);
    add_end();
    autoclose int input = open_bytes(archive.bytes, archive.size);
    struct layer_source source = {.input = input,
                                  .ended = true,
                                  .left = archive.size,
                                  .limits = {cases[i].bytes, cases[i].ratio, cases[i].from},
                                  .keep_blob = -1,
                                  .keep_tar = -1};
    CHECK(layer_source_open(&source, DECODER_NONE, &err) == 0);
    long count;
    while ((count = layer_source_read(&source, buffer, sizeof buffer, &err)) > 0)
      ;
    CHECK((count == 0) == cases[i].fits);
    CHECK(!cases[i].fits || source.tar_bytes == archive.size);
    layer_source_close(&source);
    archive.size = 0;
  }
}

/* What the archive at hand becomes, both ways. */
static int read_tree(struct layer_tree *tree, struct error *err) {
  struct tar_reader reader;
  autoclose int input = open_bytes(archive.bytes, archive.size);
  if (tar_reader_open(&reader, input, err) < 0)
    return -1;
  int result = layer_tree_read(tree, &reader, err);
  tar_reader_close(&reader);
  return result;
}

static int extract_it(struct error *err) {
  char place[] = "/tmp/gantry-layer-test-XXXXXX";
  if (!mkdtemp(place))
    return -1;
  autoclose int directory = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  autoclose int parent = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int input = open_bytes(archive.bytes, archive.size);
  const struct extract_options options = {.layer = true, .root = -1};
  struct extract_summary summary;
  int result = extract_archive(input, directory, &options, &summary, err);
  struct error ignored = {0};
  rooted_remove(parent, strrchr(place, '/') + 1, &ignored);
  return result;
}

static void trees_accept_what_extraction_accepts(void) {
  static const struct {
    const char *link, *name;
    char type;
    const char *target;
  } cases[] = {
      {NULL, "../out", '0', ""},    {NULL, "a/../../out", '0', ""},
      {"../out", "l/new", '0', ""}, {"/tmp", "l/new", '0', ""},
      {".", "l/new", '0', ""},      {"nowhere", "l/new", '0', ""},
      {"l", "l/new", '0', ""},      {NULL, "h", '1', "../out"},
      {NULL, "h", '1', "missing"},  {NULL, "h", '1', "h"},
      {NULL, "d/.wh...", '0', ""},  {NULL, "d/.wh..", '0', ""},
      {NULL, "d/.wh.x", '0', ""},   {NULL, ".wh..wh..opq", '0', ""},
      {NULL, "a/b/c/d", '5', ""},   {"x", "l", '5', ""},
      {"x", "l", '0', ""},          {NULL, "fifo", '6', ""},
      {NULL, "./", '5', ""},        {NULL, "/absolute", '0', ""},
      {NULL, "s", '2', "anything"}, {"d", "l/.wh.gone", '0', ""},
      {NULL, "a//b/./c", '0', ""},  {NULL, "..", '5', ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct layer_tree tree;
    struct error one = {0}, other = {0};
    if (cases[i].link)
      add_link("l", '2', cases[i].link);
    add_link(cases[i].name, cases[i].type, cases[i].target);
    add_end();
    int as_tree = read_tree(&tree, &one), extracted = extract_it(&other);
    if (as_tree != extracted)
      test_fail(__FILE__, __LINE__, "%s: tree %d (%s), extraction %d (%s)", cases[i].name, as_tree,
                one.message, extracted, other.message);
    layer_tree_free(&tree);
    archive.size = 0;
  }
}

static void an_image_is_the_same_every_time(void) {
  char digests[2][SHA256_HEX];
  for (int i = 0; i < 2; i++) {
    struct layer_tree tree;
    struct error err = {0};
    add("d", '5', "", 0);
    add("d/file", '0', "content", 7);
    add_link("d/link", '2', "file");
    add_link("d/hard", '1', "d/file");
    add_end();
    CHECK(read_tree(&tree, &err) == 0);
    char name[] = "/tmp/gantry-layer-image-XXXXXX";
    autoclose int file = mkstemp(name);
    unlink(name);
    CHECK(erofs_image_write(file, &tree, archive.size, digests[i], &err) == 0);
    struct stat status;
    CHECK(fstat(file, &status) == 0 && status.st_size % 512 == 0 && status.st_size > EROFS_HEAD);
    layer_tree_free(&tree);
    archive.size = 0;
  }
  CHECK_EQUAL(digests[0], digests[1]);
}

const struct test_case layer_tests[] = {
    {"digests are those of the standard", digests_are_those_of_the_standard},
    {"two digests of a long stream are made beside it",
     digests_of_long_layers_are_those_of_short_pieces},
    {"gzip members are read in any pieces, damage is found", gzip_members_are_read_in_any_pieces},
    {"a layer beyond its bounds is stopped", bounds_stop_a_layer},
    {"a tree in memory takes and refuses what extraction does",
     trees_accept_what_extraction_accepts},
    {"the image of a layer is the same every time", an_image_is_the_same_every_time},
    {NULL, NULL},
};
