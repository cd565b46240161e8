#include "check.h"

START {
  WANT(FAULT, __wasi_random_get((uint8_t *)END - 10, 11));
  for (int at = 1; at <= 10; at++) MUST(((char *)END)[-at] == 0);
  WANT(FAULT, __wasi_random_get((uint8_t *)bytes, -1));
}
