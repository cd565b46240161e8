#include "check.h"

START {
  __wasi_fd_t fd = opened("file", __WASI_RIGHTS_FD_READ);
  WANT(BADF, __wasi_fd_renumber(fd, CLOSED));
  WANT(BADF, __wasi_fd_renumber(CLOSED, fd));
  WANT(SUCCESS, __wasi_fd_read(fd, &buffer, 1, &size));
}
