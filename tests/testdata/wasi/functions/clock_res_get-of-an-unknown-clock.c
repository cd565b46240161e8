#include "check.h"

START {
  __wasi_timestamp_t time;
  WANT(INVAL, __wasi_clock_res_get(4, &time));
  WANT(INVAL, __wasi_clock_res_get(-1, &time));
}
