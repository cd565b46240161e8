#include "check.h"

START {
  uint8_t *pointers[8];
  WANT(FAULT, __wasi_environ_get((uint8_t **)END, (uint8_t *)bytes));
  WANT(FAULT, __wasi_environ_get(pointers, (uint8_t *)END));
}
