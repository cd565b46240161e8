#include "check.h"

START {
  __wasi_subscription_t subscription = {.userdata = 7, .u = {.tag = __WASI_EVENTTYPE_FD_READ, .u = {.fd_read = {CLOSED}}}};
  __wasi_event_t event;
  WANT(INVAL, __wasi_poll_oneoff(&subscription, &event, 0, &size));
  WANT(SUCCESS, __wasi_poll_oneoff(&subscription, &event, 1, &size));
  MUST(size == 1 && event.userdata == 7 && event.error == __WASI_ERRNO_BADF);
}
