// Writes a line to stderr and traps.
#include <stdio.h>
int main(void) {
  fputs("about to trap\n", stderr);
  __builtin_trap();
}
