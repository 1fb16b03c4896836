#include <fcntl.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "sealed.h"

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int become_sealed(char **arguments, struct error *err) {
  autoclose int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0)
    return error_set(err, errno, "open /proc/self/exe");
  int seals = fcntl(self, F_GET_SEALS);
  if (seals >= 0 && (seals & F_SEAL_WRITE))
    return 0;
  autoclose int copy = memfd_create("gantry-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (copy < 0) /* before 6.3 there is no MFD_EXEC */
    copy = memfd_create("gantry-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  struct stat stat;
  if (copy < 0 || fstat(self, &stat) < 0)
    return error_set(err, errno, "memfd_create");
  for (off_t left = stat.st_size; left > 0;) {
    ssize_t count = sendfile(copy, self, NULL, (size_t)left);
    if (count <= 0)
      return error_set(err, errno, "copy the binary");
    left -= count;
  }
  int wanted = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(copy, F_ADD_SEALS, wanted | F_SEAL_EXEC) < 0 && fcntl(copy, F_ADD_SEALS, wanted) < 0)
    return error_set(err, errno, "seal the binary");
  char *environment[] = {NULL};
  fexecve(copy, arguments, environment);
  return error_set(err, errno, "execute the sealed binary");
}
