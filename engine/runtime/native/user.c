#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "resolve.h"
#include "user.h"

/* SECURITY: 2026-47262, 2024-9676. The image wrote these files: caps on size and line, regular
 * files only. */
enum { MAX_FILE_BYTES = 4 << 20, MAX_LINE = 8192, MAX_FIELDS = 7 };

static const uint32_t MAX_ID = 0x7fffffff; /* SECURITY: 2024-40635 */

struct line_visitor {
  void (*visit)(struct line_visitor *visitor, char *fields[], size_t count);
};

static bool is_decimal(const char *text) {
  return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A number is never a name, not even one that no id can have. */
static bool is_number(const char *text) {
  return is_decimal(*text == '-' ? text + 1 : text);
}

static bool parse_id(const char *text, uint32_t *id) {
  if (!is_decimal(text) || strlen(text) > 10)
    return false;
  unsigned long value = strtoul(text, NULL, 10);
  *id = (uint32_t)value;
  return value <= MAX_ID;
}

static void visit_line(char *line, struct line_visitor *visitor) {
  char *fields[MAX_FIELDS];
  size_t count = 0;
  for (char *rest = line; rest && count < MAX_FIELDS;)
    fields[count++] = strsep(&rest, ":");
  if (fields[0][0] != '\0' && fields[0][0] != '#')
    visitor->visit(visitor, fields, count);
}

/* A missing file is an empty one; lines that are too long are skipped. */
static int visit_file(int root, const char *path, struct line_visitor *visitor, struct error *err) {
  autoclose int fd = resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, true);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR ? 0 : error_set(err, errno, "open %s", path);
  struct stat stat;
  if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > MAX_FILE_BYTES)
    return error_set(err, EINVAL, "%s is not a regular file of sane size", path);
  FILE *stream = fdopen(take_fd(&fd), "re");
  if (!stream)
    return error_set(err, errno, "read %s", path);
  char line[MAX_LINE];
  bool whole = true;
  while (fgets(line, sizeof line, stream)) {
    size_t length = strlen(line);
    bool ended = length > 0 && line[length - 1] == '\n';
    bool begins = whole;
    whole = ended || feof(stream);
    if (ended)
      line[length - 1] = '\0';
    if (begins && whole)
      visit_line(line, visitor);
  }
  fclose(stream);
  return 0;
}

struct passwd_search {
  struct line_visitor visitor;
  const char *name; /* NULL: by uid */
  uint32_t uid;
  bool found;
  char matched_name[256];
  struct user *user;
};

static void visit_passwd(struct line_visitor *visitor, char *fields[], size_t count) {
  struct passwd_search *search = (struct passwd_search *)visitor;
  uint32_t uid, gid;
  if (search->found || count < 4 || !parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
    return;
  if (search->name ? strcmp(fields[0], search->name) != 0 : uid != search->uid)
    return;
  search->found = true;
  search->user->uid = uid;
  search->user->gid = gid;
  snprintf(search->matched_name, sizeof search->matched_name, "%s", fields[0]);
  if (count > 5 && fields[5][0] != '\0')
    snprintf(search->user->home, sizeof search->user->home, "%s", fields[5]);
}

struct group_search {
  struct line_visitor visitor;
  const char *wanted; /* group by name */
  const char *member; /* every group that lists this user; NULL: none */
  bool found;
  uint32_t gid;
  struct user *user;
};

static void add_group(struct user *user, uint32_t gid) {
  for (size_t i = 0; i < user->group_count; i++) {
    if (user->groups[i] == gid)
      return;
  }
  if (user->group_count < USER_MAX_GROUPS)
    user->groups[user->group_count++] = gid;
}

static bool lists_member(char *members, const char *name) {
  for (char *member; (member = strsep(&members, ","));) {
    if (strcmp(member, name) == 0)
      return true;
  }
  return false;
}

static void visit_group(struct line_visitor *visitor, char *fields[], size_t count) {
  struct group_search *search = (struct group_search *)visitor;
  uint32_t gid;
  if (count < 3 || !parse_id(fields[2], &gid))
    return;
  if (search->wanted && !search->found && strcmp(fields[0], search->wanted) == 0) {
    search->found = true;
    search->gid = gid;
  }
  if (search->member && count > 3 && lists_member(fields[3], search->member))
    add_group(search->user, gid);
}

static int find_group(int root, const char *text, uint32_t *gid, struct error *err) {
  if (is_number(text))
    return parse_id(text, gid) ? 0
                               : error_set(err, 0, "uids and gids must be in range 0-2147483647");
  struct group_search search = {.visitor = {visit_group}, .wanted = text};
  if (visit_file(root, "/etc/group", &search.visitor, err) < 0)
    return -1;
  *gid = search.gid;
  return search.found
             ? 0
             : error_set(err, 0, "unable to find group %s: no matching entries in group file",
                         text);
}

static int find_user(int root, const char *text, struct passwd_search *search, struct error *err) {
  struct user *user = search->user;
  if (*text == '\0')
    search->uid = 0;
  else if (!is_number(text))
    search->name = text;
  else if (!parse_id(text, &search->uid))
    return error_set(err, 0, "uids and gids must be in range 0-2147483647");
  user->uid = search->uid;
  if (visit_file(root, "/etc/passwd", &search->visitor, err) < 0)
    return -1;
  if (search->name && !search->found)
    return error_set(err, 0, "unable to find user %s: no matching entries in passwd file", text);
  return 0;
}

int user_resolve(int root, const char *spec, const struct plan_strings *additional,
                 struct user *user, struct error *err) {
  char name[512];
  *user = (struct user){.home = "/"};
  if (snprintf(name, sizeof name, "%s", spec) >= (int)sizeof name) {
    error_set(err, ENAMETOOLONG, "user");
    return error_stage(err, "user");
  }
  char *group = strchr(name, ':');
  if (group)
    *group++ = '\0';
  struct passwd_search search = {.visitor = {visit_passwd}, .user = user};
  if (find_user(root, name, &search, err) < 0)
    return error_stage(err, "user");
  if (group && *group) {
    uint32_t gid;
    if (find_group(root, group, &gid, err) < 0)
      return error_stage(err, "user");
    user->gid = gid;
  }
  add_group(user, user->gid);
  /* An explicit group replaces the ones that list the user. */
  if (search.found && !(group && *group)) {
    struct group_search memberships = {
        .visitor = {visit_group}, .member = search.matched_name, .user = user};
    if (visit_file(root, "/etc/group", &memberships.visitor, err) < 0)
      return error_stage(err, "user");
  }
  for (size_t i = 0; i < additional->count; i++) {
    uint32_t gid;
    if (find_group(root, additional->items[i], &gid, err) < 0)
      return error_stage(err, "user");
    add_group(user, gid);
  }
  return 0;
}
