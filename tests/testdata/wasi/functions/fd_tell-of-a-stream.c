#include "check.h"

START {
  __wasi_filesize_t at;
  WANT(SPIPE, __wasi_fd_tell(0, &at));
  WANT(NOTCAPABLE, __wasi_fd_tell(opened("file", __WASI_RIGHTS_FD_READ), &at));
}
