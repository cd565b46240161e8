#include "check.h"

START {
  __wasi_roflags_t flags;
  WANT(NOTSOCK, __wasi_sock_recv(opened("file", __WASI_RIGHTS_FD_READ), &buffer, 1, 0, &size, &flags));
  WANT(BADF, __wasi_sock_recv(CLOSED, &buffer, 1, 0, &size, &flags));
}
