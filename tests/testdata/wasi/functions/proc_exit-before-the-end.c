#include "check.h"

START {
  __wasi_proc_exit(0);
  __builtin_trap();
}
