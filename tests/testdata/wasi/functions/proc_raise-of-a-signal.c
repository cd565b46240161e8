#include "check.h"

// The header of wasi-libc does not declare proc_raise.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int proc_raise(int signal);

START {
  WANT(NOTSUP, proc_raise(6));
  WANT(NOTSUP, proc_raise(99));
}
