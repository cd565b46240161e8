#include "check.h"

START {
  __wasi_timestamp_t time;
  WANT(INVAL, __wasi_clock_time_get(4, 0, &time));
  WANT(INVAL, __wasi_clock_time_get(-1, 0, &time));
}
