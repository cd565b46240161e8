#include "check.h"

START {
  __wasi_fd_t fd = opened("file", __WASI_RIGHTS_FD_READ);
  WANT(SUCCESS, __wasi_fd_close(fd));
  WANT(BADF, __wasi_fd_close(fd));
}
