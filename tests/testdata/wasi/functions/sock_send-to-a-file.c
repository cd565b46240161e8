#include "check.h"

START {
  WANT(NOTSOCK, __wasi_sock_send(opened("file", __WASI_RIGHTS_FD_WRITE), &content, 1, 0, &size));
  WANT(BADF, __wasi_sock_send(CLOSED, &content, 1, 0, &size));
}
