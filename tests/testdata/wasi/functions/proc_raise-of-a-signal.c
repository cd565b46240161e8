#include "check.h"

// The C library's header leaves it out.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int proc_raise(int signal);

START {
  WANT(NOTSUP, proc_raise(6));
  WANT(NOTSUP, proc_raise(99));
}
