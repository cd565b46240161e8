#include "check.h"

START {
  WANT(ISDIR, __wasi_fd_read(ROOT, &buffer, 1, &size));
  WANT(BADF, __wasi_fd_read(opened("file", __WASI_RIGHTS_FD_WRITE), &buffer, 1, &size));
  WANT(BADF, __wasi_fd_read(1, &buffer, 1, &size));
}
