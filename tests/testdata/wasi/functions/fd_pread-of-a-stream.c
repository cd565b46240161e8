#include "check.h"

START {
  WANT(SPIPE, __wasi_fd_pread(0, &buffer, 1, 0, &size));
  WANT(ISDIR, __wasi_fd_pread(ROOT, &buffer, 1, 0, &size));
}
