#include "check.h"

START {
  __wasi_fd_t fd = opened("file", __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_ADVISE);
  WANT(INVAL, __wasi_fd_advise(fd, 0, 0, 6));
  WANT(SUCCESS, __wasi_fd_advise(fd, 0, 0, __WASI_ADVICE_DONTNEED));
  WANT(BADF, __wasi_fd_advise(CLOSED, 0, 0, 0));
}
