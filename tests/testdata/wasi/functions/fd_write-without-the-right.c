#include "check.h"

START {
  WANT(BADF, __wasi_fd_write(0, &content, 1, &size));
  WANT(BADF, __wasi_fd_write(opened("file", __WASI_RIGHTS_FD_READ), &content, 1, &size));
  WANT(ISDIR, __wasi_fd_write(ROOT, &content, 1, &size));
}
