#include "check.h"

START {
  WANT(FAULT, __wasi_environ_sizes_get(END, &size));
  WANT(FAULT, __wasi_environ_sizes_get(&size, (void *)((char *)END - 3)));
}
