#include "check.h"

START {
  __wasi_filestat_t stat;
  WANT(NOTCAPABLE, __wasi_fd_filestat_get(opened("file", __WASI_RIGHTS_FD_READ), &stat));
  WANT(BADF, __wasi_fd_filestat_get(CLOSED, &stat));
}
