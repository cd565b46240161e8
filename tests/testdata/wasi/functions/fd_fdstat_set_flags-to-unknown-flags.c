#include "check.h"

START {
  WANT(INVAL, __wasi_fd_fdstat_set_flags(opened("file", __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS), 32));
  WANT(BADF, __wasi_fd_fdstat_set_flags(CLOSED, 0));
}
