// Writes lines until a write fails, writes once more, prints both errors and exits with code 3.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  while (write(1, "y\n", 2) > 0);
  fprintf(stderr, "%s", strerror(errno));
  fprintf(stderr, ", %s\n", write(1, "y\n", 2) < 0 ? strerror(errno) : "written");
  return 3;
}
