#include "check.h"

START {
  __wasi_prestat_t stat;
  WANT(BADF, __wasi_fd_prestat_get(opened("file", __WASI_RIGHTS_FD_READ), &stat));
  WANT(BADF, __wasi_fd_prestat_get(1, &stat));
}
