#include "check.h"

START {
  __wasi_fd_t accepted;
  WANT(NOTSOCK, __wasi_sock_accept(opened("file", __WASI_RIGHTS_FD_READ), 0, &accepted));
  WANT(BADF, __wasi_sock_accept(CLOSED, 0, &accepted));
}
