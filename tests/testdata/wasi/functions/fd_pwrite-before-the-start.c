#include "check.h"

START {
  WANT(INVAL, __wasi_fd_pwrite(opened("file", __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK), &content, 1, -1, &size));
  WANT(SPIPE, __wasi_fd_pwrite(1, &content, 1, 0, &size));
}
