#include "check.h"

START {
  __wasi_fdstat_t stat;
  WANT(BADF, __wasi_fd_fdstat_get(CLOSED, &stat));
  WANT(BADF, __wasi_fd_fdstat_get(-1, &stat));
}
