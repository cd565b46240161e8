#include "check.h"

START {
  for (int turn = 0; turn < 1000; turn++) WANT(SUCCESS, __wasi_sched_yield());
}
